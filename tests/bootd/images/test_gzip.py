"""Unpacking gzip within limits."""

import gzip
import io
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.errors import ImageError
from bootd.images.gzip import unpack


def unpacked(data: bytes, limit: int = 1 << 24) -> bytes:
    return b"".join(unpack(io.BytesIO(data).read, limit))


@given(st.binary(max_size=3000).map(lambda part: part * 700))
def test_what_was_packed_comes_back(data: bytes) -> None:
    assert unpacked(gzip.compress(data)) == data


def test_pieces_are_at_most_one_mebibyte() -> None:
    sizes = [
        len(piece) for piece in unpack(io.BytesIO(gzip.compress(bytes(5 << 20))).read, 1 << 24)
    ]
    assert max(sizes) <= 1 << 20
    assert sum(sizes) == 5 << 20


def test_bytes_after_the_first_member_are_ignored() -> None:
    assert unpacked(gzip.compress(b"kernel") + b"appended device tree") == b"kernel"


def test_a_cut_off_file_is_refused() -> None:
    with pytest.raises(ImageError, match="cut off"):
        unpacked(gzip.compress(bytes(range(256)) * 64)[:-9])


def test_a_wrong_check_sum_is_refused() -> None:
    data = bytearray(gzip.compress(b"kernel" * 1000))
    data[-8] ^= 1
    with pytest.raises(ImageError, match="damaged gzip"):
        unpacked(bytes(data))


def test_a_bomb_stops_at_the_limit_without_using_memory() -> None:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    chunk = bytes(1 << 20)
    bomb = b"".join(squeeze.compress(chunk) for _ in range(200)) + squeeze.flush()
    tracemalloc.start()
    with pytest.raises(ImageError, match="more than the 32 MiB allowed"):
        for _piece in unpack(io.BytesIO(bomb).read, 32 << 20):
            pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20
