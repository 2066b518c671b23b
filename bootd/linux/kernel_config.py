"""How the running kernel was configured, where it or its package tells.

Source: CONFIG_IKCONFIG_PROC; distributions put the same file beside the kernel or its modules.
"""

import os
import zlib
from typing import Final

_MAX_BYTES: Final = 1 << 20
"""Of the text; today's are a quarter of that."""
_GZIP: Final = 16 + zlib.MAX_WBITS


def is_set(option: str, root: str = "/", release: str = "") -> bool | None:
    """Say whether an option is built in; None when nothing tells how the kernel was configured.

    Args:
        option: Without `CONFIG_`.
        root: Directory below which the files are looked for.
        release: Of the kernel; "" for the running one.
    """
    text = _text(root, release or os.uname().release)
    if not text:
        return None
    return f"\nCONFIG_{option}=y\n".encode() in b"\n" + text


def _text(root: str, release: str) -> bytes:
    try:
        with open(os.path.join(root, "proc/config.gz"), "rb") as file:
            return zlib.decompressobj(_GZIP).decompress(file.read(_MAX_BYTES), _MAX_BYTES)
    except (OSError, zlib.error):
        pass  # most kernels do not tell themselves
    for place in (f"boot/config-{release}", f"usr/lib/modules/{release}/config"):
        try:
            with open(os.path.join(root, place), "rb") as file:
                return file.read(_MAX_BYTES)
        except OSError:
            continue
    return b""
