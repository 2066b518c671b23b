"""Quieten the machine before a jump: file systems read-only, drivers unbound, processors offline.

Where systemd stops everything first, a file in /run holds the steps that come after that: a script
of systemd-shutdown(8), units/bootd.shutdown, does them once nothing is mounted any more.

Source: Documentation/ABI/testing/sysfs-bus-pci (unbind, bind), sysfs-devices-system-cpu (online);
mount(2). Everything that was done can be undone, in case the machine does not leave.
"""

import os
import re
import time
from collections.abc import Callable, Iterator
from typing import Final

from bootd.linux.libc import LIBC, last_error
from bootd.linux.mounted import unescape
from bootd.model.board import Quiesce
from bootd.record import dataclass

_MS_RDONLY: Final = 0x1
_MS_REMOUNT: Final = 0x20
_MS_FLAGS: Final = {"nosuid": 0x2, "nodev": 0x4, "noexec": 0x8}
"""What a remount takes away unless it is said again."""
LATER: Final = "/run/bootd/before-kexec"
_BOOT_PROCESSOR: Final = "cpu0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was done, or is to be done later, for `undo`, and what failed.

    Attributes:
        mounts: Mount points, with their flags, whose file systems were made read-only.
        writes: (file, text): writing the text to the file undoes a step.
        later: File with the steps that are to be done, or "".
        failures: Sentences.
    """

    mounts: tuple[tuple[str, int], ...] = ()
    writes: tuple[tuple[str, str], ...] = ()
    later: str = ""
    failures: tuple[str, ...] = ()


def quiesce(profile: Quiesce, root: str = "/", mounts: str = "/proc/self/mounts") -> Done:
    """Do it, and go on after a failure: a person has asked to leave.

    Args:
        profile: What this board needs besides its file systems.
        root: Directory below which sys/ is looked for.
        mounts: What is mounted, in the form of /proc/self/mounts.
    """
    failures: list[str] = []
    writable = _writable(mounts)
    protected = [one for one in writable if _try(failures, one[0], _remount, *one, _MS_RDONLY)]
    made = [
        (undoing, before)
        for file, text, undoing, before in _steps(profile, root)
        if _try(failures, f"{file} ({text})", _write, file, text)
    ]
    time.sleep(profile.delay_ms / 1000)
    return Done(mounts=tuple(protected), writes=tuple(made), failures=tuple(failures))


def quiesce_later(profile: Quiesce, root: str = "/", path: str = LATER) -> Done:
    """Have it done when systemd has stopped everything; it makes file systems read-only itself.

    Raises:
        OSError: The file cannot be written.
    """
    lines = [f"{text} {file}\n" for file, text, _, _ in _steps(profile, root)]
    if profile.delay_ms:
        lines.append(f"{profile.delay_ms / 1000} -\n")
    if not lines:
        return Done()
    os.makedirs(os.path.dirname(path), exist_ok=True)
    _write(path, "".join(lines))
    return Done(later=path)


def undo(done: Done) -> tuple[str, ...]:
    """Bring back what `quiesce` has taken away; returns sentences on what stays away."""
    failures: list[str] = []
    if done.later:
        _try(failures, done.later, os.unlink, done.later)
    for file, text in reversed(done.writes):
        _try(failures, f"{file} ({text})", _write, file, text)
    for place, flags in reversed(done.mounts):
        _try(failures, place, _remount, place, flags, 0)
    return tuple(failures)


def _writable(mounts: str) -> list[tuple[str, int]]:
    """Mount points of block devices that may be written to, and their flags; the last one first."""
    with open(mounts, encoding="utf-8", errors="surrogateescape") as file:
        rows = [line.split(" ") for line in file]
    found = []
    for source, place, _, options, *_ in reversed(rows):
        words = options.split(",")
        if source.startswith("/dev/") and "rw" in words:
            flags = sum(flag for word, flag in _MS_FLAGS.items() if word in words)
            found.append((unescape(place), flags))
    return found


def _remount(place: str, flags: int, more: int) -> None:
    if LIBC.mount(None, os.fsencode(place), None, _MS_REMOUNT | flags | more, None) < 0:
        raise last_error("mount")


def _steps(profile: Quiesce, root: str) -> list[tuple[str, str, str, str]]:
    steps = [step for pattern in profile.unbind for step in _unbinding(root, pattern)]
    if profile.offline_cpus:
        steps += [(online, "0", online, "1") for online in _processors(root)]
    return steps


def _unbinding(root: str, pattern: str) -> Iterator[tuple[str, str, str, str]]:
    """What to write where, and again to undo it, for each device of a driver."""
    driver = os.path.join(root, "sys/bus", pattern.replace("/", "/drivers/", 1))
    for device in _devices(driver):
        yield f"{driver}/unbind", device, f"{driver}/bind", device


def _devices(driver: str) -> Iterator[str]:
    """Names of the devices that a driver is bound to: links beside `module`, to a device each."""
    try:
        names = sorted(os.listdir(driver))
    except OSError:
        return
    yield from (
        name for name in names if name != "module" and os.path.islink(os.path.join(driver, name))
    )


def _processors(root: str) -> Iterator[str]:
    """Files that take a processor offline, the boot processor's left out."""
    folder = os.path.join(root, "sys/devices/system/cpu")
    for name in sorted(os.listdir(folder), reverse=True):
        online = os.path.join(folder, name, "online")
        if re.fullmatch(r"cpu\d+", name) and name != _BOOT_PROCESSOR and os.path.exists(online):
            yield online


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def _try(failures: list[str], what: str, step: Callable[..., None], *given: str | int) -> bool:
    try:
        step(*given)
    except OSError as error:
        failures.append(f"{what}: {error.strerror or error}")
        return False
    return True
