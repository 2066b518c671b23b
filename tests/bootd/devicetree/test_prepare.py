from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.devicetree.prepare import Prepared, prepare
from bootd.errors import FdtError, MergeRefusedError
from bootd.fdt import read
from bootd.model.tree import TreeMode, TreeOrigin, TreeRequest
from tests.support.memoryfs import MemoryFs
from tests.support.trees import blob, board, compile_dts, encode, live_board

LIVE = blob(live_board())
OVERLAY = compile_dts(
    '/dts-v1/; / { f { target-path = "/serial@1000"; __overlay__ { extra; }; }; };'
)


def prepared(request: TreeRequest, live: bytes | None = LIVE, **files: bytes) -> Prepared:
    names = {f"/dtbs/{name}.dtb": data for name, data in files.items()}
    return prepare(MemoryFs(names | {"/o.dtbo": OVERLAY}), request, live)


def test_a_dtb_that_fits_is_merged_and_named() -> None:
    done = prepared(TreeRequest(devicetree_dir="/dtbs", cmdline="quiet"), a=blob(board()))
    report = done.report
    assert report.origin is TreeOrigin.MERGED
    assert report.summary == "merged: a.dtb + 1 live fact"
    assert (report.shipped_path, report.selected_by) == ("/dtbs/a.dtb", "first-compatible")
    assert report.changed_outside_chosen
    assert done.blob is not None
    assert report.sha256 == sha256(done.blob).hexdigest()


def test_a_tree_in_an_overlay_s_place_is_told() -> None:
    request = TreeRequest(devicetree_dir="/dtbs", overlays=("/dtbs/a.dtb",))
    done = prepared(request, a=blob(board()))
    expected = "the overlay /dtbs/a.dtb has no fragments: is it an overlay at all?"
    assert expected in done.report.notes


def test_overlays_of_the_entry_are_applied_before_the_merge() -> None:
    request = TreeRequest(devicetree_dir="/dtbs", overlays=("/o.dtbo",))
    done = prepared(request, a=blob(board()))
    assert done.report.summary == "merged: a.dtb + 1 overlay + 1 live fact"
    assert read(done.blob or b"").get("/serial@1000", "extra") == b""


def test_without_a_dtb_that_fits_the_running_tree_is_used_and_said() -> None:
    done = prepared(TreeRequest(devicetree_dir="/dtbs", cmdline="q"), a=blob(board("acme,other")))
    assert done.report.origin is TreeOrigin.RUNNING
    assert done.report.summary == "running tree (no DTB of /dtbs fits acme,board)"
    assert done.report.suggestions == ("/dtbs/a.dtb",)
    assert not done.report.changed_outside_chosen
    assert read(done.blob or b"").get("/chosen", "bootargs") == b"q\0"


def test_the_running_tree_can_be_asked_for() -> None:
    request = TreeRequest(mode=TreeMode.RUNNING, devicetree="/dtbs/a.dtb", overlays=("/o.dtbo",))
    done = prepared(request, a=blob(board()))
    assert done.report.summary == "running tree (as asked for)"
    assert done.report.notes == (
        "the overlays of the boot option are not used with the running tree",
    )


def test_overlays_without_a_dtb_go_onto_the_running_tree() -> None:
    done = prepared(TreeRequest(overlays=("/o.dtbo",)))
    assert done.report.summary == "running tree + 1 overlay (the boot option names no DTB)"
    assert done.report.changed_outside_chosen
    assert read(done.blob or b"").get("/serial@1000", "extra") == b""


def test_a_dangerous_overlay_on_the_running_tree_is_told() -> None:
    source = (
        '/dts-v1/; / { f { target-path = "/"; __overlay__ {'
        ' reboot { compatible = "syscon-reboot"; }; }; }; };'
    )
    files = MemoryFs({"/danger.dtbo": compile_dts(source)})
    done = prepare(files, TreeRequest(overlays=("/danger.dtbo",)), LIVE)
    assert done.report.risks[0].startswith("/reboot (syscon-reboot) writes a value")


def test_a_dtb_of_another_board_that_the_entry_names_is_refused() -> None:
    with pytest.raises(MergeRefusedError, match=r"/dtbs/a\.dtb: DTB is for another board"):
        prepared(TreeRequest(devicetree="/dtbs/a.dtb"), a=blob(board("acme,other")))


def test_a_corrupt_dtb_that_the_entry_names_is_refused() -> None:
    with pytest.raises(FdtError, match=r"/dtbs/a\.dtb: the DTB is malformed"):
        prepared(TreeRequest(devicetree="/dtbs/a.dtb"), a=blob(board())[:-4])


def test_an_overlay_that_is_missing_is_refused() -> None:
    with pytest.raises(FdtError, match=r"overlay /no\.dtbo cannot be read"):
        prepared(TreeRequest(overlays=("/no.dtbo",)))


def test_an_overlay_that_does_not_apply_is_refused_with_its_name() -> None:
    live = {k: v for k, v in live_board(chosen={}).items() if k != "serial@1000"}
    with pytest.raises(FdtError, match=r"overlay /o\.dtbo does not apply: the target of f"):
        prepared(TreeRequest(overlays=("/o.dtbo",)), blob(live))


def test_in_shipped_mode_a_dtb_is_needed() -> None:
    with pytest.raises(MergeRefusedError, match="no shipped device tree"):
        prepared(TreeRequest(mode=TreeMode.SHIPPED))


def test_shipped_mode_says_so() -> None:
    request = TreeRequest(mode=TreeMode.SHIPPED, devicetree="/dtbs/a.dtb")
    assert prepared(request, a=blob(board())).report.origin is TreeOrigin.SHIPPED


def test_a_machine_without_device_tree_gets_none() -> None:
    done = prepared(TreeRequest(devicetree="/dtbs/a.dtb"), None, a=blob(board()))
    assert done.blob is None
    assert done.report.summary == "no device tree on this machine"
    assert len(done.report.notes) == 1


def test_on_a_machine_that_only_its_firmware_can_describe_the_folder_is_not_searched() -> None:
    live = blob(live_board("apple,j314s"))
    done = prepared(TreeRequest(devicetree_dir="/dtbs"), live, a=blob(board("apple,j314s")))
    assert done.report.origin is TreeOrigin.RUNNING
    assert "m1n1" in done.report.notes[0]


def test_a_dtb_equal_to_the_running_tree_changes_nothing_outside_chosen() -> None:
    done = prepared(TreeRequest(devicetree="/dtbs/a.dtb"), a=LIVE)
    assert not done.report.changed_outside_chosen


def test_a_note_says_what_was_not_brought_over() -> None:
    ethernet = {"compatible": "acme,eth", "local-mac-address": b"\2\0\0\0\0\1"}
    done = prepared(
        TreeRequest(devicetree="/dtbs/a.dtb"), blob(live_board(eth=ethernet)), a=blob(board())
    )
    assert done.report.notes[0].startswith("/eth local-mac-address: not brought over")


def test_foreign_names_are_cleaned_in_messages() -> None:
    live = blob(live_board(compatible="acme,\x1b[2Jboard"))
    done = prepared(TreeRequest(devicetree_dir="/dtbs"), live, a=blob(board()))
    assert "\x1b" not in done.report.summary


@given(st.data())
def test_mutated_trees_are_merged_or_refused_and_never_crash(data: st.DataObject) -> None:
    both = {"serial-number": "1", "psci": {"compatible": "arm,psci", "method": "smc"}}
    pool = {"#address-cells": 2, "#size-cells": 2, "tee@5": {"reg": [0, 5, 0, 5]}}
    live = bytearray(blob(live_board(**both, **{"reserved-memory": pool})))
    ours = bytearray(blob(board(**both)))
    for target in (live, ours):
        for _ in range(data.draw(st.integers(0, 3))):
            at = data.draw(st.integers(40, len(target) - 1))
            target[at] = data.draw(st.integers(0, 255))
    request = TreeRequest(devicetree="/dtbs/a.dtb", overlays=("/o.dtbo",), cmdline="q")
    try:
        done = prepared(request, bytes(live), a=bytes(ours))
    except (FdtError, MergeRefusedError) as error:
        refused = str(error)
    else:
        refused = ""
        assert read(done.blob or b"").get("/chosen", "bootargs") == encode("q")
    assert refused.isprintable()


def test_whoever_decides_for_the_running_tree_is_named() -> None:
    request = TreeRequest(mode=TreeMode.RUNNING, mode_why="this machine is locked")
    report = prepared(request).report
    assert report.summary == "running tree (this machine is locked)"
