"""x86_64: the 64-bit boot protocol, boot parameters, and the instructions in front of a kernel.

Source: Documentation/arch/x86/boot.rst, section "64-bit Boot Protocol", and zero-page.rst;
arch/x86/include/uapi/asm/bootparam.h and setup_data.h. The kernel is entered with the address of
its boot parameters in rsi, in 64-bit mode with flat segments 0x10 and 0x18. kexec_load(2) jumps
with all registers zero, so that a page of ours is in between.

Unsupported: EFI runtime services of the second kernel (it finds ACPI's tables, not the firmware);
kernels that are not relocatable.
"""

import os
import struct
from collections.abc import Mapping
from typing import Final

from bootd.errors import LoadError
from bootd.images import ImageInfo, bzimage
from bootd.linux import x86
from bootd.loaders.architecture.row import Architecture, Inputs
from bootd.loaders.layout import DTB_BYTES, Layout, Rules

_PAGE: Final = 4096
_PARAMS: Final = 1 * _PAGE
_CMDLINE: Final = 2 * _PAGE
_EXTRA: Final = 4 * _PAGE
_TOTAL: Final = 16 * _PAGE
"""Of the segment: code and stack, boot parameters, command line, more setup data."""

_GDT: Final = (0, 0, 0x00AF9A000000FFFF, 0x00CF92000000FFFF)
"""Two empty entries, 64-bit code at 0x10, data at 0x18."""

_GDT_AT: Final = 0x80
_GDT_POINTER_AT: Final = 0xA8

_SETUP_E820_EXT, _SETUP_DTB, _SETUP_RNG_SEED = 1, 2, 9
_SETUP_DATA: Final = struct.Struct("<QII")
_E820: Final = struct.Struct("<QQI")
_E820_IN_PARAMS: Final = 128
_KEXEC_LOADER: Final = 0xD0
_SEED_BYTES: Final = 32


def code(here: int, params: int, entry: int) -> bytes:
    """Return the first page: it enters the kernel at `entry`, boot parameters at `params`.

    Args:
        here: Address at which the page will lie.
        params: Address of the boot parameters.
        entry: Of the kernel.
    """
    gdt_pointer = here + _GDT_POINTER_AT
    stack = here + _PAGE
    first = (
        b"\x48\xb8" + struct.pack("<Q", gdt_pointer)  # movabs rax, gdt pointer
        + b"\x0f\x01\x10"  # lgdt [rax]
        + b"\xb8\x18\0\0\0"  # mov eax, 0x18
        + b"\x8e\xd8\x8e\xc0\x8e\xd0\x8e\xe0\x8e\xe8"  # mov ds, es, ss, fs, gs, eax
        + b"\x48\xbc" + struct.pack("<Q", stack)  # movabs rsp, stack
        + b"\x6a\x10"  # push 0x10
    )  # fmt: skip
    after = here + len(first) + 13
    second = (
        b"\x48\xb8" + struct.pack("<Q", after)  # movabs rax, after
        + b"\x50\x48\xcb"  # push rax; retfq
        + b"\x48\xbe" + struct.pack("<Q", params)  # movabs rsi, params
        + b"\x48\xb8" + struct.pack("<Q", entry)  # movabs rax, entry
        + b"\x31\xed\x31\xff\x31\xdb"  # xor ebp, ebp; xor edi, edi; xor ebx, ebx
        + b"\xff\xe0"  # jmp rax
    )  # fmt: skip
    page = bytearray(_PAGE)
    page[: len(first + second)] = first + second
    struct.pack_into("<4Q", page, _GDT_AT, *_GDT)
    struct.pack_into("<HQ", page, _GDT_POINTER_AT, 8 * len(_GDT) - 1, here + _GDT_AT)
    return bytes(page)


def boot_params(setup: bzimage.Setup, base: bytes, memory: x86.FirmwareMap) -> bytearray:
    """Return the 4 KiB of boot parameters, with nothing yet of what lies where.

    Args:
        setup: Of the kernel.
        base: The running kernel's own parameters, b"" when it does not show them.
        memory: What the firmware said about memory.
    """
    page = bytearray(_PAGE)
    old = base.ljust(_PAGE, b"\0")
    # Screen, disks and ACPI's root pointer; what is meant for one loader only stays out.
    for start, end in ((0x0, 0xC0), (0x140, 0x1C0), (0x1E0, 0x1E4), (0x1E9, 0x1EB),
                       (0x290, 0x2D0), (0xD00, 0xEEC)):  # fmt: skip
        page[start:end] = old[start:end]
    page[0x1F1 : 0x1F1 + len(setup.raw)] = setup.raw
    page[0x210] = _KEXEC_LOADER
    if memory.acpi_root:
        struct.pack_into("<Q", page, 0x70, memory.acpi_root)
    entries = memory.entries[:_E820_IN_PARAMS]
    page[0x1E8] = len(entries)
    for index, (start, end, kind) in enumerate(entries):
        _E820.pack_into(page, 0x2D0 + index * _E820.size, start, end - start, kind)
    return page


def _rules(_image: ImageInfo, head: bytes) -> Rules:
    setup = bzimage.parse(head)
    if not setup.relocatable:
        raise LoadError("the kernel is not relocatable, and cannot be put where memory is free")
    return Rules(
        kernel_align=max(setup.align, 2 << 20),
        # Below where it wants to be it would move itself, over what lies there.
        kernel_floor=max(setup.pref_address, 16 << 20),
        floor=1 << 20,
        ceiling=1 << 32,
        initrd_ceiling=setup.initrd_end,
        trampoline_bytes=_TOTAL,
    )


def _text_offset(_image: ImageInfo) -> int:
    return 0


def _skip(head: bytes) -> int:
    return bzimage.parse(head).kernel_offset


def _entry(layout: Layout) -> int:
    if layout.trampoline is None:
        raise LoadError("nothing was loaded, bootd planned a wrong layout: no trampoline")
    return layout.trampoline.start


def _fill(layout: Layout, inputs: Inputs) -> Mapping[str, bytes]:
    here, kernel = _entry(layout), layout.kernel.start
    memory = x86.firmware_map()
    params = boot_params(bzimage.parse(inputs.head), x86.boot_params(), memory)
    struct.pack_into("<I", params, 0x214, kernel)
    struct.pack_into("<I", params, 0x228, here + _CMDLINE)
    if inputs.initrd is not None:
        start, end = inputs.initrd
        struct.pack_into("<II", params, 0x218, start, end - start)
    filled: dict[str, bytes] = {}
    chain = 0
    if layout.dtb is not None:
        chain = layout.dtb.start
        filled["dtb"] = _tree(inputs.blob, here + _EXTRA)
    struct.pack_into("<Q", params, 0x250, chain or here + _EXTRA)
    area = bytearray(_TOTAL)
    area[:_PAGE] = code(here, here + _PARAMS, kernel + bzimage.ENTRY_64)
    area[_PARAMS : _PARAMS + _PAGE] = params
    area[_CMDLINE : _CMDLINE + len(inputs.cmdline)] = inputs.cmdline
    extra = _extra(memory, here + _EXTRA)
    area[_EXTRA : _EXTRA + len(extra)] = extra
    filled["trampoline"] = bytes(area)
    return filled


def _tree(blob: bytes, following: int) -> bytes:
    data = _SETUP_DATA.pack(following, _SETUP_DTB, len(blob)) + blob
    if len(data) > DTB_BYTES:
        raise LoadError(f"the device tree is too large: {len(blob)} bytes")
    return data


def _extra(memory: x86.FirmwareMap, here: int) -> bytes:
    """Return fresh entropy, and the part of the memory map that the parameters have no room for."""
    rest = memory.entries[_E820_IN_PARAMS:]
    following = here + _SETUP_DATA.size + _SEED_BYTES if rest else 0
    try:
        seed = os.getrandom(_SEED_BYTES, os.GRND_NONBLOCK)
    except BlockingIOError:
        seed = b""
    data = _SETUP_DATA.pack(following, _SETUP_RNG_SEED, len(seed)) + seed.ljust(_SEED_BYTES, b"\0")
    if rest:
        table = b"".join(_E820.pack(start, end - start, kind) for start, end, kind in rest)
        data += _SETUP_DATA.pack(0, _SETUP_E820_EXT, len(table)) + table
    if len(data) > _TOTAL - _EXTRA:
        raise LoadError(f"the firmware's memory map is too long: {len(memory.entries)} entries")
    return data


ROW: Final = Architecture(
    name="x86_64",
    kinds=("bzimage",),
    needs_tree=False,
    rules=_rules,
    text_offset=_text_offset,
    skip=_skip,
    entry=_entry,
    fill=_fill,
)
