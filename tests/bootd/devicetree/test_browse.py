from dataclasses import replace

import pytest

from bootd.devicetree.browse import PAGE_ROWS, browse
from bootd.errors import FdtError
from bootd.model.browsing import Against, TreePage, TreeQuery, TreeRow
from bootd.model.tree import TreeMode, TreeRequest
from tests.support.memoryfs import MemoryFs
from tests.support.trees import blob, board, live_board

LIVE = blob(live_board())
REQUEST = TreeRequest(devicetree="/a.dtb", cmdline="quiet root=/dev/vda1")


def look(query: TreeQuery, request: TreeRequest = REQUEST, **shipped: object) -> TreePage:
    fs = MemoryFs({"/a.dtb": blob(board("acme,board", **shipped))})
    return browse(fs, request, LIVE, query)


def row(page: TreePage, path: str, name: str = "") -> TreeRow:
    return next(row for row in page.rows if (row.path, row.property) == (path, name))


def test_a_node_has_its_properties_and_its_children() -> None:
    page = look(TreeQuery(path="/cpus"))
    names = [(each.path, each.property) for each in page.rows]
    assert ("/cpus", "#address-cells") in names
    assert ("/cpus/cpu@1", "") in names
    assert page.total == len(page.rows)


def test_a_value_that_only_the_live_tree_knows_says_so_and_why() -> None:
    found = row(look(TreeQuery(path="/memory@0")), "/memory@0", "reg")
    assert (found.source, found.shipped) == ("live", "<0x0 0x0 0x0 0x0>")
    assert found.value == "<0x0 0x40000000 0x0 0x20000000>"
    assert found.reason


def test_an_untouched_value_is_the_shipped_one() -> None:
    found = row(look(TreeQuery(path="/serial@1000")), "/serial@1000", "compatible")
    assert (found.source, found.value, found.shipped) == ("shipped", '"acme,uart"', '"acme,uart"')


def test_with_the_running_tree_everything_is_live() -> None:
    request = replace(REQUEST, mode=TreeMode.RUNNING)
    found = row(look(TreeQuery(path="/serial@1000"), request), "/serial@1000", "compatible")
    assert (found.source, found.shipped) == ("live", None)


def test_the_difference_to_the_shipped_tree_is_what_a_person_can_check() -> None:
    changed = row(look(TreeQuery(against=Against.SHIPPED)), "/chosen", "bootargs")
    assert (changed.shipped, changed.value) == (None, '"quiet root=/dev/vda1"')


def test_the_difference_to_the_live_tree_has_what_only_the_shipped_one_brings() -> None:
    page = look(TreeQuery(against=Against.LIVE), led={"gpios": 1})
    assert row(page, "/led", "gpios").live is None


def test_a_search_finds_names_and_values_in_any_case() -> None:
    page = look(TreeQuery(find="UART"))
    assert [(each.path, each.property) for each in page.rows] == [("/serial@1000", "compatible")]


def test_a_long_answer_comes_in_pages() -> None:
    many = {f"p{n}": n for n in range(PAGE_ROWS + 10)}
    first = look(TreeQuery(path="/many"), many=many)
    second = look(TreeQuery(path="/many", offset=PAGE_ROWS), many=many)
    assert (len(first.rows), len(second.rows), first.total) == (PAGE_ROWS, 10, PAGE_ROWS + 10)
    assert first.rows[-1] != second.rows[0]


def test_a_value_is_cut_and_shown_in_printable_ascii() -> None:
    page = look(TreeQuery(path="/x"), x={"big": bytes(range(256)) * 64, "esc": "\x1b[2J"})
    assert all(each.value is not None and len(each.value) < 2_100 for each in page.rows)
    assert all(each.value is not None and each.value.isascii() for each in page.rows)
    assert all("\x1b" not in (each.value or "") for each in page.rows)


def test_a_node_that_is_not_there_is_said() -> None:
    with pytest.raises(FdtError, match="there is no node /nowhere"):
        look(TreeQuery(path="/nowhere"))


def test_there_is_no_shipped_tree_to_compare_with_when_the_running_one_is_used() -> None:
    with pytest.raises(FdtError, match="no shipped device tree"):
        look(TreeQuery(against=Against.SHIPPED), replace(REQUEST, mode=TreeMode.RUNNING))


def test_a_machine_without_device_tree_says_so() -> None:
    with pytest.raises(FdtError, match="no device tree on this machine"):
        browse(None, TreeRequest(), None, TreeQuery())
