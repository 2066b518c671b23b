"""Computer hardware ids (CHID) of a machine without a device tree, from what its firmware says.

Source: Microsoft, "Specifying Hardware IDs for a Computer"; systemd src/fundamental/
chid-fundamental.c, whose order (the most specific first) is kept. Not used: ids that take the
firmware's version or the panel in, which no unified kernel image names for its device trees.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from bootd.model.option import HardwareId

_NAMESPACE: Final = UUID("70ffd812-4c7f-4c7d-0000-000000000000")

_KINDS: Final = (
    (0, 1, 2, 3, 4, 5),
    (0, 3, 4, 5),
    (0, 2, 4, 5),
    (0, 1, 4, 5),
    (0, 1, 2, 3),
    (0, 1, 2),
    (0, 3),
    (0, 2),
    (0, 1),
)
"""Which fields of `SMBIOS` each kind is made from: HardwareID-3, 6, 8, 10, 4, 5, 7, 9 and 11."""


def calculate(fields: Sequence[str]) -> tuple[str, ...]:
    """Return the ids of a machine that SMBIOS calls so, the most specific first.

    Args:
        fields: In the order of `bootd.model.machine.SMBIOS`.
    """
    values = [each.strip(" \n").lstrip("0") for each in fields]
    return tuple(_hash("&".join(values[i] for i in kind)) for kind in _KINDS)


def match(known: Iterable[HardwareId], fields: Sequence[str]) -> str | None:
    """Return the compatible string that an image has for this machine, or None."""
    named = {chid: each.compatible for each in reversed([*known]) for chid in each.chids}
    return next((named[chid] for chid in calculate(fields) if chid in named), None)


def _hash(text: str) -> str:
    """Return a UUID of version 5 over UTF-16, unlike those of RFC 4122."""
    data = _NAMESPACE.bytes + text.encode("utf-16-le", "surrogatepass")
    return str(UUID(bytes=hashlib.sha1(data, usedforsecurity=False).digest()[:16], version=5))
