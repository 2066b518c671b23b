"""PE files as containers."""

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
