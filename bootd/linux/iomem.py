"""/proc/iomem: where memory is, and what in it has to survive a kexec."""

import errno
from collections.abc import Iterator

from bootd.model.memory import MemoryMap, Range

_RAM = "system ram"
_REUSABLE = "kernel "
"""Children of System RAM that are the running kernel itself, and free once it has left."""
_CRASH = "crash kernel"


def parse(text: str) -> MemoryMap:
    """Read the text of /proc/iomem.

    Reserved is every range of that name at any depth and in any case (riscv writes `Reserved`),
    and every other child of System RAM but the running kernel's own code and data: a crash kernel,
    or whatever a later kernel may put there. Lines that make no sense are passed over, since
    another line of the same file may still reserve memory.
    """
    ram: list[Range] = []
    reserved: list[Range] = []
    crash: list[Range] = []
    inside_ram = False
    for depth, found, name in _lines(text):
        if depth == 0:
            inside_ram = name == _RAM
        if depth == 0 and inside_ram:
            ram.append(found)
        elif name == "reserved" or (inside_ram and not name.startswith(_REUSABLE)):
            reserved.append(found)
        if name == _CRASH:
            crash.append(found)
    return MemoryMap(ram=tuple(ram), reserved=tuple(reserved), crash=tuple(crash))


def read(path: str = "/proc/iomem") -> MemoryMap:
    """Return the map of the running kernel.

    Raises:
        PermissionError: The kernel shows zeros instead of addresses: CAP_SYS_ADMIN is needed.
    """
    with open(path, encoding="ascii", errors="replace") as file:
        found = parse(file.read())
    if all(part.end <= 1 for part in found.ram):
        raise PermissionError(errno.EPERM, "the kernel hides the addresses (not root?)", path)
    return found


def _lines(text: str) -> Iterator[tuple[int, Range, str]]:
    for line in text.split("\n"):
        place, colon, name = line.partition(" : ")
        first, dash, last = place.strip().partition("-")
        if not colon or not dash:
            continue
        try:
            found = Range(int(first, 16), int(last, 16) + 1)
        except ValueError:
            continue
        depth = (len(place) - len(place.lstrip(" "))) // 2
        yield depth, found, name.strip().lower()
