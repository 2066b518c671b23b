"""Inputs that once broke a reader of device trees are refused with a reason, or work."""

from pathlib import Path

import pytest

from bootd.devicetree.prepare import combine
from bootd.errors import FdtError, MergeRefusedError
from bootd.fdt import read
from bootd.fdt.overlay import apply
from tests.support.libfdt_oracle import is_valid
from tests.support.trees import board, live_board, tree

FILES = sorted(Path(__file__).parents[2].joinpath("crashers").glob("*.dtb*"))

pytestmark = pytest.mark.parametrize("file", FILES, ids=[file.name for file in FILES])


def readable(blob: bytes) -> bool:
    try:
        read(blob)
    except FdtError:
        return False
    return True


def test_nothing_is_read_that_libfdt_refuses(file: Path) -> None:
    blob = file.read_bytes()
    assert is_valid(blob) or not readable(blob)


def test_it_is_refused_as_an_overlay(file: Path) -> None:
    with pytest.raises(FdtError):
        apply(tree(board()), read(file.read_bytes()))


def test_it_is_refused_as_a_shipped_tree(file: Path) -> None:
    with pytest.raises((FdtError, MergeRefusedError)):
        combine(read(file.read_bytes()), tree(live_board()), "")


def test_it_is_refused_as_a_running_tree(file: Path) -> None:
    with pytest.raises((FdtError, MergeRefusedError)):
        combine(tree(board()), read(file.read_bytes()), "")
