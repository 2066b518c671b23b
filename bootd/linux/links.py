"""The network interfaces as /sys/class/net shows them.

Not read: IP addresses; bootd configures none.
"""

import os
from typing import Final

from bootd.model.text import clean

MAX_LINKS: Final = 32
_MAX_BYTES: Final = 256


def read(root: str = "/") -> tuple[tuple[str, str, str], ...]:
    """Return name, state and hardware address of each interface but the loopback.

    Args:
        root: Directory below which sys/ is looked for.
    """
    folder = os.path.join(root, "sys/class/net")
    try:
        names = sorted(name for name in os.listdir(folder) if name != "lo")
    except OSError:
        return ()
    return tuple(
        (clean(name), _text(f"{folder}/{name}/operstate"), _text(f"{folder}/{name}/address"))
        for name in names[:MAX_LINKS]
    )


def _text(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return clean(file.read(_MAX_BYTES).strip())
    except OSError:
        return ""
