"""U-Boot's environment as it is stored: variables behind a checksum, one copy of them or two.

A copy is a CRC-32 of the rest, with two copies a flag byte that says which is newer, then
`name=value` texts, each ended by a NUL, the last one by two. Nothing says whether there is a flag
byte, nor in which byte order the checksum is: the checksum itself decides.
Source: U-Boot include/env_internal.h, env/common.c (env_check_redund), tools/env/fw_env.config.
Not supported: `#include`d default environments, and areas of NAND flash with bad blocks.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, Literal
from zlib import crc32

from bootd.errors import ConfigSyntaxError
from bootd.record import dataclass

MAX_BYTES: Final = 1 << 20
"""U-Boot's own are 4 to 256 KiB."""

MAX_COPIES: Final = 2

_CRC: Final = 4
_FLAG: Final = 1
_NEWEST: Final = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One copy whose checksum is right.

    Attributes:
        variables: By name; the last of two with one name counts, as for U-Boot.
        flag: Tells two copies apart; None when there is only one.
    """

    variables: Mapping[str, str]
    flag: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """Where a copy lies: a line of fw_env.config.

    Attributes:
        device: Absolute path of a device or file.
        offset: In bytes; negative: from the end.
        size: In bytes, checksum included; at most MAX_BYTES.
    """

    device: str
    offset: int
    size: int


def parse(data: bytes) -> Environment | None:
    """Read a copy, or return None when no checksum fits: never written, or damaged."""
    start = _start(data)
    if start is None:
        return None
    flag = None if start == _CRC else data[_CRC]
    return Environment(variables=_variables(data[start:]), flag=flag)


def changed(data: bytes, name: str, value: str) -> bytes | None:
    """Return the next copy: another one with a variable changed, and newer where there are two.

    Everything else stays byte for byte, and so does the order of bytes in the checksum.

    Args:
        data: A copy that `parse` understands.
        name: In ASCII.
        value: In ASCII, "" to remove it.

    Returns:
        As many bytes, or None when there is no room for it.
    """
    start = _start(data)
    if start is None:
        return None
    prefix = name.encode() + b"="
    kept = [
        entry
        for entry in data[start:].partition(b"\0\0")[0].split(b"\0")
        if entry and not entry.startswith(prefix)
    ]
    text = b"\0".join([*kept, *([prefix + value.encode()] if value else [])]) + b"\0\0"
    room = len(data) - start
    if len(text) > room:
        return None
    body = text.ljust(room, b"\0")
    order: Literal["little", "big"] = "little" if _is_sum(data[start:], data, "little") else "big"
    flag = bytes([(data[_CRC] + 1) % (_NEWEST + 1)]) if start > _CRC else b""
    return crc32(body).to_bytes(_CRC, order) + flag + body


def _start(data: bytes) -> int | None:
    """Return where the variables of a copy begin, or None when no checksum fits."""
    if len(data) > MAX_BYTES:
        return None
    for start in (_CRC, _CRC + _FLAG):
        body = data[start:]
        if len(body) >= 2 and (_is_sum(body, data, "little") or _is_sum(body, data, "big")):
            return start
    return None


def _is_sum(body: bytes, data: bytes, order: Literal["little", "big"]) -> bool:
    return data[:_CRC] == crc32(body).to_bytes(_CRC, order)


def _variables(body: bytes) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for entry in body.partition(b"\0\0")[0].split(b"\0"):
        name, equals, value = entry.decode("utf-8", "replace").partition("=")
        if name and equals:
            found[name] = value
    return MappingProxyType(found)


def fdtfile(environment: Environment | None) -> str:
    """Return what U-Boot calls the DTB of its board, or ""."""
    return "" if environment is None else environment.variables.get("fdtfile", "")


def newest(copies: Iterable[Environment | None]) -> Environment | None:
    """Return the copy that counts: the one with the higher flag, where 0 comes after 255."""
    best: Environment | None = None
    for copy in copies:
        if copy is not None and (best is None or _is_newer(copy.flag or 0, best.flag or 0)):
            best = copy
    return best


def _is_newer(flag: int, than: int) -> bool:
    if {flag, than} == {0, _NEWEST}:
        return flag == 0
    return flag > than


def parse_config(text: str, source: str) -> tuple[Area, ...]:
    """Read fw_env.config: `device offset size [...]` a line, numbers as C writes them.

    Raises:
        ConfigSyntaxError: With the line.
    """
    areas: list[Area] = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            area = Area(device=words[0], offset=int(words[1], 0), size=int(words[2], 0))
        except (IndexError, ValueError):
            reason = "expected a device, an offset and a size"
            raise ConfigSyntaxError(reason, source=source, line=number) from None
        if not area.device.startswith("/") or not 0 < area.size <= MAX_BYTES:
            reason = f"expected an absolute path, and a size of at most {MAX_BYTES >> 20} MiB"
            raise ConfigSyntaxError(reason, source=source, line=number)
        areas.append(area)
        if len(areas) > MAX_COPIES:
            raise ConfigSyntaxError("U-Boot keeps at most two copies", source=source, line=number)
    return tuple(areas)
