"""/proc/cpuinfo of arm64: which page sizes a processor lacks.

ID_AA64MMFR0_EL1 says it, but user space does not get to see it; so does each processor's technical
reference manual. Of processors that are not listed here nothing is known.
"""

import re
from typing import Final

_FIELD: Final = re.compile(r"^CPU (implementer|part)\s*: (0x[0-9a-f]{1,4})\s*$", re.MULTILINE)
_16K: Final = (16 << 10,)
_64K: Final = (64 << 10,)

_MISSING: Final = {
    (0x41, 0xD03): _16K,  # Cortex-A53
    (0x41, 0xD07): _16K,  # Cortex-A57
    (0x41, 0xD08): _16K,  # Cortex-A72
    **{(0x61, part): _64K for part in range(0x20, 0x3A)},  # Apple M1 and M2
}
"""By implementer and part (MIDR_EL1)."""


def missing_pages(cpuinfo: str) -> tuple[int, ...]:
    """Return the page sizes in bytes that at least one processor is known not to have."""
    found: set[int] = set()
    implementer = 0
    for name, value in _FIELD.findall(cpuinfo):
        if name == "implementer":
            implementer = int(value, 16)
        else:
            found.update(_MISSING.get((implementer, int(value, 16)), ()))
    return tuple(sorted(found))
