"""What boots when nobody chooses: a one-shot, kept on a state partition."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bootd.model.remembered import Remembered
from bootd.protocol import memory
from image.build import Products
from tests.support.board import Board, booted
from tests.support.loopdisk import make_image


def status(board: Board) -> dict[str, Any]:
    code, output = board.run("bootdctl status --json")
    found: dict[str, Any] = json.loads(output)["status"] if code == 0 else {}
    return found


def find(board: Board, title: str) -> str | None:
    code, output = board.run("bootdctl list --json")
    listed = json.loads(output) if code == 0 else []
    return next((str(each["id"]) for each in listed if each["title"] == title), None)


@pytest.mark.boards
@pytest.mark.timeout(400)
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
