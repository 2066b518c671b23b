"""Reads U-Boot's environment from where fw_env.config says that it lies, as fw_printenv does."""

import os
import stat
from typing import Final

from bootd.errors import ConfigSyntaxError
from bootd.ubootenv import Area, Environment, newest, parse, parse_config

CONFIG: Final = "etc/fw_env.config"

_MAX_CONFIG: Final = 1 << 16


def read_environment(root: str = "/") -> tuple[Environment | None, tuple[str, ...]]:
    """Return the environment, None without one, and sentences on why it cannot be read.

    Args:
        root: Below it are `CONFIG` and the devices that it names.
    """
    config = os.path.join(root, CONFIG)
    try:
        with open(config, "rb") as file:
            text = file.read(_MAX_CONFIG).decode("utf-8", "replace")
    except FileNotFoundError:
        return None, ()
    except OSError as error:
        return None, (f"{config} cannot be read: {error.strerror}",)
    try:
        areas = parse_config(text, config)
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


def _read_area(root: str, area: Area) -> bytes:
    path = root.rstrip("/") + area.device
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        kind = os.fstat(fd).st_mode
        if not (stat.S_ISREG(kind) or stat.S_ISBLK(kind) or stat.S_ISCHR(kind)):
            raise OSError(0, "it is neither a device nor a file")
        start = area.offset
        if start < 0:
            start += os.lseek(fd, 0, os.SEEK_END)
        return os.pread(fd, area.size, max(start, 0))
    finally:
        os.close(fd)
