"""The four classes of what a device tree says: who may decide it, by where it stands.

A fact's class says whose word counts: of class A the running tree's, of class B bootd's own, of
class C a shipped DTB's of the same board; class D is what a shipped file may only change where its
origin is trusted (`bootd.policy.trust`), since drivers then write where they should not.
Cells of the root are no fact: values are written again in the DTB's.
"""

from enum import Enum
from fnmatch import fnmatchcase
from typing import Final


class TrustClass(Enum):
    """Who decides; the value is the letter in explanations."""

    MACHINE = "A"
    CHOSEN = "B"
    HARDWARE = "C"
    DANGEROUS = "D"


ABOUT: Final = {
    TrustClass.MACHINE: "facts of this very machine; the running tree decides",
    TrustClass.CHOSEN: "/chosen; written by bootd for the next kernel",
    TrustClass.HARDWARE: "description of the hardware; a DTB of this board may decide",
    TrustClass.DANGEROUS: "dangerous where it is wrong; only as trusted as its origin",
}

_PLACES: Final = (
    ("/chosen", TrustClass.CHOSEN),
    ("/memory", TrustClass.MACHINE),
    ("/memory@*", TrustClass.MACHINE),
    ("/memreserve", TrustClass.MACHINE),
    ("/header", TrustClass.MACHINE),
    ("/reserved-memory", TrustClass.MACHINE),
    ("/cpus", TrustClass.MACHINE),
    ("/psci", TrustClass.MACHINE),
    ("/firmware", TrustClass.MACHINE),
    ("/hypervisor", TrustClass.MACHINE),
    ("/rtas", TrustClass.MACHINE),
    ("/ibm,opal", TrustClass.MACHINE),
    ("/options", TrustClass.MACHINE),
    ("/config", TrustClass.MACHINE),
    ("/system", TrustClass.MACHINE),
)
"""By the first part of the path; everything below it is of the same class."""

GUARDS: Final = ("external-facing", "iommu-map", "iommus", "read-only")
"""Properties that protect memory or flash; taking one away is told."""

VOLTAGES: Final = ("regulator-max-microvolt", "opp-microvolt")
"""Raising one is told."""

_PROPERTIES: Final = {
    "local-bd-address": TrustClass.MACHINE,
    "local-mac-address": TrustClass.MACHINE,
    "mac-address": TrustClass.MACHINE,
    "serial-number": TrustClass.MACHINE,
    **dict.fromkeys(("dma-ranges", *GUARDS, *VOLTAGES), TrustClass.DANGEROUS),
}
"""By name, wherever else they stand."""


def trust_class(path: str, name: str) -> TrustClass:
    """Return the class of a property; `name` is "" for a node as a whole."""
    first = f"/{path.split('/')[1] if path != '/' else ''}"
    for pattern, found in _PLACES:
        if fnmatchcase(first, pattern):
            return found
    return _PROPERTIES.get(name, TrustClass.HARDWARE)
