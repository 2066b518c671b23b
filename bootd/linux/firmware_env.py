"""Reads and writes U-Boot's environment where fw_env.config says that it lies.

Files and block devices (an eMMC, an SD card) are written by bootd. A write goes to the older of two
copies, so a power cut leaves the newer one. Raw flash (MTD) has to be erased, and may have bad
blocks: there libubootenv's fw_setenv does it, where it is installed.
"""

import errno
import os
import stat
from typing import Final

from bootd.errors import ConfigSyntaxError
from bootd.ubootenv import Area, Environment, changed, newest, parse, parse_config

CONFIG: Final = "etc/fw_env.config"

_MAX_CONFIG: Final = 1 << 16
_TOOL_S: Final = 8.0


def read_environment(root: str = "/") -> tuple[Environment | None, tuple[str, ...]]:
    """Return the environment, None without one, and sentences on why it cannot be read.

    Args:
        root: Below it are `CONFIG` and the devices that it names.
    """
    config = os.path.join(root, CONFIG)
    try:
        areas = read_areas(root)
    except OSError as error:
        return None, (f"{config} cannot be read: {error.strerror}",)
    except ConfigSyntaxError as error:
        return None, (str(error),)
    notes: list[str] = []
    copies: list[Environment | None] = []
    for area in areas:
        try:
            copies.append(parse(_read_area(root, area)))
        except OSError as error:
            notes.append(f"{area.device}, named in {config}, cannot be read: {error.strerror}")
    found = newest(copies)
    if found is None and copies:
        notes.append(f"U-Boot's environment at {areas[0].device} was never saved, or is damaged")
    return found, tuple(notes)


def read_areas(root: str = "/") -> tuple[Area, ...]:
    """Return where the copies lie; none without a configuration.

    Raises:
        OSError: The configuration cannot be read.
        ConfigSyntaxError: It makes no sense.
    """
    config = os.path.join(root, CONFIG)
    try:
        with open(config, "rb") as file:
            text = file.read(_MAX_CONFIG).decode("utf-8", "replace")
    except FileNotFoundError:
        return ()
    return parse_config(text, config)


def write_variable(name: str, value: str, root: str = "/") -> None:
    """Change a variable; it is on the medium when this returns.

    Args:
        name: Of the variable.
        value: In ASCII, "" to remove it.
        root: As for `read_environment`.

    Raises:
        OSError: It was not written, in words.
        ConfigSyntaxError: The configuration makes no sense.
    """
    areas = read_areas(root)
    copies = [_read_area(root, area) for area in areas]
    parsed = [parse(copy) for copy in copies]
    current = newest(parsed)
    if current is None:
        words = "U-Boot has never saved its environment, and without one it takes its built-in one"
        raise OSError(errno.ENODATA, words, areas[0].device if areas else CONFIG)
    index = next(number for number, each in enumerate(parsed) if each is current)
    data = changed(copies[index], name, value)
    if data is None:
        words = f"U-Boot's environment has {len(copies[index])} bytes, too few for it"
        raise OSError(errno.ENOSPC, words, areas[index].device)
    target = areas[(index + 1) % len(areas)]
    if len(data) != target.size:
        raise OSError(errno.EINVAL, "the two copies have different sizes", target.device)
    if is_flash(root, target):
        _have_written(name, value)
    else:
        _write_area(root, target, data)


def is_flash(root: str, area: Area) -> bool:
    """Say whether an area is on raw flash; raises OSError."""
    return stat.S_ISCHR(os.stat(_path(root, area)).st_mode)


def _have_written(name: str, value: str) -> None:
    import subprocess  # noqa: PLC0415 - costs 10 ms, and few machines have raw flash

    command = ["fw_setenv", "-c", f"/{CONFIG}", name, *([value] if value else [])]
    try:
        done = subprocess.run(
            command, check=False, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TOOL_S
        )
    except FileNotFoundError:
        words = "raw flash is written by libubootenv's fw_setenv, which is not installed"
        raise OSError(errno.ENOENT, words, command[0]) from None
    except subprocess.TimeoutExpired:
        raise OSError(errno.ETIMEDOUT, "fw_setenv does not end", command[0]) from None
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip()[-200:]
        raise OSError(errno.EIO, f"fw_setenv failed: {said}", command[0])


def _write_area(root: str, area: Area, data: bytes) -> None:
    if stat.S_ISBLK(os.stat(_path(root, area)).st_mode):
        from bootd.linux.unwritable import allow  # noqa: PLC0415 - to write is rare

        allow(_path(root, area))
    fd = _open_area(root, area, os.O_RDWR)
    try:
        start = _offset(fd, area)
        view = memoryview(data)
        while view:
            count = os.pwrite(fd, view, start)
            view, start = view[count:], start + count
        os.fsync(fd)
    finally:
        os.close(fd)


def _read_area(root: str, area: Area) -> bytes:
    fd = _open_area(root, area, os.O_RDONLY)
    try:
        return os.pread(fd, area.size, _offset(fd, area))
    finally:
        os.close(fd)


def _open_area(root: str, area: Area, access: int) -> int:
    fd = os.open(_path(root, area), access | os.O_NONBLOCK | os.O_CLOEXEC)
    kind = os.fstat(fd).st_mode
    if not (stat.S_ISREG(kind) or stat.S_ISBLK(kind) or stat.S_ISCHR(kind)):
        os.close(fd)
        raise OSError(0, "it is neither a device nor a file")
    return fd


def _offset(fd: int, area: Area) -> int:
    start = area.offset
    if start < 0:
        start += os.lseek(fd, 0, os.SEEK_END)
    return max(start, 0)


def _path(root: str, area: Area) -> str:
    return root.rstrip("/") + area.device
