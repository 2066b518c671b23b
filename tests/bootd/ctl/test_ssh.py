"""`bootdctl -H` through a real ssh and a real sshd to a real daemon."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.daemon import EXTLINUX, Daemon, running_daemon, write_tree
from tests.support.sshd import reachable_board

DEBIAN = "extlinux:vda1:debian"
BRIDGE = "bootdctl --socket {socket} bridge"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    machine = tmp_path_factory.mktemp("machine")
    write_tree(machine / "vda1", EXTLINUX)
    with running_daemon(machine) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with reachable_board(tmp_path_factory.mktemp("ssh")) as environment:
        yield environment


def run(
    environment: dict[str, str], *words: str, timeout_s: float = 40
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bootd.ctl.main", *words]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=timeout_s, check=False, env=environment
    )


def test_options_are_listed_and_one_is_selected(daemon: Daemon, there: dict[str, str]) -> None:
    far = ("-H", "board", "--socket", daemon.socket)
    listed = run(there, *far, "list", "--json")
    assert listed.stderr == ""
    assert [each["id"] for each in json.loads(listed.stdout)] == [DEBIAN, "extlinux:vda1:broken"]
    assert run(there, *far, "select", "debian").returncode == 0
    status = json.loads(run(there, "status", "--json", *far).stdout)["status"]
    assert status["selectedId"] == DEBIAN


def test_a_boot_from_afar_says_what_was_loaded(daemon: Daemon, there: dict[str, str]) -> None:
    done = run(there, "boot", "debian", "-H", "board", "--socket", daemon.socket)
    assert (done.returncode, done.stderr) == (0, "")
    assert "loader: dry_run" in done.stdout


def test_the_exit_status_is_that_of_a_refusal_over_there(
    daemon: Daemon, there: dict[str, str]
) -> None:
    done = run(there, "boot", "nothing", "-H", "board", "--socket", daemon.socket)
    assert done.returncode == 4
    assert "There is no boot option nothing" in done.stderr


def test_monitor_follows_a_daemon_far_away_until_its_end(
    tmp_path: Path, there: dict[str, str]
) -> None:
    with running_daemon(tmp_path) as daemon:
        command = [sys.executable, "-m", "bootd.ctl.main", "-H", "board"]
        command += ["--socket", daemon.socket, "monitor"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=there) as monitor:
            assert monitor.stdout is not None
            lines = iter(monitor.stdout.readline, "")
            assert next(lines).startswith("snapshot: 0 devices")
            daemon.plug("sdz1", {})
            assert "device sdz1: ready\n" in lines
            daemon.stop()
            assert monitor.wait(20) == 1


def test_a_monitor_that_is_ended_leaves_nothing_behind_over_there(
    tmp_path: Path, there: dict[str, str]
) -> None:
    with running_daemon(tmp_path) as daemon:
        command = [sys.executable, "-m", "bootd.ctl.main", "-H", "board"]
        command += ["--socket", daemon.socket, "monitor"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=there) as monitor:
            assert monitor.stdout is not None
            assert monitor.stdout.readline()
            assert bridges(daemon.socket) == 1
            monitor.terminate()
        for _ in range(100):
            if bridges(daemon.socket) == 0:
                return
            subprocess.run(["sleep", "0.1"], check=True)
        pytest.fail("the bridge still runs")


def bridges(socket: str) -> int:
    """Count the bridges to a daemon that run on this machine."""
    wanted = f"--socket\0{socket}\0bridge\0".encode()
    count = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:  # it has just ended
            continue
        count += words.endswith(wanted) and b"bootd.ctl.main" in words
    return count


def test_a_key_can_be_for_the_bridge_alone(daemon: Daemon, tmp_path: Path) -> None:
    forced = f'restrict,command="{BRIDGE.format(socket=daemon.socket)}"'
    with reachable_board(tmp_path, restriction=forced) as environment:
        assert DEBIAN in run(environment, "-H", "board", "list").stdout
        plain = ["ssh", "board", "echo broken in"]
        done = subprocess.run(
            plain,
            input="",
            capture_output=True,
            text=True,
            timeout=40,
            check=False,
            env=environment,
        )
    assert "broken in" not in done.stdout


def test_no_daemon_over_there_is_said_by_the_one_who_looked(there: dict[str, str]) -> None:
    done = run(there, "-H", "board", "--socket", "/nonexistent/socket", "list")
    assert done.returncode == 1
    assert "bootd is not running: nobody listens on /nonexistent/socket" in done.stderr
    assert "Cannot ask bootd on board" in done.stderr


def test_a_host_that_nobody_knows_is_said_by_ssh(there: dict[str, str]) -> None:
    done = run(there, "-H", "nobody.invalid", "list")
    assert done.returncode == 1
    assert "resolve hostname" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_machine_without_bootdctl_is_said(tmp_path: Path) -> None:
    with reachable_board(tmp_path) as environment:
        (tmp_path / "there/bootdctl").unlink()
        done = run(environment, "-H", "board", "list")
    assert done.returncode == 1
    assert "There is no bootdctl on board" in done.stderr
