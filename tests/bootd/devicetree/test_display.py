"""The framebuffer of the firmware: handed on while it is shown, and else not mentioned."""

from bootd.devicetree.merge import Merged, merge, rewrite
from bootd.devicetree.scene import Known
from bootd.devicetree.verify import verify
from bootd.fdt import Fdt, write
from bootd.model.tree import FactAction
from tests.support.trees import Content, board, encode, live_board, tree

PATH = "/chosen/framebuffer@5f000000"
REG = [0, 0x5F000000, 0, 0x100000]
PICTURE: Content = {
    "compatible": "simple-framebuffer",
    "reg": REG,
    "width": 640,
    "height": 480,
    "stride": 2560,
    "format": "x8r8g8b8",
}
CELLS: Content = {"#address-cells": 2, "#size-cells": 2, "ranges": b""}


def clock(number: int, cells: int = 1) -> Content:
    node = {"compatible": "acme,clk", "#clock-cells": cells, "reg": [0, 0x3000, 0, 0x100]}
    return {"clock@3000": node | ({"phandle": number} if number else {})}


def live(picture: Content = PICTURE, **more: object) -> Fdt:
    chosen = {"stdout-path": "/serial@1000", **CELLS, "framebuffer@5f000000": picture}
    return tree(live_board(chosen=chosen, **more))


def merged(shipped: Fdt, running: Fdt, *screens: str) -> Merged:
    known = Known(screens=frozenset(screens))
    result = merge(shipped, running, "", known=known)
    verify(write(result.fdt), result.base, running, result.facts, "")
    return result


def test_a_framebuffer_that_is_shown_comes_along_and_its_memory_is_kept() -> None:
    result = merged(tree(board()), live(), PATH)
    assert result.fdt.get(PATH, "reg") == encode(REG)
    assert result.fdt.get(PATH, "format") == b"x8r8g8b8\0"
    assert result.fdt.get("/chosen", "ranges") == b""
    assert result.fdt.get("/reserved-memory/framebuffer@5f000000", "reg") == encode(REG)
    assert result.fdt.get("/reserved-memory/framebuffer@5f000000", "no-map") == b""


def test_memory_that_the_firmware_has_reserved_is_not_reserved_twice() -> None:
    running = live()
    running.reservations = [(0x5F000000, 0x200000)]
    result = merged(tree(board()), running, PATH)
    assert result.fdt.find("/reserved-memory") is None


def test_memory_outside_the_ram_needs_no_reservation() -> None:
    result = merged(tree(board()), live({**PICTURE, "reg": [0, 0x80000000, 0, 0x1000]}), PATH)
    assert result.fdt.find(PATH) is not None
    assert result.fdt.find("/reserved-memory") is None


def test_a_framebuffer_that_nothing_draws_into_is_left_out_and_told() -> None:
    result = merged(tree(board()), live())
    assert result.fdt.find(PATH) is None
    (told,) = result.told
    assert (told.path, told.rule, told.action) == (PATH, "display", FactAction.REFUSE)


def test_the_address_is_written_in_the_cells_of_the_dtb() -> None:
    shipped = tree(board(**{"#address-cells": 1, "#size-cells": 1}, **narrow()))
    result = merged(shipped, live(), PATH)
    assert result.fdt.get(PATH, "reg") == encode([0x5F000000, 0x100000])
    assert result.fdt.get("/chosen", "#size-cells") == encode(1)


def narrow() -> Content:
    return {
        "memory@0": {"device_type": "memory", "reg": [0, 0]},
        "serial@1000": {"compatible": "acme,uart", "reg": [0x1000, 0x100]},
    }


def test_clocks_are_those_of_the_dtb() -> None:
    running = live({**PICTURE, "clocks": [5, 9]}, **clock(5))
    result = merged(tree(board(**clock(77))), running, PATH)
    assert result.fdt.get(PATH, "clocks") == encode([77, 9])


def test_a_clock_that_nothing_in_the_dtb_refers_to_gets_a_new_phandle() -> None:
    running = live({**PICTURE, "clocks": [5, 9]}, **clock(5))
    other = {"compatible": "acme,x", "phandle": 40}
    result = merged(tree(board(other=other, **clock(0))), running, PATH)
    assert result.fdt.get(PATH, "clocks") == encode([41, 9])
    assert result.fdt.get("/clock@3000", "phandle") == encode(41)
    assert "phandle" in {fact.rule for fact in result.facts}


def test_a_clock_that_the_dtb_does_not_have_keeps_the_framebuffer_out() -> None:
    result = merged(tree(board()), live({**PICTURE, "clocks": [5, 9]}, **clock(5)), PATH)
    assert result.fdt.find(PATH) is None
    assert any("what its clocks are is not in the DTB" in fact.reason for fact in result.told)


def test_a_clock_that_counts_otherwise_in_the_dtb_keeps_the_framebuffer_out() -> None:
    running = live({**PICTURE, "clocks": [5, 9]}, **clock(5))
    assert merged(tree(board(**clock(77, cells=0))), running, PATH).fdt.find(PATH) is None


def test_what_nobody_knows_keeps_the_framebuffer_out() -> None:
    result = merged(tree(board()), live({**PICTURE, "acme,tuning": 7}), PATH)
    assert result.fdt.find(PATH) is None
    assert any("acme,tuning" in fact.reason for fact in result.told)


def test_a_framebuffer_that_the_dtb_has_switched_off_is_filled_in() -> None:
    # As U-Boot does on Allwinner boards: the node is there, and it writes address and size.
    empty = {"compatible": ["allwinner,simple-framebuffer", "simple-framebuffer"]}
    chosen = {**CELLS, "framebuffer@5f000000": {**empty, "status": "disabled", "clocks": [77, 1]}}
    shipped = tree(board(chosen=chosen, **clock(77)))
    running = live({**PICTURE, **empty, "status": "okay", "clocks": [77, 1]}, **clock(77))
    result = merged(shipped, running, PATH)
    assert result.fdt.get(PATH, "status") == b"okay\0"
    assert result.fdt.get(PATH, "width") == encode(640)


def test_a_framebuffer_that_only_the_dtb_has_switched_on_goes() -> None:
    shipped = tree(board(chosen={**CELLS, "framebuffer@0": PICTURE}))
    result = merged(shipped, tree(live_board()))
    assert result.fdt.find("/chosen/framebuffer@0") is None


def test_the_running_tree_loses_a_framebuffer_that_is_not_shown_any_more() -> None:
    assert rewrite(live(), "").fdt.find(PATH) is None
    assert rewrite(live(), "", {PATH}).fdt.find(PATH) is not None
