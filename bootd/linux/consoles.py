"""The consoles of the kernel, as /sys/class/tty/console/active lists them."""

from typing import Final

from bootd.model.text import clean

MAX_CONSOLES: Final = 16
_MAX_BYTES: Final = 1024


def read(root: str = "/") -> tuple[str, ...]:
    """Return the names of the consoles; the last one is /dev/console. Empty when that is not known.

    Args:
        root: Directory below which sys/ is looked for.
    """
    try:
        with open(f"{root.rstrip('/')}/sys/class/tty/console/active", "rb") as file:
            names = file.read(_MAX_BYTES).decode("utf-8", "replace").split()
    except OSError:
        return ()
    return tuple(clean(name, 32) for name in names[:MAX_CONSOLES])
