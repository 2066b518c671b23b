"""arm64: where things may lie, and the few instructions between two kernels.

Source: Documentation/arch/arm64/booting.rst. The kernel lies `text_offset` above a multiple of
2 MiB; the initrd lies with it in one window of 32 GiB that starts at a multiple of 1 GiB. The
kernel is entered with the address of its device tree in x0 and zero in x1 to x3. After
kexec_load(2) the running kernel jumps with x0 = 0 (arch/arm64/kernel/relocate_kernel.S), so that
somebody has to set it.
"""

import struct
from collections.abc import Mapping
from typing import Final

from bootd.errors import LoadError
from bootd.images import ImageInfo
from bootd.loaders.architecture.row import Architecture, Inputs, no_skip
from bootd.loaders.layout import Layout, Rules

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


def trampoline(kernel: int, dtb: int) -> bytes:
    """Return position-independent code that enters the kernel at `kernel` with the tree at `dtb`.

    It runs with the MMU off at EL1 or EL2, on little-endian data, and needs 4-byte alignment (it
    lies at the start of a page).
    """
    return struct.pack("<8I2Q", *_CODE, kernel, dtb)


def _rules(image: ImageInfo, _head: bytes) -> Rules:
    return Rules(
        kernel_align=2 << 20,
        window_bytes=32 << 30,
        window_align=1 << 30,
        trampoline_bytes=4096,
        lowest_only=image.lowest_only,
    )


def _text_offset(image: ImageInfo) -> int:
    return image.text_offset


def _entry(layout: Layout) -> int:
    if layout.trampoline is None:
        raise LoadError("nothing was loaded, bootd planned a wrong layout: no trampoline")
    return layout.trampoline.start


def _fill(layout: Layout, inputs: Inputs) -> Mapping[str, bytes]:
    tree = 0 if layout.dtb is None else layout.dtb.start
    return {"dtb": inputs.blob, "trampoline": trampoline(layout.kernel.start, tree)}


ROW: Final = Architecture(
    name="arm64",
    kinds=("arm64",),
    needs_tree=True,
    rules=_rules,
    text_offset=_text_offset,
    skip=no_skip,
    entry=_entry,
    fill=_fill,
    crash=True,
)
