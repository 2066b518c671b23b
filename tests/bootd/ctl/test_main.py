"""bootdctl as a program, against a real daemon."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootd.ctl import asking
from bootd.ctl.main import VERBS, build_parser, main
from bootd.errors import CallError, LoadError, MergeRefusedError
from bootd.protocol.messages import ErrorName
from tests.support.daemon import EXTLINUX, Daemon, running_daemon, write_tree

DEBIAN = "extlinux:vda1:debian"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    machine = tmp_path_factory.mktemp("machine")
    write_tree(machine / "vda1", EXTLINUX)
    with running_daemon(machine) as daemon:
        for _ in range(100):
            if "\tready\t" in run(daemon, "list").stdout:
                break
        yield daemon


def run(daemon: Daemon, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bootd.ctl.main", *words, "--socket", daemon.socket]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_list_shows_title_device_state_and_id(daemon: Daemon) -> None:
    first, second = run(daemon, "list").stdout.splitlines()
    assert first == f"*\tDebian GNU/Linux 12 (bookworm)\tvda1\textlinux\tready\t{DEBIAN}"
    assert "/boot/vmlinuz-5.10.0 is not on vda1" in second


def test_json_has_the_names_of_the_interface(daemon: Daemon) -> None:
    options = json.loads(run(daemon, "list", "--json").stdout)
    assert [option["id"] for option in options] == [DEBIAN, "extlinux:vda1:broken"]
    status = json.loads(run(daemon, "status", "--json").stdout)
    assert status["status"]["dryRun"] is True
    assert status["devices"][0]["name"] == "vda1"
    shown = json.loads(run(daemon, "show", DEBIAN, "--json").stdout)
    assert shown["linux"] == {"device": "vda1", "path": "/boot/vmlinuz-6.1.0-18-arm64"}
    explained = json.loads(run(daemon, "explain", DEBIAN, "--json").stdout)
    assert explained["loader"] == "dry_run"


def test_status_names_board_countdown_and_devices(daemon: Daemon) -> None:
    text = run(daemon, "status").stdout
    assert "Radxa ROCK 5B" in text
    assert "countdown: " in text
    assert "vda1\tdirectory" in text


def test_status_says_why_nothing_can_be_loaded(tmp_path: Path) -> None:
    board = {"architecture": "aarch64", "kexecRefusal": "kexec is switched off"}
    with running_daemon(tmp_path, board=board) as daemon:
        assert "kexec: not possible: kexec is switched off\n" in run(daemon, "status").stdout


def test_an_option_may_be_called_by_its_entry(daemon: Daemon) -> None:
    text = run(daemon, "show", "debian").stdout
    assert f"id: {DEBIAN}" in text
    assert "options: root=UUID=0a3407de-014b-458b-b5c1-848e92a327a3 ro quiet" in text


def test_boot_says_what_was_loaded(daemon: Daemon) -> None:
    done = run(daemon, "boot", "debian", "--options", "single")
    assert done.returncode == 0
    assert "loader: dry_run" in done.stdout
    assert "executed: no, this was a dry run" in done.stdout


@pytest.mark.parametrize(
    ("crash_bytes", "status", "said"),
    [
        (0, 1, "start the running kernel with crashkernel=256M"),
        (1 << 28, 0, "loader: dry_run"),
    ],
)
def test_a_crash_kernel_needs_memory_that_is_set_aside_for_it(
    tmp_path: Path, crash_bytes: int, status: int, said: str
) -> None:
    board = {"architecture": "aarch64", "kexecLoad": True, "crashBytes": crash_bytes}
    write_tree(tmp_path / "vda1", EXTLINUX)
    with running_daemon(tmp_path, board=board) as daemon:
        for _ in range(100):
            if "\tready\t" in run(daemon, "list").stdout:
                break
        done = run(daemon, "crash", "debian")
    assert done.returncode == status
    assert said in done.stdout + done.stderr


def test_explain_takes_the_changes_that_boot_takes(daemon: Daemon) -> None:
    plain = json.loads(run(daemon, "explain", DEBIAN, "--json").stdout)
    changed = run(daemon, "explain", DEBIAN, "--json", "--options", "a" * 5000)
    assert plain["refused"] is None
    assert "the command line has 5000 bytes" in json.loads(changed.stdout)["refused"]


def test_a_file_that_cannot_be_opened_is_named_without_an_errno(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["dt", "check", "/none.dtb"]) == 1
    assert capsys.readouterr().err == "bootdctl: /none.dtb: No such file or directory\n"


def test_select_cancel_and_rescan_are_silent_and_done(daemon: Daemon) -> None:
    for words in (("select", "debian"), ("cancel",), ("rescan",)):
        done = run(daemon, *words)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    status = json.loads(run(daemon, "status", "--json").stdout)["status"]
    assert status["selectedId"] == DEBIAN
    assert status["countdownStoppedBy"].startswith("bootdctl of ")


def test_monitor_prints_a_line_an_event(daemon: Daemon) -> None:
    command = [sys.executable, "-m", "bootd.ctl.main", "monitor", "--socket", daemon.socket]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as monitor:
        try:
            assert monitor.stdout is not None
            lines = iter(monitor.stdout.readline, "")
            assert next(lines).startswith("snapshot: 1 devices, 2 options")
            daemon.plug("sdz1", {})
            # A busy machine may have read it before it tells that it is about to.
            assert "device sdz1: ready\n" in lines
            daemon.unplug("sdz1")
            assert "device sdz1: gone\n" in lines
        finally:
            monitor.terminate()


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("boot", "extlinux:vda1:broken"), 1),
        (("explain", "broken"), 1),
        (("boot", "nothing"), 4),
        (("show", "nothing"), 4),
        (("frob",), 2),
        (("boot",), 2),
        (("list", "--host=-oProxyCommand=x"), 1),
    ],
)
def test_the_exit_status_says_what_went_wrong(
    daemon: Daemon, words: tuple[str, ...], status: int
) -> None:
    done = run(daemon, *words)
    assert done.returncode == status
    assert "Traceback" not in done.stderr
    assert done.stderr or words[0] == "explain"


def test_no_daemon_is_a_sentence_and_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--socket", "/nonexistent/socket"]) == 1
    assert "bootd is not running" in capsys.readouterr().err


def test_a_reader_that_leaves_is_no_error(daemon: Daemon) -> None:
    command = f"{sys.executable} -m bootd.ctl.main list --socket {daemon.socket} | true"
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (CallError(ErrorName.NO_SUCH_OPTION, "x", {}), 4),
        (CallError(ErrorName.REFUSED, "x", {}), 3),
        (CallError(ErrorName.PERMISSION_DENIED, "x", {}), 3),
        (CallError(ErrorName.BOOT_FAILED, "x", {}), 1),
        (MergeRefusedError("x"), 3),
        (LoadError("x"), 1),
    ],
)
def test_exit_statuses_are_those_of_the_manual(
    error: CallError | MergeRefusedError | LoadError, status: int
) -> None:
    assert asking.exit_status(error) == status


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-H", "board", "list"], "-T|--|board|bootdctl bridge|"),
        (["list", "--host", "board"], "-T|--|board|bootdctl bridge|"),
        (["list", "--host=board", "--socket=/x y"], "-T|--|board|bootdctl --socket '/x y' bridge|"),
        (["-H", "board", "scan", "/dev/sda"], "--|board|bootdctl scan /dev/sda|"),
    ],
)
def test_a_host_is_reached_by_ssh_for_its_daemon_or_with_the_same_words(
    words: list[str], said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/sh\nprintf "%s|" "$@" > {told}\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    command = [sys.executable, "-m", "bootd.ctl.main", *words]
    subprocess.run(command, check=False, capture_output=True, timeout=30)
    assert told.read_text() == said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--tls", "board:1", "--ca", "x"), "--tls needs --cert and --key as well"),
        (
            (
                "--tls",
                "board",
            ),
            "--tls takes HOST:PORT",
        ),
        (("--tls", "board:1", "-H", "board"), "two different ways"),
    ],
)
def test_a_way_that_makes_no_sense_is_said(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "list"]) == 1
    assert said in capsys.readouterr().err


def test_words_for_the_other_side_are_quoted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(os, "execvp", lambda _file, words: ran.append(words))
    asking.run_remotely("board", ["boot", "-H", "board", "x; reboot", "--", "-H"])
    assert ran == [["ssh", "--", "board", "bootdctl boot 'x; reboot' -- -H"]]


def test_verb_modules_cost_nothing_before_they_run() -> None:
    heavy = ("asyncio", "bootd.client", "bootd.formats", "bootd.fdt.reader", "ctypes", "logging")
    code = (
        "import sys; from bootd.ctl.main import build_parser; build_parser();"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "[]\n"


def test_every_verb_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(["--help"])
    text = capsys.readouterr().out
    for verb in (
        "status",
        "list",
        "show",
        "explain",
        "boot",
        "select",
        "cancel",
        "rescan",
        "bridge",
    ):
        assert f"\n    {verb} " in text
    assert len(VERBS) == len(set(VERBS))
