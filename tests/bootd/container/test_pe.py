"""PE files as containers."""

import struct
from contextlib import suppress
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.container import chunks, find, pe
from bootd.errors import ImageError
from tests.support.efi import uki


def read_from(blob: bytes, offset: int, size: int) -> bytes:
    return blob[offset : offset + size]


def part_of(blob: bytes, part: str) -> bytes:
    read = partial(read_from, blob)
    return b"".join(chunks(read, find(read, part)))


TWO = uki([(".linux", "kernel"), (".dtbauto", "one"), (".dtbauto", "two")])


@pytest.mark.parametrize(
    ("part", "data"), [(".linux", b"kernel"), (".dtbauto", b"one"), (".dtbauto:1", b"two")]
)
def test_a_section_is_found_by_name_and_number(part: str, data: bytes) -> None:
    assert part_of(TWO, part) == data


@pytest.mark.parametrize(
    "part", [".initrd", ".linux:1", ".dtbauto:2", "linux", "", ".linux:99999", ".linux:x"]
)
def test_a_section_that_is_not_there_is_an_error(part: str) -> None:
    with pytest.raises(ImageError, match="no section"):
        part_of(TWO, part)


def test_more_sections_than_the_limit_are_refused() -> None:
    with pytest.raises(ImageError, match="600 sections"):
        part_of(uki([(".a", "x")] * 600), ".a")


def test_a_section_beyond_the_end_is_damaged() -> None:
    with pytest.raises(ImageError, match="ends"):
        part_of(TWO[:-1024], ".dtbauto:1")


@given(st.binary(max_size=300))
def test_any_bytes_are_sections_or_an_image_error(tail: bytes) -> None:
    with suppress(ImageError):
        pe.load(partial(read_from, b"MZ" + tail))


@pytest.mark.parametrize(("magic", "directories"), [(0x20B, 112), (0x10B, 96)])
def test_a_table_of_signatures_is_noticed(magic: int, directories: int) -> None:
    blob = bytearray(uki([(".linux", "kernel")]))
    optional = 0x80 + 24
    struct.pack_into("<H", blob, optional, magic)
    struct.pack_into("<I", blob, optional + directories - 4, 16)
    assert not pe.is_signed(bytes(blob))
    struct.pack_into("<II", blob, optional + directories + 32, 0x4000, 1464)
    assert pe.is_signed(bytes(blob))
    # Files that say less than that have no such entry, whatever stands there.
    struct.pack_into("<I", blob, optional + directories - 4, 4)
    assert not pe.is_signed(bytes(blob))


@given(st.binary(max_size=400))
def test_no_bytes_are_too_odd_to_be_unsigned(tail: bytes) -> None:
    assert pe.is_signed(b"MZ" + tail) in {True, False}
