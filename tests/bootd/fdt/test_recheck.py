"""The second look: what libfdt takes passes, what it refuses does not, and some rules on top."""

import random
import struct

import pytest

from bootd.errors import FdtError
from bootd.fdt.recheck import FORBIDDEN, recheck
from tests.support import libfdt_oracle, trees

END, LAST = struct.pack(">I", 2), struct.pack(">I", 9)

GOOD = trees.blob(trees.live_board())
WORDS = (0, 1, 2, 3, 4, 9, 5, 0xFFFFFFFF, 0x80000000, 0x00FFFFFF, len(GOOD), 41)


def test_what_bootd_writes_passes() -> None:
    recheck(GOOD)
    recheck(trees.blob(trees.board(), reservations=((0x1000, 0x2000),)))


def test_a_damaged_blob_is_never_taken_where_libfdt_refuses_it() -> None:
    chance = random.Random(7)  # noqa: S311 - damage, not secrets
    refused = 0
    for _ in range(3000):
        damaged = bytearray(GOOD)
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(0, len(damaged) // 4) * 4
            struct.pack_into(">I", damaged, at, chance.choice(WORDS))
        blob = bytes(damaged)
        try:
            recheck(blob)
        except FdtError:
            refused += 1
        else:
            assert libfdt_oracle.is_valid(blob)
    assert refused > 1000


@pytest.mark.parametrize("size", [0, 39, 40, len(GOOD) - 1, len(GOOD) + 4])
def test_a_blob_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(FdtError):
        recheck(GOOD[:size].ljust(size, b"\0"))


@pytest.mark.parametrize("name", sorted(FORBIDDEN))
def test_no_merge_hands_over_memory_that_the_next_kernel_would_believe(name: bytes) -> None:
    with pytest.raises(FdtError, match="may not be there"):
        recheck(with_property("chosen", name))


def test_the_same_name_elsewhere_is_a_boards_own_business() -> None:
    recheck(with_property("soc", b"linux,elfcorehdr"))


def test_deep_nesting_is_refused_without_recursion() -> None:
    body = b"".join(trees.begin("a" if level else "") for level in range(20_000))
    with pytest.raises(FdtError, match="nested too deeply"):
        recheck(trees.raw_blob(body + END * 20_000 + LAST))


@pytest.mark.parametrize(
    "body",
    [
        trees.begin("") + END + trees.begin("") + END + LAST,
        trees.begin("") + trees.begin("") + END + END + LAST,
        trees.begin("named") + END + LAST,
        trees.begin("") + END + END + LAST,
        trees.begin("") + LAST,
        trees.prop(0) + trees.begin("") + END + LAST,
        trees.begin("") + END,
        trees.begin("") + END + LAST + LAST,
        LAST,
    ],
)
def test_a_tree_of_another_shape_is_refused(body: bytes) -> None:
    with pytest.raises(FdtError):
        recheck(trees.raw_blob(body, b"name\0"))


def with_property(node: str, name: bytes) -> bytes:
    inner = trees.begin(node) + trees.prop(0, b"\0\0\0\1") + END
    return trees.raw_blob(trees.begin("") + inner + END + LAST, name + b"\0")
