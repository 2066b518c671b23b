"""Helpers that make volumes of disks and take them away; each runs in a process of its own.

What a volume consists of comes from the disks, so every number is checked against them here: a
volume can show nothing but what is on the disks that it is made from, and none can be written.
Imports are inside the functions: few machines have such disks.
"""

import os
import stat
from typing import TYPE_CHECKING, Final

from bootd.errors import ProtocolError
from bootd.probe.task import Context
from bootd.protocol.codec import Json

if TYPE_CHECKING:
    from bootd.linux.dm import Target

_MAX_LINES: Final = 1024
_MAX_PLACES: Final = 128


def assemble(_context: Context, params: Json, _fds: list[int]) -> tuple[Json, list[int]]:
    """Make a volume: {"name", "uuid", "lines"} -> null; one that is in use already is kept.

    Raises:
        OSError: The kernel, or a disk, does not allow it.
    """
    from bootd.linux import dm  # noqa: PLC0415 - see the module's docstring

    if not isinstance(params, dict):
        raise ProtocolError("$.params: expected an object")
    name, uuid = _name(params.get("name")), _name(params.get("uuid"))
    table = _table(params.get("lines"))
    if name not in dm.names() or dm.remove_if_unused(name):
        dm.create(name, table, read_only=True, uuid=uuid)
    return None, []


def dismantle(_context: Context, params: Json, _fds: list[int]) -> tuple[Json, list[int]]:
    """Take a volume away, at the latest when its last user is gone: {"name"} -> null."""
    from bootd.linux import dm  # noqa: PLC0415 - see the module's docstring

    name = _name(params.get("name") if isinstance(params, dict) else None)
    if name in dm.names():
        dm.remove(name)
    return None, []


def unlock(_context: Context, params: Json, fds: list[int]) -> tuple[Json, list[int]]:
    """Open an encrypted disk: {"name", "node"} and a descriptor with the passphrase -> null.

    Raises:
        BootdError: It did not work, and why.
    """
    from bootd.linux.cryptsetup import open_read_only  # noqa: PLC0415 - see the module's docstring

    if not isinstance(params, dict) or len(fds) != 1:
        raise ProtocolError("$.params: expected an object, and a passphrase")
    try:
        open_read_only(str(params.get("node")), _name(params.get("name")), fds[0])
    finally:
        os.close(fds[0])
    return None, []


def _name(value: Json) -> str:
    from bootd.linux.block_device import OURS, OVERLAY  # noqa: PLC0415 - as above

    if not isinstance(value, str) or not value.startswith(OURS) or value.startswith(OVERLAY):
        raise ProtocolError("$.params.name: expected the name of a volume")
    return value


def _table(lines: Json) -> "list[Target]":
    if not isinstance(lines, list) or not 1 <= len(lines) <= _MAX_LINES:
        raise ProtocolError("$.params.lines: expected a list")
    table: list[Target] = []
    start = 0
    for line in lines:
        match line:
            case {"length": int(length), "stripe": int(stripe), "places": list(places)}:
                table.append(_target(start, length, stripe, places))
                start += length
            case _:
                raise ProtocolError("$.params.lines: expected lengths, stripes and places")
    return table


def _target(start: int, length: int, stripe: int, places: list[Json]) -> "Target":
    from bootd.linux.dm import Target  # noqa: PLC0415 - as above

    if not 1 <= len(places) <= _MAX_PLACES or length < 1 or stripe < 0:
        raise ProtocolError("$.params.lines: out of range")
    words = " ".join(_place(place, length // len(places)) for place in places)
    if len(places) == 1:
        return Target(kind="linear", start=start, length=length, parameters=words)
    words = f"{len(places)} {stripe} {words}"
    return Target(kind="striped", start=start, length=length, parameters=words)


def _place(place: Json, length: int) -> str:
    from bootd.linux import dm  # noqa: PLC0415 - as above

    match place:
        case [str(node), int(start)] if start >= 0:
            pass
        case _:
            raise ProtocolError("$.params.lines: expected a device and a sector")
    fd = os.open(node, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        number = os.fstat(fd)
        if not stat.S_ISBLK(number.st_mode) or start + length > dm.sectors(fd):
            raise ProtocolError(f"{node} is smaller than what is said to be on it")
    finally:
        os.close(fd)
    return f"{os.major(number.st_rdev)}:{os.minor(number.st_rdev)} {start}"


HELPERS: Final = {"assemble": assemble, "dismantle": dismantle, "unlock": unlock}
