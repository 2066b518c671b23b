import os
from pathlib import Path

import pytest

from bootd.errors import FdtError
from bootd.fdt import Fdt, Node, read, write
from bootd.fdt.compare import differences
from bootd.linux.proc_devicetree import flatten, live
from bootd.model.board import LiveChoice
from tests.support.trees import board, tree


def show(root: Path, node: Node) -> str:
    """Write a tree as the kernel shows it, with the `name` that it invents for every node."""
    root.mkdir()
    (root / "name").write_bytes(node.name.encode() + b"\0")
    for name, value in node.properties.items():
        (root / name).write_bytes(value)
    for name, child in node.children.items():
        show(root / name, child)
    return str(root)


def shown(tmp_path: Path, running: Fdt, started: Fdt | None = None) -> tuple[str, str]:
    blob = tmp_path / "fdt"
    if started is not None:
        blob.write_bytes(write(started))
    return show(tmp_path / "base", running.root), str(blob)


def test_the_folder_becomes_a_blob_without_invented_names(tmp_path: Path) -> None:
    fdt = tree(board())
    flat = flatten(*shown(tmp_path, fdt))
    assert flat is not None
    assert list(differences(fdt, read(flat))) == []


def test_reservations_boot_cpu_and_order_come_from_the_boot_blob(tmp_path: Path) -> None:
    started = tree(board(), reservations=((0x1000, 0x2000),))
    started.boot_cpu = 1
    assert flatten(*shown(tmp_path, tree(board()), started)) == write(started)


def test_a_tree_changed_at_run_time_is_used_and_noted(tmp_path: Path) -> None:
    started = tree(board(), reservations=((0x1000, 0x2000),))
    found = live(*shown(tmp_path, tree(board(led={"on": b""})), started))
    assert found is not None
    assert read(found.blob).find("/led") is not None
    assert read(found.blob).reservations == [(0x1000, 0x2000)]
    assert found.notes == ("the running tree was changed after the start: /led, /led on",)


def test_a_missing_boot_blob_is_noted(tmp_path: Path) -> None:
    found = live(*shown(tmp_path, tree(board())))
    assert found is not None
    assert "reservation block of the firmware is unknown" in found.notes[0]


def test_the_boot_blob_alone_is_enough(tmp_path: Path) -> None:
    (tmp_path / "fdt").write_bytes(write(tree(board())))
    assert flatten(str(tmp_path / "none"), str(tmp_path / "fdt")) == write(tree(board()))


def test_a_machine_without_device_tree_has_none(tmp_path: Path) -> None:
    assert flatten(str(tmp_path / "none"), str(tmp_path / "none")) is None


def test_the_root_may_be_a_symbolic_link(tmp_path: Path) -> None:
    root, blob = shown(tmp_path, tree(board()))
    (tmp_path / "link").symlink_to(root)
    assert flatten(str(tmp_path / "link"), blob) == flatten(root, blob)


def test_names_that_the_kernel_made_unlike_are_refused(tmp_path: Path) -> None:
    root, blob = shown(tmp_path, tree(board(**{"led#1": {}})))
    with pytest.raises(FdtError, match="one name"):
        flatten(root, blob)


def test_cell_counts_are_no_collisions(tmp_path: Path) -> None:
    flat = flatten(*shown(tmp_path, tree({"#address-cells": 2})))
    assert read(flat or b"").root.properties == {"#address-cells": b"\0\0\0\2"}


@pytest.mark.parametrize("kind", ["fifo", "link"])
def test_what_is_neither_node_nor_property_is_refused(tmp_path: Path, kind: str) -> None:
    root, blob = shown(tmp_path, tree(board()))
    place = Path(root) / "odd"
    if kind == "fifo":
        os.mkfifo(place)
    else:
        place.symlink_to("/etc/passwd")
    with pytest.raises(FdtError, match="neither node nor property"):
        flatten(root, blob)


def test_a_tree_that_is_too_deep_is_refused(tmp_path: Path) -> None:
    (tmp_path / "base" / "/".join("n" * 64)).mkdir(parents=True)
    with pytest.raises(FdtError, match="62 levels"):
        flatten(str(tmp_path / "base"), str(tmp_path / "none"))


def test_a_tree_that_is_too_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "big").write_bytes(bytes((2 << 20) + 1))
    with pytest.raises(FdtError, match="2 MiB"):
        flatten(str(tmp_path / "base"), str(tmp_path / "none"))


def test_live_tree_boot_means_the_tree_of_the_start_and_says_what_differs(tmp_path: Path) -> None:
    started, running = tree(board()), tree(board(hat={"compatible": "acme,hat"}))
    place = shown(tmp_path, running, started)
    now = live(*place)
    then = live(*place, choice=LiveChoice.BOOT)
    assert now is not None
    assert then is not None
    assert read(now.blob).find("/hat") is not None
    assert read(then.blob).find("/hat") is None
    assert "/hat" in now.notes[0]
    assert now.notes[0] in then.notes[0]
    assert then.notes[0].endswith("(LiveTree=boot)")


OWN = 0x4A00_0000


def with_own(size: int) -> Fdt:
    """A tree whose firmware reserved memory for its blob, and something of the same size."""
    return tree(board(), reservations=((0x1000, 0x2000), (OWN, size), (OWN + 0x10_0000, size)))


@pytest.mark.parametrize("pages", [False, True], ids=["exact", "whole pages"])
def test_the_reservation_of_the_running_tree_itself_is_let_go(
    tmp_path: Path, *, pages: bool
) -> None:
    size = len(write(with_own(0)))
    size = (size + 0xFFF) & ~0xFFF if pages else size
    blob = write(with_own(size))

    def memory(start: int, count: int) -> bytes:
        return blob if (start, count) == (OWN, len(blob)) else bytes(count)

    root, path = shown(tmp_path, tree(board()), with_own(size))
    found = live(root, path, memory=memory)
    assert found is not None
    assert read(found.blob).reservations == [(0x1000, 0x2000), (OWN + 0x10_0000, size)]
    assert found.notes == (f"{OWN:#x}+{size:#x} held the running tree, and is free",)


def test_without_a_look_at_memory_every_reservation_stays(tmp_path: Path) -> None:
    started = with_own(len(write(with_own(0))))
    root, path = shown(tmp_path, tree(board()), started)
    found = live(root, path, memory=lambda _start, _size: None)
    assert found is not None
    assert read(found.blob).reservations == started.reservations
    assert found.notes == ()
