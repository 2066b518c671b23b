"""The emulated board: power on to menu to second kernel, beside an init that only kexecs.

The emulator's own speed is in all of these figures; the ratios are what travels between machines.
"""

import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from image import floor, initramfs, qemu
from image.build import Products, everything
from image.firmware import BOARDS
from tests.support.board import Board, booted, started

FIRST_LINE = "Booting Linux on physical CPU"
PROCESSES = ("bootd", "bootmenu", "systemd", "systemd-udevd", "systemd-journald")


def measure() -> dict[str, float]:
    products = Products()
    everything(products)
    with tempfile.TemporaryDirectory(prefix="bench-board") as name:
        found = _product(products, Path(name)) | _floor(products, Path(name))
    found["board_initramfs_mb"] = products.initramfs.stat().st_size / 1e6
    found["board_kernel_mb"] = products.kernel.stat().st_size / 1e6
    found["board_second_kernel_ratio"] = found["board_unattended_s"] / found["board_floor_s"]
    return found


def _product(products: Products, folder: Path) -> dict[str, float]:
    """Two starts: one with the shell, for memory; one as shipped, for time."""
    found: dict[str, float] = {}
    with booted(products, _below(folder, "memory"), words="bootd.timeout=600") as board:
        board.wait_screen("Larch Linux", 90)
        found |= _memory(board) | _hotplug(board, products)
    words = "bootd.timeout=0"
    with booted(products, _below(folder, "time"), shell=False) as board:
        found["board_menu_drawn_s"] = _when(board, lambda: "Larch" in board.screen.text())
        board.type("\r")
        pressed = time.monotonic()
        board.wait_log(FIRST_LINE, 90)
        found["board_enter_to_second_kernel_s"] = time.monotonic() - pressed
    with booted(products, _below(folder, "unattended"), shell=False, words=words) as board:
        found["board_unattended_s"] = _when(board, lambda: FIRST_LINE in board.text())
    return found


def _floor(products: Products, folder: Path) -> dict[str, float]:
    target = folder / "floor.zst"
    initramfs.pack(floor.build(products.root), target)
    guest = qemu.of(products, BOARDS["virt"], ("larch",))
    with started(_below(folder, "floor"), guest, initramfs=target) as board:
        init = _when(board, lambda: "FLOOR init" in board.text())
        return {
            "board_floor_init_s": init,
            "board_floor_s": _when(board, lambda: FIRST_LINE in board.text()),
        }


def _hotplug(board: Board, products: Products) -> dict[str, float]:
    """Kernel clock of the guest: start to first option, and a disk's uevent to its option."""
    first = _journal(board, r"bootd\[\d+\]: \w+: boot options [1-9]")
    board.plug("stick", products.disk("stick"))
    board.wait_screen("Stick Linux", 60)
    there = _journal(board, r"kernel: sd .*Attached SCSI")
    listed = _journal(board, r"bootd\[\d+\]: sd\w+: boot options [1-9]")
    return {"board_first_option_s": first, "board_hotplug_s": listed - there}


def _journal(board: Board, pattern: str) -> float:
    """Seconds since the kernel's start of the first line of the journal that matches."""
    lines = board.check("journalctl -b -o short-monotonic --no-pager", 60)
    found = re.search(rf"^\[ *([0-9.]+)\] .*{pattern}", lines, re.MULTILINE)
    if found is None:
        msg = f"the board's journal has no line like {pattern!r}:\n{lines[-2000:]}"
        raise AssertionError(msg)
    return float(found[1])


def _memory(board: Board) -> dict[str, float]:
    """PSS of each process of the product, in MB."""
    script = "for p in /proc/[0-9]*; do echo $(cat $p/comm) $(grep ^Pss: $p/smaps_rollup); done"
    output = board.check(script + " 2>/dev/null", 60)
    totals: dict[str, float] = {}
    for name, kib in re.findall(r"^(\S+) Pss: (\d+) kB", output, re.MULTILINE):
        if name in PROCESSES:
            totals[name] = totals.get(name, 0.0) + int(kib) * 1024 / 1e6
    return {f"board_{name.replace('-', '_')}_mb": size for name, size in totals.items()}


def _when(board: Board, ready: Callable[[], bool]) -> float:
    """Seconds from power on until it is so."""
    board.wait("the board", lambda: ready() or None, 120)
    return time.monotonic() - board.started


def _below(folder: Path, name: str) -> Path:
    made = folder / name
    made.mkdir()
    return made
