"""What boots when nobody chooses: a preferred disk that is late, a stick, a one-shot."""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from bootd.model.remembered import Remembered
from bootd.protocol import memory
from image.build import Products
from image.disks import EXT4_UUID, STICK_UUID
from tests.support.board import Board, booted
from tests.support.loopdisk import make_image

pytestmark = [pytest.mark.boards, pytest.mark.timeout(400)]

LATE_S = 8.0


def status(board: Board) -> dict[str, Any]:
    code, output = board.run("bootdctl status --json")
    found: dict[str, Any] = json.loads(output)["status"] if code == 0 else {}
    return found


def find(board: Board, title: str) -> str | None:
    code, output = board.run("bootdctl list --json")
    listed = json.loads(output) if code == 0 else []
    return next((str(each["id"]) for each in listed if each["title"] == title), None)


def test_a_preferred_disk_that_is_late_is_waited_for_and_boots_with_nobody_there(
    products: Products, tmp_path: Path
) -> None:
    words = f"bootd.timeout=1 bootd.waitfor=120 bootd.order=UUID={EXT4_UUID},any"
    with booted(products, tmp_path, words=words, disks=("fjord",)) as board:
        board.wait("the other disk", lambda: find(board, "Fjord OS 12"), 60)
        since = time.monotonic()
        told = board.wait("patience", lambda: status(board).get("waitingFor"), 30)
        assert told == f"UUID={EXT4_UUID}"
        board.wait_screen(r"Booting in .*Waiting for UUID=b007d000", 20)
        removable_is_refused(board, products)
        ten_years_pass(board)
        board.wait("the delay", lambda: time.monotonic() - since > LATE_S or None, LATE_S)
        assert status(board)["phase"] == "menu", "it waited, long after its one second"
        board.plug("larch", products.disk("larch"))
        second = board.second(90)
    assert second.cmdline == "console=ttyAMA0 panic=-1 entry=larch demo"


def removable_is_refused(board: Board, products: Products) -> None:
    """Plug a stick in that can be taken out: it does not become the default, even when asked to."""
    plug(board, "stick", products.disk("stick"), writable=False, removable=True)
    stick = board.wait("the stick", lambda: find(board, "Stick Linux"), 30)
    assert STICK_UUID in stick
    code, output = board.run(f"bootdctl set-default {stick} 2>&1")
    assert code == 3
    assert "on a medium that anybody can plug in" in output
    assert status(board)["defaultId"] != stick


def ten_years_pass(board: Board) -> None:
    """Set the clock: a countdown that looks at it would fire, or never."""
    for date in ("2036-01-01", "2016-01-01"):
        board.check(f"date -s @{seconds(date)}")
    assert status(board)["secondsLeft"] in range(1, 121)


def seconds(date: str) -> int:
    return int(time.mktime(time.strptime(date, "%Y-%m-%d")))


def test_a_one_shot_boots_by_itself_and_is_forgotten_on_the_state_partition(
    products: Products, tmp_path: Path
) -> None:
    image = make_image(tmp_path / "state.img", {"/note": "ours"}, label="bootd-state")
    with booted(products, tmp_path, words="bootd.timeout=60") as board:
        rescue = board.wait("the option", lambda: find(board, "Fjord OS 12 rescue"), 60)
        larch = board.wait("the other", lambda: find(board, "Larch Linux 6.1"), 60)
        assert status(board)["kept"].startswith("not persisted")
        plug(board, "state", image, writable=True)
        board.wait("the partition", lambda: "partition" in status(board)["kept"] or None, 30)
        board.check(f"bootdctl set-default {larch}")
        board.check(f"bootdctl set-oneshot {rescue}")
        assert kept(image) == Remembered(default=larch, one_shot=rescue)
        second = board.second(150)
    assert second.cmdline == "console=ttyAMA0 panic=-1 entry=fjord-rescue rescue demo"
    assert kept(image) == Remembered(default=larch)
    subprocess.run(["e2fsck", "-fn", str(image)], check=True, capture_output=True, timeout=30)


def plug(board: Board, name: str, image: Path, *, writable: bool, removable: bool = False) -> None:
    """Push a disk in."""
    file = {"driver": "file", "filename": str(image), "read-only": not writable}
    node = {"node-name": name, "read-only": not writable}
    board.qmp("blockdev-add", driver="raw", file=file, **node)
    more = {"id": f"plug-{name}", "drive": name, "bus": "scsi.0", "removable": removable}
    board.qmp("device_add", driver="scsi-hd", **more)


def kept(image: Path) -> Remembered:
    """Return what is on a disk that the board may still have."""
    read = ["debugfs", "-R", "cat /state.json", str(image)]
    done = subprocess.run(read, check=True, capture_output=True, timeout=30)
    found, problem = memory.read(done.stdout)
    assert problem == ""
    return found
