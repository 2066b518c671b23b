"""Kinds of kernel image, by content."""

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootd.errors import ImageError
from bootd.images import IMAGES, WRAPPINGS, ImageInfo, inspect, require
from bootd.images.payload import bare, is_bare
from tests.support.images import (
    android,
    arm64_image,
    bzimage,
    elf,
    pack,
    riscv_image,
    uimage,
    uki,
    zboot,
    zimage,
)
from tests.support.trees import blob, live_board

ARM64 = arm64_image(300_000, image_size=0x400000)
TREE = blob(live_board())
PLAIN = {
    "arm64": ARM64,
    "riscv": riscv_image(),
    "bzimage": bzimage(),
    "zimage": zimage(),
    "elf": elf(),
}
METHODS = ("gzip", "zstd", "xz", "lzma", "bzip2", "lz4", "lzo")
WRAPPED: dict[str, Callable[[bytes], bytes]] = {
    "zboot": lambda data: zboot(data, "none", len(ARM64)),
    "uimage": uimage,
    "android": android,
    "pe": uki,
}


def inspected(data: bytes) -> ImageInfo:
    return inspect(lambda offset, size: data[offset : offset + size], len(data))


def taken_out(data: bytes, limit: int = 1 << 26) -> bytes:
    info = inspected(data)
    return b"".join(bare(info, lambda offset, size: data[offset : offset + size], limit))


@pytest.mark.parametrize("kind", [kind.name for kind in IMAGES])
def test_each_plain_kind_is_known_by_its_content(kind: str) -> None:
    info = inspected(PLAIN[kind])
    assert (info.kind, info.compression, info.reason) == (kind, "", "")
    assert is_bare(info)


@pytest.mark.parametrize("method", METHODS)
def test_a_packed_kernel_is_described_by_what_is_inside_and_comes_out(method: str) -> None:
    packed = pack(method, ARM64)
    info = inspected(packed)
    assert (info.kind, info.compression, info.file_bytes) == ("arm64", method, len(packed))
    assert info.title == f"{method}-compressed arm64 Image"
    assert info.memory_bytes == 0x400000
    assert taken_out(packed) == ARM64


@pytest.mark.parametrize("wrapping", sorted(WRAPPED))
def test_a_kernel_in_another_file_is_described_and_comes_out(wrapping: str) -> None:
    file = WRAPPED[wrapping](ARM64)
    info = inspected(file)
    assert (info.kind, info.architecture) == ("arm64", "aarch64")
    assert info.title.startswith("arm64 Image in a")
    if wrapping != "zboot":
        assert taken_out(file) == ARM64


@pytest.mark.parametrize("method", METHODS)
def test_an_efi_zboot_image_of_every_packer_comes_out(method: str) -> None:
    file = zboot(pack(method, ARM64), method, len(ARM64))
    info = inspected(file)
    assert info.title == f"{method}-compressed arm64 Image in an EFI zboot image"
    assert f"packed with {method}" in info.notes[0]
    assert taken_out(file) == ARM64


@pytest.mark.parametrize("wrapping", ["uimage", "android", "pe"])
def test_a_packed_kernel_in_another_file_comes_out(wrapping: str) -> None:
    assert taken_out(WRAPPED[wrapping](pack("gzip", ARM64))) == ARM64


def test_an_arm64_image_tells_its_memory_offset_and_page_size() -> None:
    info = inspected(arm64_image(8192, text_offset=0x80000, image_size=0x200000))
    assert (info.architecture, info.text_offset, info.memory_bytes, info.page_bytes) == (
        "aarch64",
        0x80000,
        0x200000,
        4096,
    )


def test_page_sizes_of_16_and_64_kib_are_read() -> None:
    sizes = [inspected(arm64_image(flags=bits << 1)).page_bytes for bits in (0, 1, 2, 3)]
    assert sizes == [0, 4 << 10, 16 << 10, 64 << 10]


def test_a_kernel_before_4_6_is_known_by_its_flags() -> None:
    assert [inspected(arm64_image(flags=bits)).lowest_only for bits in (0b0010, 0b1010)] == [
        True,
        False,
    ]


def test_a_file_longer_than_its_memory_size_needs_the_longer() -> None:
    assert inspected(arm64_image(8192, image_size=4096)).memory_bytes == 8192


def test_a_bzimage_tells_its_command_line_its_memory_and_its_initrds_limit() -> None:
    info = inspected(bzimage(cmdline=4095, init_size=0x3000000))
    assert (info.architecture, info.cmdline_bytes) == ("x86_64", 4095)
    assert (info.memory_bytes, info.initrd_end) == (0x3000000, 0x80000000)


def test_a_zimage_needs_memory_for_its_unpacked_self_and_a_copy() -> None:
    info = inspected(zimage(8192, unpacked=0x900000, bss=0x80000))
    assert (info.architecture, info.memory_bytes) == ("arm", 0x980000 + 8192 + (4 << 20))


def test_a_zimage_without_the_size_table_is_guessed() -> None:
    old = bytearray(zimage(8192))
    old[0x34:0x38] = bytes(4)
    assert inspected(bytes(old)).memory_bytes == 6 * 8192 + (4 << 20)


def test_a_tree_appended_to_a_zimage_is_noted_and_left_out() -> None:
    file = zimage(8192) + TREE
    info = inspected(file)
    assert f"device tree of {len(TREE)} bytes is appended" in info.notes[0]
    assert taken_out(file) == zimage(8192)


def test_a_big_endian_zimage_is_refused() -> None:
    data = bytearray(zimage())
    data[0x30:0x34] = b"\x04\x03\x02\x01"
    assert not inspected(zimage()).big_endian
    with pytest.raises(ImageError, match="big-endian"):
        require(inspected(bytes(data)), "armv7l")
    data[0x30:0x34] = b"\1\2\3\4"
    with pytest.raises(ImageError, match="is for arm"):
        require(inspected(bytes(data)), "riscv64")


@pytest.mark.parametrize(
    ("machine", "wide", "big", "architecture"),
    [
        (21, True, False, "ppc64le"),
        (21, True, True, "ppc64"),
        (243, True, False, "riscv64"),
        (243, False, False, "riscv32"),
        (62, True, False, "x86_64"),
        (3, False, False, "i686"),
        (183, True, False, "aarch64"),
        (999, True, False, "ELF machine 999"),
    ],
)
def test_an_elf_kernel_tells_its_architecture(
    machine: int, architecture: str, *, wide: bool, big: bool
) -> None:
    info = inspected(elf(machine, wide=wide, big=big))
    assert (info.architecture, info.big_endian) == (architecture, big)
    assert info.memory_bytes == 2 << 20


@pytest.mark.parametrize(("machine", "instead"), [(183, "the arm64 Image"), (62, "the bzImage")])
def test_a_vmlinux_that_linux_does_not_start_says_what_to_use(machine: int, instead: str) -> None:
    with pytest.raises(ImageError, match=f"vmlinux.*use {instead} of the same build"):
        require(inspected(elf(machine)), "aarch64")


def test_an_object_file_is_no_kernel() -> None:
    assert inspected(elf(kind=1)).reason == "it is an ELF file, but no program"


def test_multiboot_is_noted() -> None:
    data = bytearray(elf(3, wide=False))
    data[0x200:0x204] = b"\x02\xb0\xad\x1b"
    assert "Multiboot 1" in inspected(bytes(data)).notes[0]
    data[0x200:0x204] = b"\xd6\x50\x52\xe8"
    assert "Multiboot 2" in inspected(bytes(data)).notes[0]


def test_a_multi_file_uimage_has_its_kernel_first() -> None:
    file = uimage(ARM64, b"an initrd", TREE)
    assert "holds 3 files" in inspected(file).notes[1]
    assert taken_out(file) == ARM64


def test_a_uimage_with_a_wrong_check_sum_is_refused() -> None:
    header, data = bytearray(uimage(ARM64)), bytearray(uimage(ARM64))
    header[40] ^= 1
    with pytest.raises(ImageError, match=r"header .* damaged"):
        require(inspected(bytes(header)), "aarch64")
    data[-1] ^= 1
    with pytest.raises(ImageError, match="crc32 does not match"):
        taken_out(bytes(data))


def test_a_uimage_of_another_type_holds_no_kernel() -> None:
    assert "holds no kernel" in inspected(uimage(b"x" * 100, kind=3)).reason


def test_the_sections_of_a_unified_kernel_image_are_noted() -> None:
    assert inspected(uki(ARM64)).notes[0] == "Sections: .osrel, .cmdline, .linux."


def test_an_efi_program_without_a_kernel_says_so() -> None:
    program = uki(ARM64).replace(b".linux", b".other")
    with pytest.raises(ImageError, match="EFI program without a kernel"):
        require(inspected(program), "aarch64")


def test_a_fit_image_names_its_configurations() -> None:
    tree = blob(
        {
            "images": {"kernel-1": {"data": b"x"}},
            "configurations": {"conf-1": {}, "conf-2": {}},
        }
    )
    with pytest.raises(ImageError, match=r"boot option of its own.*conf-1, conf-2"):
        require(inspected(tree), "aarch64")


def test_an_android_image_notes_what_else_it_holds() -> None:
    assert inspected(android(ARM64)).notes[0].endswith("it also holds: ramdisk.")


def test_a_zboot_kernel_that_cannot_be_looked_at_is_known_by_its_stub() -> None:
    # A window of 1 GiB: more than is allowed here, as 128 MiB are in a confined worker.
    packed = b"\x28\xb5\x2f\xfd\x00" + bytes((20 << 3,)) + bytes(99)
    info = inspected(zboot(packed, "zstd", 40 << 20))
    assert (info.kind, info.architecture, info.memory_bytes) == ("arm64", "aarch64", 40 << 20)
    assert info.compression == "zstd"


def test_a_kernel_larger_than_the_limit_is_given_up() -> None:
    with pytest.raises(ImageError, match="larger than the 0 MiB allowed"):
        taken_out(uimage(ARM64), 200_000)
    with pytest.raises(ImageError, match="more than the 0 MiB allowed"):
        taken_out(pack("zstd", ARM64), 200_000)


def test_a_kernel_for_another_architecture_is_refused_in_a_sentence() -> None:
    with pytest.raises(ImageError, match=r"is for x86_64, this machine is aarch64"):
        require(inspected(bzimage()), "aarch64")


def test_a_32_bit_kernel_on_a_64_bit_machine_says_so() -> None:
    with pytest.raises(ImageError, match="64-bit kernel cannot start a 32-bit one"):
        require(inspected(bzimage(xloadflags=0)), "x86_64")
    with pytest.raises(ImageError, match="64-bit kernel cannot start a 32-bit one"):
        require(inspected(zimage()), "aarch64")


def test_a_64_bit_kernel_on_a_32_bit_machine_says_so() -> None:
    with pytest.raises(ImageError, match="32-bit kernel cannot start a 64-bit one"):
        require(inspected(ARM64), "armv7l")


@pytest.mark.parametrize("machine", ["armv6l", "armv7l", "armv8l"])
def test_a_zimage_is_for_every_32_bit_arm(machine: str) -> None:
    info = inspected(zimage())
    require(info, machine)
    assert info.architecture == "arm"


def test_a_big_endian_kernel_is_refused() -> None:
    for kernel, machine in (
        (arm64_image(flags=0b1011), "aarch64"),
        (riscv_image(flags=1), "riscv64"),
    ):
        with pytest.raises(ImageError, match="big-endian"):
            require(inspected(kernel), machine)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"hello, world", "no kernel that bootd knows"),
        (ARM64[:62], "ends within its header"),
        (arm64_image(image_size=0), "before 3.17"),
        (arm64_image(text_offset=3 << 20), "damaged header"),
        (arm64_image(text_offset=0x80010), "damaged header"),
        (arm64_image(image_size=1 << 60), "damaged header"),
        (riscv_image(image_size=0), "damaged header"),
        (riscv_image()[:60], "ends within its header"),
        (bzimage()[:0x220], "ends within its header"),
        (bzimage(version=0x204), "boot protocol 2.4, too old"),
        (bzimage()[:2560], "ends before the kernel"),
        (zimage()[:0x38], "ends within its header"),
        (zimage(8192)[:4096], "cut off"),
        (elf()[:40], "ends within its header"),
        (b"\x1f\x8b\x08" + b"\xff" * 40, "in the gzip file: damaged gzip"),
        (pack("gzip", b"just text"), "in the gzip file: no kernel"),
        (pack("xz", pack("gzip", ARM64)), "in the xz file: no kernel"),
        (pack("gzip", uimage(ARM64)), "in the gzip file: U-Boot legacy image, not a kernel"),
        (zboot(b"nothing packed", "zstd", 5), "EFI zboot image: no kernel is in it"),
    ],
)
def test_what_is_no_kernel_is_an_image_error(data: bytes, reason: str) -> None:
    with pytest.raises(ImageError, match=reason):
        inspected(data)


def test_a_zboot_image_that_is_cut_off_says_so() -> None:
    cut = zboot(pack("zstd", ARM64), "zstd", len(ARM64))[:-1]
    assert "it is cut off" in inspected(cut).reason


SEEDS = {
    **PLAIN,
    **{method: pack(method, ARM64)[:60_000] for method in METHODS},
    **{name: make(pack("gzip", ARM64)) for name, make in WRAPPED.items()},
    "fit": TREE,
}


def test_every_kind_has_a_seed() -> None:
    names = {row.name for row in IMAGES} | {row.name for row in WRAPPINGS}
    assert names <= set(SEEDS)


@settings(deadline=None)
@given(st.binary(max_size=700), st.sampled_from(sorted(SEEDS)), st.integers(0, 640))
def test_any_bytes_are_described_or_refused(junk: bytes, kind: str, place: int) -> None:
    data = bytearray(SEEDS[kind])
    data[place : place + len(junk)] = junk
    with contextlib.suppress(ImageError):
        assert inspected(bytes(data)).title
