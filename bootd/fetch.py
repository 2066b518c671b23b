"""The one door through which network configurations are read, and what is known before the first.

An implementation serves URLs from a directory (`bootdctl scan --tftp`) or, one day, from the
network. The format modules behind it are pure, as those behind `bootd.fsview`.
"""

from typing import Protocol

from bootd.fsview import MAX_CONFIG_BYTES, normalise
from bootd.record import dataclass


class Fetch(Protocol):
    """Reads files by URL."""

    def fetch(self, url: str, limit: int = MAX_CONFIG_BYTES, /) -> bytes:
        """Return a file's bytes.

        Raises:
            FileNotFoundError: The server has no such file, or there is no such server.
            ConfigLimitError: It has more than `limit` bytes.
            OSError: The network failed.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What DHCP and the machine say; "" for what is not known.

    Attributes:
        server: URL of the boot server's root, with a slash at its end.
        bootfile: DHCP's boot file: a path on `server`, or a URL.
        config_file: DHCP option 209: the configuration, relative to the prefix, or a URL.
        path_prefix: DHCP option 210: what relative names are appended to; without it they are
            relative to the folder of `bootfile`.
        mac: Of the interface, as `52:54:00:12:34:56`.
        address: IPv4 address of the interface.
        uuid: Of the machine.
        architecture: As UEFI calls it, for scripts that ask.
    """

    server: str
    bootfile: str = ""
    config_file: str = ""
    path_prefix: str = ""
    mac: str = ""
    address: str = ""
    uuid: str = ""
    architecture: str = ""


def join(base: str, name: str) -> str:
    """Return the URL of `name` as seen from the file at the URL `base`; a URL stays as it is."""
    if "://" in name:
        return name
    scheme, _, rest = base.partition("://")
    host, _, path = rest.partition("/")
    folder = path.rpartition("/")[0]
    return f"{scheme}://{host}{normalise(name, f'/{folder}')}"
