"""Kinds of kernel image, by content."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.errors import ImageError
from bootd.images import IMAGES, ImageInfo, identify, require
from tests.support.images import arm64_image, bzimage, gzip_image

MAGICS = {
    "zboot": b"MZ\0\0zimg" + bytes(200),
    "zimage": bytes(0x24) + b"\x18\x28\x6f\x01" + bytes(100),
    "uimage": b"\x27\x05\x19\x56" + bytes(60),
    "fit": b"\xd0\x0d\xfe\xed" + bytes(60),
    "android": b"ANDROID!" + bytes(60),
    "xz": b"\xfd7zXZ\0" + bytes(60),
    "zstd": b"\x28\xb5\x2f\xfd" + bytes(60),
    "bzip2": b"BZh9" + bytes(60),
    "lz4": b"\x02\x21\x4c\x18" + bytes(60),
    "lzo": b"\x89LZO\0\r\n\x1a\n" + bytes(60),
    "lzma": b"\x5d\0\0\x80\0" + bytes(60),
    "pe": b"MZ" + bytes(58) + (64).to_bytes(4, "little") + b"PE\0\0" + bytes(60),
    "bzimage": bzimage(),
    "arm64": arm64_image(),
    "riscv": bytes(56) + b"RSC\x05" + bytes(8),
    "elf": b"\x7fELF\2\1" + bytes(12) + (183).to_bytes(2, "little") + bytes(44),
}


def inspected(data: bytes) -> ImageInfo:
    return identify(data, len(data))


@pytest.mark.parametrize("kind", [kind.name for kind in IMAGES])
def test_each_kind_is_known_by_its_content(kind: str) -> None:
    assert inspected(MAGICS[kind]).kind == kind


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


def test_a_gzip_kernel_is_described_by_what_is_inside() -> None:
    packed = gzip_image(arm64_image(200_000, image_size=0x400000))
    info = inspected(packed)
    assert (info.kind, info.compression, info.file_bytes) == ("arm64", "gzip", len(packed))
    assert info.title == "gzip-compressed arm64 Image"
    assert info.memory_bytes == 0x400000


def test_an_efi_zboot_image_is_named_and_refused() -> None:
    with pytest.raises(ImageError, match="EFI zboot image: not supported yet"):
        require(inspected(MAGICS["zboot"]), "aarch64")


def test_a_kernel_for_another_architecture_is_refused_in_a_sentence() -> None:
    with pytest.raises(ImageError, match=r"is for x86_64, this machine is aarch64"):
        require(inspected(bzimage()), "aarch64")


def test_a_32_bit_kernel_on_a_64_bit_machine_says_so() -> None:
    with pytest.raises(ImageError, match="64-bit kernel cannot start a 32-bit one"):
        require(inspected(bzimage(xloadflags=0)), "x86_64")


def test_a_big_endian_kernel_is_refused() -> None:
    with pytest.raises(ImageError, match="big-endian"):
        require(inspected(arm64_image(flags=0b1011)), "aarch64")


def test_a_fitting_kernel_passes() -> None:
    info = inspected(arm64_image())
    require(info, "aarch64")
    assert info.reason == ""


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"hello, world", "no kernel that bootd knows"),
        (arm64_image()[:62], "ends within its header"),
        (arm64_image(image_size=0), "before 3.17"),
        (arm64_image(text_offset=3 << 20), "damaged header"),
        (arm64_image(text_offset=0x80010), "damaged header"),
        (arm64_image(image_size=1 << 60), "damaged header"),
        (b"\x1f\x8b\x08" + b"\xff" * 40, "in the gzip file: damaged gzip"),
        (gzip_image(b"just text"), "in the gzip file: no kernel"),
    ],
)
def test_what_is_no_kernel_is_an_image_error(data: bytes, reason: str) -> None:
    with pytest.raises(ImageError, match=reason):
        inspected(data)


@given(st.binary(max_size=700), st.sampled_from(sorted(MAGICS)), st.integers(0, 640))
def test_any_bytes_are_described_or_refused(junk: bytes, kind: str, at: int) -> None:
    data = bytearray(MAGICS[kind])
    data[at : at + len(junk)] = junk
    with contextlib.suppress(ImageError):
        assert inspected(bytes(data)).kind in MAGICS
