"""Every compression, packed by the program that kernel builds use."""

import io
import random
import struct
import sys
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootd.errors import ImageError
from bootd.images import lz4, lzo
from bootd.images.compression import COMPRESSIONS, detect, peek, unpack
from tests.support.images import pack

METHODS = ("gzip", "zstd", "xz", "lzma", "bzip2", "lz4", "lz4 frame", "lzo")
NAMES = {"lz4 frame": "lz4"}


def kernel_like(size: int) -> bytes:
    """Return bytes with code-like repetition, and stretches that do not compress."""
    dice = random.Random(7)  # noqa: S311 - repeatable, which is what a test wants
    words = [dice.randbytes(dice.randint(2, 9)) for _ in range(400)]
    parts: list[bytes] = []
    total = 0
    while total < size:
        part = dice.choice(words) if dice.random() < 0.97 else dice.randbytes(300)
        part = bytes(dice.choice((0, 0, 300))) + part
        parts.append(part)
        total += len(part)
    return b"".join(parts)[:size]


DATA = kernel_like(3_000_001)
PACKED = {method: pack(method, DATA) for method in METHODS}


def unpacked(method: str, data: bytes, limit: int = 1 << 26) -> bytes:
    return b"".join(unpack(NAMES.get(method, method), io.BytesIO(data).read, limit))


@pytest.mark.parametrize("method", METHODS)
def test_what_was_packed_comes_back(method: str) -> None:
    row = detect(PACKED[method])
    assert row is not None
    assert row.name == NAMES.get(method, method)
    assert unpacked(method, PACKED[method]) == DATA


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [0, 1, 20, 5000])
def test_small_files_come_back(method: str, size: int) -> None:
    assert unpacked(method, pack(method, DATA[:size])) == DATA[:size]


def test_a_legacy_lz4_file_of_several_blocks_comes_back() -> None:
    data = DATA * 6
    assert len(data) > 2 * (8 << 20)
    assert unpacked("lz4", pack("lz4", data)) == data


def test_what_a_build_appends_is_ignored() -> None:
    for method in ("gzip", "zstd", "xz", "lzma", "bzip2", "lz4", "lzo"):
        assert unpacked(method, PACKED[method] + struct.pack("<I", len(DATA))) == DATA


@pytest.mark.parametrize("method", METHODS)
def test_pieces_are_at_most_one_mebibyte(method: str) -> None:
    packed = io.BytesIO(PACKED[method])
    sizes = [len(piece) for piece in unpack(NAMES.get(method, method), packed.read, 1 << 26)]
    assert max(sizes) <= 1 << 20
    assert sum(sizes) == len(DATA)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.999])
def test_a_cut_off_file_is_refused(method: str, kept: float) -> None:
    with pytest.raises(ImageError, match=r"cut off|damaged"):
        unpacked(method, PACKED[method][: int(len(PACKED[method]) * kept)])


@pytest.mark.parametrize("method", ["gzip", "zstd", "xz", "bzip2", "lzo"])
def test_a_damaged_file_is_refused(method: str) -> None:
    data = bytearray(PACKED[method])
    data[len(data) // 2] ^= 0x55
    with pytest.raises(ImageError, match="damaged"):
        unpacked(method, bytes(data))


@pytest.mark.parametrize("method", METHODS)
def test_a_bomb_stops_at_the_limit_without_using_memory(method: str) -> None:
    bomb = pack(method, bytes(100 << 20))
    assert len(bomb) < 1 << 20
    tracemalloc.start()
    with pytest.raises(ImageError, match="more than the 32 MiB allowed"):
        for _piece in unpack(NAMES.get(method, method), io.BytesIO(bomb).read, 32 << 20):
            pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 72 << 20  # the dictionary of `xz -9` alone has 64 MiB


def test_a_dictionary_of_four_gibibytes_is_refused() -> None:
    lzma = b"\x5d" + (1 << 31).to_bytes(4, "little") + (1 << 30).to_bytes(8, "little") + bytes(99)
    with pytest.raises(ImageError, match=r"memory|damaged"):
        unpacked("lzma", lzma)
    zstd = b"\x28\xb5\x2f\xfd\x00" + bytes((21 << 3,)) + bytes(99)
    with pytest.raises(ImageError, match="memory"):
        unpacked("zstd", zstd)


@pytest.mark.parametrize("method", METHODS)
def test_the_start_can_be_looked_at_without_the_rest(method: str) -> None:
    row = detect(PACKED[method])
    assert row is not None
    assert peek(row, io.BytesIO(PACKED[method]).read, 64 << 10) == DATA[: 64 << 10]


def test_without_the_zstandard_package_the_sentence_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(ImageError, match="python3-zstandard"):
        unpacked("zstd", PACKED["zstd"])


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ImageError, match="no compression"):
        unpacked("rar", b"")


@settings(deadline=None)
@given(st.binary(max_size=400), st.integers(0, 2000))
def test_any_block_is_unpacked_within_its_limit_or_refused(data: bytes, limit: int) -> None:
    for decode in (lz4.block_bytes, lzo.block_bytes):
        with suppress(ImageError):
            assert len(decode(data, limit)) <= limit


@settings(deadline=None)
@given(
    st.sampled_from(METHODS),
    st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), max_size=4),
)
def test_a_damaged_file_unpacks_or_is_refused(method: str, damage: list[tuple[int, int]]) -> None:
    data = bytearray(pack(method, DATA[:20_000]) if method == "gzip" else PACKED[method][:9000])
    for place, value in damage:
        data[place % len(data)] = value
    with suppress(ImageError):
        unpacked(method, bytes(data), 1 << 22)


def test_every_row_has_a_name_of_its_own() -> None:
    assert len({row.name for row in COMPRESSIONS}) == len(COMPRESSIONS)
