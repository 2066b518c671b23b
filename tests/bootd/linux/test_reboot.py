"""Leaving this kernel.

reboot(2) itself is never called by a test: a recorder takes the place of the C library. systemctl
is a real program, played by a script.
"""

import ctypes
import errno
from pathlib import Path

import pytest

from bootd.linux import reboot
from bootd.linux import systemctl as systemctl_program


class FakeLibc:
    """Takes the place of the C library; refuses as a kernel with nothing loaded does."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def reboot(self, command: int) -> int:
        self.asked.append(command)
        ctypes.set_errno(errno.EINVAL)
        return -1


def test_a_jump_that_fails_names_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeLibc()
    monkeypatch.setattr(reboot, "LIBC", fake)
    with pytest.raises(OSError, match="Invalid argument: 'reboot'"):
        reboot.kexec_now()
    assert fake.asked == [reboot.LINUX_REBOOT_CMD_KEXEC]


def systemctl(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "systemctl"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_systemd_is_asked_for_its_target_and_loads_nothing_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    systemctl(tmp_path, f'echo "$@" > {tmp_path}/asked', monkeypatch)
    reboot.kexec_through_systemd()
    words = (tmp_path / "asked").read_text().split()
    assert (words[0], words[-1]) == ("start", "kexec.target")


def test_what_systemctl_says_is_in_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    systemctl(tmp_path, "echo Access denied >&2; exit 4", monkeypatch)
    with pytest.raises(OSError, match="Access denied"):
        reboot.kexec_through_systemd()


def test_systemd_ends_systemctl_too_once_it_has_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    systemctl(tmp_path, f"echo accepted > {tmp_path}/asked; kill -TERM $$", monkeypatch)
    reboot.kexec_through_systemd()
    assert (tmp_path / "asked").exists()


def test_a_silent_systemctl_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    systemctl(tmp_path, "exec sleep 60", monkeypatch)
    monkeypatch.setattr(systemctl_program, "_ANSWER_S", 0.2)
    with pytest.raises(TimeoutError, match="no answer"):
        reboot.kexec_through_systemd()


@pytest.mark.parametrize(
    ("systemd", "initrd", "through"),
    [(True, False, True), (True, True, False), (False, False, False)],
)
def test_systemd_is_used_in_a_whole_system_only(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    systemd: bool,  # noqa: FBT001 - a column of the table
    initrd: bool,  # noqa: FBT001 - ditto
    through: bool,  # noqa: FBT001 - ditto
) -> None:
    monkeypatch.setattr(systemctl_program, "_RUNS", str(tmp_path / "system"))
    monkeypatch.setattr(reboot, "_INITRD", str(tmp_path / "initrd-release"))
    if systemd:
        (tmp_path / "system").mkdir()
    if initrd:
        (tmp_path / "initrd-release").touch()
    assert reboot.through_systemd() is through
