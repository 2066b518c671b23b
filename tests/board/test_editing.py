"""What a person changes on the serial console is what the second kernel gets."""

import re
from functools import partial
from pathlib import Path

import pytest

from bootd.fdt.source import render_value
from image.build import Products
from tests.support.board import Board, booted

pytestmark = [pytest.mark.board, pytest.mark.timeout(200)]

PLAIN = """mkdir -p /run/systemd/system/bootmenu@ttyAMA0.service.d
printf '[Service]\\nExecStart=\\nExecStart=/usr/bin/bootmenu --ui=plain --console %%I\\n' \
>/run/systemd/system/bootmenu@ttyAMA0.service.d/plain.conf
systemctl daemon-reload && systemctl restart bootmenu@ttyAMA0"""


def row(board: Board) -> str:
    """Return the row of the edit page that the cursor is on, or "" between two frames."""
    found = re.search(r"^ >[ *] (.+)$", board.screen.text(), re.MULTILINE)
    return found[1] if found else ""


def has_moved(board: Board, before: str) -> bool:
    return row(board) not in ("", before)


def to_row(board: Board, label: str) -> None:
    """Go down the edit page to the row with that label."""
    board.wait("a cursor", partial(has_moved, board, ""), 10)
    while not row(board).startswith(label):
        before = row(board)
        board.type("j")
        board.wait("the cursor moving", partial(has_moved, board, before), 10)


def find(board: Board, text: str, shown: str) -> str:
    """Search the tree page and return the value of the first row with `shown`."""
    board.type("/")
    board.wait_screen("Enter take over", 20)
    board.type(f"{text}\r")
    found = board.wait_screen(rf"{re.escape(shown)} = (.*)", 60)
    return re.sub(r" *\[[a-z-]+\]$", "", found[1].rstrip())


def test_an_edited_command_line_boots_and_the_tree_page_is_what_the_kernel_sees(
    products: Products, tmp_path: Path
) -> None:
    with booted(products, tmp_path, words="bootd.timeout=600") as board:
        board.wait_screen("with an overlay", 60)
        board.highlight("Larch Linux 6.1 with an overlay")
        board.type("e")
        board.wait_screen("Edit Larch Linux 6.1 with an overlay", 20)
        to_row(board, "cmdline")
        board.type("\r")
        board.wait_screen("Enter take over", 20)
        board.type(" edited=yes\r")
        board.wait_screen("was: console=ttyAMA0", 30)
        board.type("d")
        board.wait_screen("Device tree /", 60)
        shown = {
            "/chosen/bootargs": find(board, "bootargs", "/chosen: bootargs"),
            "/bootd-overlay/greeting": find(board, "from the overlay", "/bootd-overlay: greeting"),
        }
        board.type("\x1b")
        board.wait_screen("Device tree /  ", 30)
        board.type("\x1b")
        board.wait_screen(r"\(edited\)", 30)
        board.type("\r")
        second = board.second(90)
    assert second.cmdline == "console=ttyAMA0 panic=-1 entry=larch-overlay demo edited=yes"
    for path, value in shown.items():
        assert value.startswith(render_value(second.tree[path])[:30])


def test_the_plain_face_is_driven_by_lines(products: Products, tmp_path: Path) -> None:
    with booted(products, tmp_path, words="bootd.timeout=600") as board:
        board.wait_screen("with an overlay", 60)
        board.check(PLAIN, 60)
        listed = board.wait_log(r"(\d+)\) Larch Linux 6\.1 with an overlay", 60)
        board.wait_log(r"tree: ", 60)
        number = listed[1]
        board.type(f"e {number}\r")
        line = board.wait_log(r"(\d+) cmdline: console=ttyAMA0", 60)[1]
        board.type(f"e {number} {line} console=ttyAMA0 panic=-1 plain=yes\r")
        board.wait_log(r"\(was: console=ttyAMA0", 60)
        board.type(f"{number}\r")
        second = board.second(90)
    assert second.cmdline == "console=ttyAMA0 panic=-1 plain=yes"
