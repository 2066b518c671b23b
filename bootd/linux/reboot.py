"""Leaving this kernel: reboot(2) directly, or through systemd's kexec.target.

Source: reboot(2); systemd.special(7), kexec.target; os-release(5), initrd-release.
"""

import os
from typing import Final

from bootd.linux import systemctl
from bootd.linux.libc import LIBC, last_error

LINUX_REBOOT_CMD_KEXEC: Final = 0x45584543
LINUX_REBOOT_CMD_RESTART: Final = 0x01234567
LINUX_REBOOT_CMD_POWER_OFF: Final = 0x4321FEDC

_INITRD: Final = "/etc/initrd-release"
_DROP_INS: Final = "/run/systemd/system.conf.d"


def through_systemd() -> bool:
    """Say whether systemd has services and mounts here that it should stop first.

    Not in an initrd, where bootd's own boot image lives: nothing there needs to be saved.
    """
    return systemctl.is_there() and not os.path.exists(_INITRD)


def kexec_now() -> None:
    """Jump to the loaded kernel at once; returns only by raising.

    Nothing is synced: bootd never writes, and sync(2) blocks on a dead disk for ever.

    Raises:
        OSError: EINVAL: nothing is loaded. EPERM: no CAP_SYS_BOOT. EBUSY: a load is going on.
    """
    if LIBC.reboot(LINUX_REBOOT_CMD_KEXEC) < 0:
        raise last_error("reboot")


def kexec_through_systemd() -> None:
    """Ask systemd to stop everything and then jump; returns once it has accepted.

    `systemctl kexec` would load a kernel of its own choice when nothing is loaded; starting the
    target never does.

    Raises:
        OSError: systemctl is absent, failed, or gave no answer in 30 seconds.
    """
    _start_target("kexec.target")


def set_kexec_watchdog(seconds: int) -> None:
    """Have systemd arm a watchdog once it has stopped everything, and leave it running.

    By KExecWatchdogSec= of systemd-system.conf(5), in a file that is gone with the next power-on. A
    message bus, over which it could be said more directly, does not run everywhere.

    Raises:
        OSError: The file cannot be written; systemctl is absent, failed, or gave no answer in 30
            seconds.
    """
    os.makedirs(_DROP_INS, exist_ok=True)
    with open(f"{_DROP_INS}/50-bootd.conf", "w", encoding="ascii") as file:
        file.write(f"# For the jump of bootd.\n[Manager]\nKExecWatchdogSec={seconds}\n")
    systemctl.run("daemon-reload")


def restart() -> None:
    """Restart the machine; through systemd it returns once that has accepted.

    Raises:
        OSError: As `kexec_now` and `kexec_through_systemd`.
    """
    _leave(LINUX_REBOOT_CMD_RESTART, "reboot.target")


def power_off() -> None:
    """Switch the machine off; as `restart`."""
    _leave(LINUX_REBOOT_CMD_POWER_OFF, "poweroff.target")


def _leave(command: int, target: str) -> None:
    if through_systemd():
        _start_target(target)
    elif LIBC.reboot(command) < 0:
        raise last_error("reboot")


def _start_target(target: str) -> None:
    systemctl.run("start", "--no-block", "--job-mode=replace-irreversibly", target)
