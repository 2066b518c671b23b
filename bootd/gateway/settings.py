"""The gateway's settings: the section [Remote] of bootd.conf(5).

To add one: one field of `Remote`.
"""

from functools import partial
from typing import Final

from bootd.config import REMOTE_SECTION, declared, read_file, read_files, written
from bootd.errors import SettingError
from bootd.record import dataclass, field
from bootd.values import parse_path, parse_pattern

PORT: Final = 4620
FOLDER: Final = "/etc/bootd/remote"

Address = tuple[str, int]
"""Host ("" for every address of this machine) and port."""


def parse_address(text: str) -> Address:
    """Read `ADDRESS:PORT`, `[ADDRESS]:PORT` or `PORT`."""
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdecimal()) or not 0 <= int(port) < 1 << 16:
        msg = "expected ADDRESS:PORT or PORT"
        raise ValueError(msg)
    return host.strip("[]"), int(port)


def parse_revoked(text: str) -> str:
    """Read an absolute path, or `none`."""
    return parse_path(text) if parse_pattern(text) else ""


def _file(name: str, key: str = "") -> dict[str, object]:
    return written(f"{FOLDER}/{name}", parse_path, key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """What the administrator decides about the gateway.

    Attributes:
        listen: Where, when systemd has not opened a socket.
        ca: PEM file with the certificates that sign clients' certificates; no others are trusted.
        certificate: PEM file with the gateway's own, and what leads from it to what clients trust.
        key: PEM file with its key.
        revoked: PEM file with revocation lists, or "".
    """

    listen: Address = field(default=("", PORT), metadata=written(str(PORT), parse_address))
    ca: str = field(default=f"{FOLDER}/ca.pem", metadata=_file("ca.pem", "CA"))
    certificate: str = field(default=f"{FOLDER}/cert.pem", metadata=_file("cert.pem"))
    key: str = field(default=f"{FOLDER}/key.pem", metadata=_file("key.pem"))
    revoked: str = field(default="", metadata=written("none", parse_revoked))


SETTINGS: Final = tuple(declared(Remote))
"""One for each field of `Remote`, in its order."""

_BY_KEY: Final = {setting.key: setting for setting in SETTINGS}


def load(root: str = "/") -> tuple[Remote, tuple[SettingError, ...]]:
    """Return the settings in force, and what was wrong with some; those keep their value.

    Args:
        root: Directory below which etc, run and usr/lib are looked for.
    """
    errors: list[SettingError] = []
    read = partial(read_file, wanted=REMOTE_SECTION, known=_BY_KEY)
    return read_files(Remote(), root, read, errors), tuple(errors)
