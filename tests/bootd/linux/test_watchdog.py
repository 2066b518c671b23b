"""Watchdogs from a played /sys.

The driver's answers are played here, because not every kernel that runs the tests has a watchdog;
a real one runs out on the emulated board (tests/board/test_counting.py).
"""

import errno
import fcntl
import sys
from pathlib import Path

import pytest

from bootd.linux.watchdog import Watchdog, arm, candidates, disarm, outlives, running

SETTIMEOUT = 0xC0045706


def made(root: Path, name: str, **attributes: str) -> None:
    (root / name).mkdir()
    for attribute, text in attributes.items():
        (root / name / attribute).write_text(f"{text}\n")


def test_only_those_that_run_are_listed(tmp_path: Path) -> None:
    made(tmp_path, "watchdog1", state="active", timeout="16", timeleft="11")
    made(tmp_path, "watchdog0", state="inactive", timeout="60")
    made(tmp_path, "watchdog2", state="active", timeout="60")
    assert running(str(tmp_path)) == (
        Watchdog(name="watchdog1", timeout_s=16, left_s=11),
        Watchdog(name="watchdog2", timeout_s=60, left_s=None),
    )


def test_a_machine_without_any_has_none(tmp_path: Path) -> None:
    assert running(str(tmp_path / "absent")) == ()


class Driver:
    """Answers ioctl(2) as the driver of a watchdog does that knows up to so many seconds."""

    def __init__(self, most: int, *, error: int = 0) -> None:
        self.most = most
        self.error = error
        self.asked: list[int] = []
        self.timeout = 30

    def __call__(self, _fd: int, request: int, data: bytes) -> bytes:
        self.asked.append(request)
        if self.error:
            raise OSError(self.error, "played")
        if request == SETTIMEOUT:
            wanted = int.from_bytes(data, sys.byteorder)
            if wanted > self.most:
                raise OSError(errno.EINVAL, "played")
            self.timeout = wanted
        return self.timeout.to_bytes(4, sys.byteorder)


@pytest.fixture
def devices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dev")
    for number in range(2):
        (folder / f"watchdog{number}").touch()
    return folder


def test_a_watchdog_is_armed_and_left_running(
    tmp_path: Path, devices: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = Driver(most=120)
    monkeypatch.setattr(fcntl, "ioctl", driver)
    made(tmp_path, "watchdog0", state="inactive", identity="i6300ESB timer")
    armed = arm(60, str(tmp_path), str(devices))
    assert armed == Watchdog(name="watchdog0", timeout_s=60, left_s=None)
    assert driver.asked[0] == SETTIMEOUT
    assert len(driver.asked) == 2, "it is fed once with its new time"
    assert (devices / "watchdog0").read_bytes() == b"", "the magic letter would stop it"


def test_one_that_does_not_know_the_time_keeps_its_own_which_is_said(
    tmp_path: Path, devices: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "ioctl", Driver(most=16))
    made(tmp_path, "watchdog0", state="inactive", identity="dw_wdt")
    assert arm(600, str(tmp_path), str(devices)).timeout_s == 30


def test_a_timer_of_this_kernel_is_no_watchdog_for_the_next(tmp_path: Path, devices: Path) -> None:
    made(tmp_path, "watchdog0", state="inactive", identity="Software Watchdog")
    assert candidates(str(tmp_path)) == ()
    with pytest.raises(OSError, match="no watchdog that outlives the jump"):
        arm(60, str(tmp_path), str(devices))


def test_without_any_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no watchdog"):
        arm(60, str(tmp_path / "absent"))


def test_the_next_one_is_taken_when_the_driver_of_the_first_fails(
    tmp_path: Path, devices: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "ioctl", Driver(most=60))
    (devices / "watchdog0").unlink()
    for number in range(2):
        made(tmp_path, f"watchdog{number}", state="inactive", identity="dw_wdt")
    assert arm(60, str(tmp_path), str(devices)).name == "watchdog1"


def test_one_that_is_held_is_said_by_its_name(
    tmp_path: Path, devices: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "ioctl", Driver(most=60, error=errno.EBUSY))
    made(tmp_path, "watchdog0", state="active", identity="dw_wdt")
    with pytest.raises(OSError, match="another program holds it") as caught:
        arm(60, str(tmp_path), str(devices))
    assert caught.value.filename == "watchdog0"


def test_a_watchdog_is_stopped_with_the_magic_letter(tmp_path: Path, devices: Path) -> None:
    made(tmp_path, "watchdog0", state="inactive", identity="dw_wdt")
    disarm("watchdog0", str(tmp_path), str(devices))
    assert (devices / "watchdog0").read_bytes() == b"V"


def test_one_that_goes_on_all_the_same_is_said(tmp_path: Path, devices: Path) -> None:
    made(tmp_path, "watchdog0", state="active", identity="dw_wdt")
    with pytest.raises(OSError, match="nowayout"):
        disarm("watchdog0", str(tmp_path), str(devices))


@pytest.mark.parametrize(("policy", "said"), [("0", True), ("1", False), ("-1", False)])
def test_only_the_kernel_command_line_keeps_it_running_for_sure(
    tmp_path: Path, policy: str, *, said: bool
) -> None:
    made(tmp_path, "parameters", stop_on_reboot=policy)
    assert outlives(str(tmp_path)) is said


def test_a_kernel_without_that_parameter_promises_nothing(tmp_path: Path) -> None:
    assert not outlives(str(tmp_path / "absent"))
