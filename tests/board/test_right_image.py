"""The right image or none: no kernel waits that nobody has just asked for."""

from pathlib import Path

import pytest

from image.build import Products
from tests.support.board import Board, booted
from tests.support.patched import option

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

BROKEN = (
    "Larch Linux 6.1 with a corrupt device tree",
    "Larch Linux 6.1 with another board's device tree",
    "Larch Linux 5.10 (its kernel is gone)",
)
CHOSEN = "Larch Linux 6.1 with an overlay"

LOAD = """
from bootd.linux import kexec
page = kexec.KexecSegment(data=bytearray(4096), start=0x50000000, memory_bytes=4096)
kexec.kexec_load(page.start, [page])
"""
"""Puts a kernel in memory behind the daemon's back: what one leaves that dies after a load."""


def loaded(board: Board) -> str:
    return board.check("cat /sys/kernel/kexec_loaded").strip()


def wait_for(board: Board, title: str) -> str:
    return board.wait(f"the option {title}", lambda: option(board, title), 120)


def restart(board: Board, signal: str) -> None:
    """End the daemon by a signal, and return when its successor has listed the disks."""
    before = board.check("systemctl show -p MainPID --value bootd").strip()
    board.check(f"systemctl kill -s {signal} --kill-who=main bootd; systemctl start bootd", 90)
    after = "systemctl show -p MainPID --value bootd"
    board.wait("another daemon", lambda: board.check(after).strip() not in {before, "0"}, 90)
    wait_for(board, CHOSEN)


def test_no_kernel_waits_unless_a_boot_is_in_progress(products: Products, tmp_path: Path) -> None:
    with booted(products, tmp_path, words="bootd.timeout=600") as board:
        wait_for(board, CHOSEN)
        assert loaded(board) == "0"
        boots_that_cannot_be(board)
        a_daemon_that_died_after_a_load(board)


def boots_that_cannot_be(board: Board) -> None:
    for title in BROKEN:
        status, _ = board.run(f"bootdctl boot {wait_for(board, title)}", 60)
        assert status != 0
        assert loaded(board) == "0"


def a_daemon_that_died_after_a_load(board: Board) -> None:
    board.check(f"cat > /run/load.py <<'END'\n{LOAD}\nEND")
    for _ in range(2):
        board.check("python3 /run/load.py", 60)
        assert loaded(board) == "1"
        restart(board, "KILL")
        assert loaded(board) == "0"
    assert "a kernel was still loaded" in board.check("journalctl -u bootd -o cat")
