"""riscv64: where a kernel Image, its initrd and its tree may lie.

Source: Documentation/arch/riscv/boot.rst. The kernel lies at a multiple of 2 MiB and, before 6.4,
finds nothing that lies below it. The running kernel finds the tree by its header and passes its
address in a1 (arch/riscv/kernel/machine_kexec.c).

Unsupported: ELF kernels, which only kexec_file_load(2) takes.
"""

from typing import Final

from bootd.images import ImageInfo, riscv
from bootd.loaders.architecture.row import Architecture, at_kernel, no_skip, tree_alone
from bootd.loaders.layout import Rules

_RULES: Final = Rules(
    kernel_align=riscv.BASE_ALIGN,
    tail_align=2 << 20,  # arch/riscv/mm/init.c, setup_bootmem
    lowest_only=True,
)


def _rules(_image: ImageInfo, _head: bytes) -> Rules:
    return _RULES


def _text_offset(_image: ImageInfo) -> int:
    # The header's offset is meant from the start of memory, where the firmware lies.
    return 0


ROW: Final = Architecture(
    name="riscv64",
    kinds=("riscv",),
    needs_tree=True,
    rules=_rules,
    text_offset=_text_offset,
    skip=no_skip,
    entry=at_kernel,
    fill=tree_alone,
    crash=True,
)
