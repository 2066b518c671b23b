"""Choosing on the serial console, and nobody choosing at all."""

from pathlib import Path

import pytest

from image.build import Products
from image.firmware import BOARDS
from tests.support.board import booted
from tests.support.second import parse

pytestmark = [pytest.mark.board, pytest.mark.timeout(150)]


@pytest.mark.parametrize("name", sorted(BOARDS))
def test_keys_choose_an_entry_and_a_refused_one_shows_why_and_leaves_the_menu(
    name: str, products: Products, tmp_path: Path
) -> None:
    with booted(products, tmp_path, board=name) as board:
        board.wait_screen(r"Larch Linux 6\.1 with an overlay", 60)
        board.highlight("Larch Linux 6.1 with another board's device tree")
        board.type("\r")
        board.wait_screen(r"Error: Cannot boot Larch Linux 6\.1 with another board's", 30)
        board.type("k")
        board.highlight("Larch Linux 6.1 with an overlay", key="k")
        board.type("\r")
        board.wait_log("SECOND end", 60)
        second = parse(board.text())
    assert second.cmdline == "console=ttyAMA0 panic=-1 entry=larch-overlay demo"
    assert second.tree["/bootd-overlay/greeting"] == b"from the overlay\0"


def test_with_nobody_there_the_default_boots_after_the_countdown(
    products: Products, tmp_path: Path
) -> None:
    with booted(products, tmp_path) as board:
        board.wait_log("SECOND end", 90)
        second = parse(board.text())
    assert second.cmdline == "console=ttyAMA0 panic=-1 entry=larch demo"
