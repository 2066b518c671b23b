"""32-bit arm: where a zImage, its initrd and its tree may lie.

Source: Documentation/arch/arm/booting.rst, arch/arm/boot/compressed/head.S. The zImage unpacks the
kernel to 32 KiB above the 128 MiB boundary below itself, with page tables in front; initrd and tree
lie beyond what it uses, in memory that the kernel maps from the start. The running kernel finds
the tree by its magic and passes its address (arch/arm/kernel/machine_kexec.c).

Unsupported: kernels without a device tree (tagged lists).
"""

from typing import Final

from bootd.images import ImageInfo, zimage
from bootd.loaders.architecture.row import Architecture, at_kernel, no_skip, tree_alone
from bootd.loaders.layout import Rules

_RULES: Final = Rules(
    kernel_align=128 << 20,
    # Of the 760 MiB that a kernel with 3 GiB of user space maps; others map more.
    window_bytes=640 << 20,
    window_align=128 << 20,
    tree_in_window=True,
    ceiling=1 << 32,
    lowest_only=True,
)


def _rules(_image: ImageInfo, _head: bytes) -> Rules:
    return _RULES


def _text_offset(_image: ImageInfo) -> int:
    return zimage.TEXT_OFFSET


ROW: Final = Architecture(
    name="arm",
    kinds=("zimage",),
    needs_tree=True,
    rules=_rules,
    text_offset=_text_offset,
    skip=no_skip,
    entry=at_kernel,
    fill=tree_alone,
)
