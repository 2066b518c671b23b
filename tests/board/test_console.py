"""Choosing on the serial console, and nobody choosing at all."""

from pathlib import Path

import pytest

from image.build import Products
from tests.support.board import booted

pytestmark = [pytest.mark.board, pytest.mark.timeout(150)]

REFUSED = "Larch Linux 6.1 with another board's device tree"


def test_keys_choose_an_entry_and_a_refused_one_shows_why_and_leaves_the_menu(
    products: Products, tmp_path: Path
) -> None:
    with booted(products, tmp_path) as board:
        board.wait_screen("with an overlay", 60)
        board.highlight(REFUSED)
        board.type("\r")
        board.wait_screen(r"(?i)error: cannot boot Larch Linux 6\.1 with another board's", 30)
        board.wait_screen("DTB is for another board", 10)
        board.highlight("Larch Linux 6.1 with an overlay", key="k")
        board.type("\r")
        second = board.second(60)
    assert second.cmdline == "console=ttyAMA0 panic=-1 entry=larch-overlay demo"
    assert second.tree["/bootd-overlay/greeting"] == b"from the overlay\0"


def test_keys_choose_an_entry_of_the_esp_on_a_board_with_gicv3(
    products: Products, tmp_path: Path
) -> None:
    with booted(products, tmp_path, board="virt-gicv3") as board:
        board.wait_screen(r"Fjord OS 12 rescue", 60)
        board.highlight("Fjord OS 12 rescue (6.1)")
        board.type("\r")
        second = board.second(60)
    assert second.system == "Fjord OS"
    assert second.cmdline == "console=ttyAMA0 panic=-1 entry=fjord-rescue rescue demo"
    assert "/bootd-demo/greeting" not in second.tree, "this entry ships no tree"


def test_with_nobody_there_the_default_boots_after_the_countdown(
    products: Products, tmp_path: Path
) -> None:
    with booted(products, tmp_path) as board:
        second = board.second(90)
    assert second.cmdline == "console=ttyAMA0 panic=-1 entry=larch demo"
