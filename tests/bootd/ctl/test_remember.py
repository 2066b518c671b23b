"""Verbs whose effect lasts, as a program against a real daemon."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.daemon import BLS, EXTLINUX, Daemon, running_daemon, write_tree

DEBIAN = "extlinux:vda1:debian"
FEDORA = "bls:vdb1:fedora.conf"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    machine = tmp_path_factory.mktemp("machine")
    write_tree(machine / "vda1", EXTLINUX)
    write_tree(machine / "vdb1", BLS)
    with running_daemon(machine) as daemon:
        yield daemon


def run(daemon: Daemon, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bootd.ctl.main", "--socket", daemon.socket, *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def status(daemon: Daemon) -> dict[str, object]:
    found: dict[str, object] = json.loads(run(daemon, "status", "--json").stdout)["status"]
    return found


def test_a_default_is_set_by_its_short_name_shown_and_forgotten(daemon: Daemon) -> None:
    assert run(daemon, "set-default", "fedora.conf").returncode == 0
    assert (status(daemon)["defaultId"], status(daemon)["defaultWish"]) == (FEDORA, FEDORA)
    text = run(daemon, "status").stdout
    assert f"wished for: {FEDORA}\n" in text
    assert "choices: not persisted" in text
    assert run(daemon, "set-default", "").returncode == 0
    assert status(daemon)["defaultId"] == DEBIAN


def test_a_default_may_be_a_pattern_or_what_was_booted_last(daemon: Daemon) -> None:
    assert run(daemon, "set-default", "bls:*").returncode == 0
    assert status(daemon)["defaultId"] == FEDORA
    assert run(daemon, "set-default", "@saved").returncode == 0
    assert status(daemon)["defaultId"] == DEBIAN
    assert run(daemon, "boot", "fedora.conf").returncode == 0
    assert status(daemon)["defaultId"] == FEDORA
    run(daemon, "set-default", "")


def test_a_default_that_is_not_there_has_its_exit_status(daemon: Daemon) -> None:
    assert run(daemon, "set-default", "windows").returncode == 4


def test_a_default_until_the_power_goes_off(daemon: Daemon) -> None:
    assert run(daemon, "set-default", "--until-power-on", "fedora.conf").returncode == 0
    assert status(daemon)["defaultUntilPowerOn"] == FEDORA
    run(daemon, "set-default", "--until-power-on", "")
    assert status(daemon)["defaultUntilPowerOn"] == ""


def test_a_one_shot(daemon: Daemon) -> None:
    assert run(daemon, "set-oneshot", "fedora.conf").returncode == 0
    assert status(daemon)["oneShotId"] == FEDORA
    assert f"boots once: {FEDORA}\n" in run(daemon, "status").stdout
    assert run(daemon, "set-oneshot", "").returncode == 0
    assert status(daemon)["oneShotId"] is None


@pytest.mark.parametrize(("words", "seconds"), [("30", 30), ("never", -1), ("default", -1)])
def test_a_timeout(daemon: Daemon, words: str, seconds: int) -> None:
    assert run(daemon, "set-timeout", words).returncode == 0
    assert status(daemon)["timeoutSeconds"] == seconds


def test_a_timeout_that_is_none_is_a_usage_error(daemon: Daemon) -> None:
    done = run(daemon, "set-timeout", "soon")
    assert done.returncode == 2
    assert "expected seconds, never or default" in done.stderr


def test_autoboot_off_and_as_configured(daemon: Daemon) -> None:
    run(daemon, "set-autoboot", "no")
    assert status(daemon)["autoboot"] is False
    run(daemon, "set-autoboot", "default")
    assert status(daemon)["autoboot"] is True


def test_a_boot_order(daemon: Daemon) -> None:
    assert run(daemon, "set-order", "format:bls", "any").returncode == 0
    assert "boot order: format:bls any\n" in run(daemon, "status").stdout
    done = run(daemon, "set-order", "floppy")
    assert done.returncode == 1
    assert "not 'floppy'" in done.stderr
    run(daemon, "set-order")
    assert status(daemon)["order"] == []


def test_changes_are_saved_listed_booted_and_forgotten(daemon: Daemon) -> None:
    done = run(daemon, "save", "debian", "Rescue", "--options", "ro single")
    assert done.stdout == f"{DEBIAN}+Rescue\n"
    listed = json.loads(run(daemon, "list", "--json").stdout)
    saved = next(each for each in listed if each["baseId"])
    assert (saved["title"], saved["options"], saved["changes"]["options"]) == (
        "Debian GNU/Linux 12 (bookworm) (Rescue)",
        "ro single",
        "ro single",
    )
    assert run(daemon, "boot", "debian+Rescue").returncode == 0
    assert run(daemon, "forget", "debian+Rescue").returncode == 0
    assert run(daemon, "show", "debian+Rescue").returncode == 4
    assert run(daemon, "forget", "debian").returncode == 4


def test_leaving_is_said_and_rehearsed(daemon: Daemon) -> None:
    assert run(daemon, "leave", "reboot").returncode == 0
    assert "is restarting the machine" in run(daemon, "status").stdout
    assert run(daemon, "leave", "home").returncode == 2
