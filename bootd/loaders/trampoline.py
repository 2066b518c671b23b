"""The few instructions between two arm64 kernels.

The kernel is entered with the address of its device tree in x0 and zero in x1 to x3
(Documentation/arch/arm64/booting.rst). After kexec_load(2) the running kernel jumps with x0 = 0
(arch/arm64/kernel/relocate_kernel.S), so that somebody has to set it.
"""

import struct
from typing import Final

_CODE: Final = (
    0x58000111,  # ldr x17, .+32   the kernel's address, first literal
    0x58000120,  # ldr x0, .+36    the device tree's address, second literal
    0xAA1F03E1,  # mov x1, xzr
    0xAA1F03E2,  # mov x2, xzr
    0xAA1F03E3,  # mov x3, xzr
    0xD61F0220,  # br x17
    0xD503201F,  # nop             so that the literals are 8-byte aligned
    0xD503201F,  # nop
)


def arm64(kernel: int, dtb: int) -> bytes:
    """Return position-independent code that enters the kernel at `kernel` with the tree at `dtb`.

    It runs with the MMU off at EL1 or EL2, on little-endian data, and needs 4-byte alignment (it
    lies at the start of a page).
    """
    return struct.pack("<8I2Q", *_CODE, kernel, dtb)
