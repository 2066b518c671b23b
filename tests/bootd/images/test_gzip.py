"""Unpacking gzip in bounded steps."""

import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.errors import ImageError
from bootd.images.gzip import unpack


def unpacked(data: bytes) -> bytes:
    return b"".join(unpack(io.BytesIO(data).read))


@given(st.binary(max_size=3000).map(lambda part: part * 700))
def test_what_was_packed_comes_back(data: bytes) -> None:
    assert unpacked(gzip.compress(data)) == data


def test_bytes_after_the_first_member_are_ignored() -> None:
    assert unpacked(gzip.compress(b"kernel") + b"appended device tree") == b"kernel"


def test_a_wrong_check_sum_is_refused() -> None:
    data = bytearray(gzip.compress(b"kernel" * 1000))
    data[-8] ^= 1
    with pytest.raises(ImageError, match="damaged gzip"):
        unpacked(bytes(data))
