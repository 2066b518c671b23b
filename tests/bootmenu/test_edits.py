from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.protocol.messages import NO_OVERRIDES, FileView, OptionView, OverlayView, Overrides
from bootmenu.edits import Part, Row, by_hand, changed, is_edited, rows, toggled, undone
from tests.support.menu_views import option

UART = OverlayView(device="sda1", path="/uart.dtbo", parameters="baud=9600")
SPI = OverlayView(device="sdb1", path="/spi.dtbo")
DEBIAN: OptionView = replace(
    option(1),
    initrd=(FileView(device="sda1", path="/a.img"), FileView(device="sda1", path="/b.img")),
    devicetree_overlay=(UART, SPI),
)


def row(part: Part, edit: Overrides = NO_OVERRIDES, number: int = 0) -> Row:
    return [each for each in rows(DEBIAN, edit) if each.part is part][number]


def write(part: Part, text: str, edit: Overrides = NO_OVERRIDES, number: int = 0) -> Overrides:
    return changed(DEBIAN, edit, row(part, edit, number), text)


def test_an_unchanged_option_has_no_row_with_another_value() -> None:
    assert all(each.was is None for each in rows(DEBIAN, NO_OVERRIDES))


def test_another_command_line_shows_what_it_was() -> None:
    edit = write(Part.CMDLINE, " single ")
    assert edit == Overrides(options="single")
    assert row(Part.CMDLINE, edit).was == DEBIAN.options


def test_writing_what_was_there_is_no_change() -> None:
    assert write(Part.CMDLINE, DEBIAN.options, Overrides(options="single")) == NO_OVERRIDES


def test_a_kernel_may_be_on_another_device_or_in_a_container() -> None:
    edit = write(Part.KERNEL, "sdb1:/fit.itb#/images/kernel-1")
    assert edit.linux == FileView(device="sdb1", path="/fit.itb#/images/kernel-1")
    assert row(Part.KERNEL, edit).value == "sdb1:/fit.itb#/images/kernel-1"
    assert write(Part.KERNEL, "/odd:name").linux == FileView(device="sda1", path="/odd:name")


def test_an_initrd_can_be_added_replaced_and_taken_out() -> None:
    more = write(Part.ADD_INITRD, "/c.img")
    assert [file.path for file in more.initrd or ()] == ["/a.img", "/b.img", "/c.img"]
    less = write(Part.INITRD, "", more)
    assert [file.path for file in less.initrd or ()] == ["/b.img", "/c.img"]
    other = write(Part.INITRD, "/z.img", number=1)
    assert [file.path for file in other.initrd or ()] == ["/a.img", "/z.img"]
    assert row(Part.INITRD, other, 1).was == "/b.img"


def test_what_was_taken_out_at_the_end_is_still_told() -> None:
    assert row(Part.ADD_INITRD, write(Part.INITRD, "", number=1)).was == "/b.img"


def test_enter_goes_round_the_kinds_of_tree() -> None:
    seen, edit = [], NO_OVERRIDES
    for _ in range(4):
        edit = toggled(DEBIAN, edit, row(Part.TREE, edit)) or NO_OVERRIDES
        seen.append(edit.devicetree_mode)
    assert seen == ["merged", "running", "shipped", None]


def test_an_overlay_that_is_not_applied_stays_in_the_list() -> None:
    edit = toggled(DEBIAN, NO_OVERRIDES, row(Part.OVERLAY)) or NO_OVERRIDES
    assert edit.devicetree_overlay == (SPI,)
    assert (row(Part.OVERLAY, edit).checked, row(Part.OVERLAY, edit).was) == (False, "applied")
    again = toggled(DEBIAN, edit, row(Part.OVERLAY, edit))
    assert again == NO_OVERRIDES


def test_an_overlay_is_added_with_its_parameters() -> None:
    edit = write(Part.ADD_OVERLAY, "/i2c.dtbo speed=400 addr=0x50")
    added = OverlayView(device="sda1", path="/i2c.dtbo", parameters="speed=400,addr=0x50")
    assert edit.devicetree_overlay == (UART, SPI, added)
    assert row(Part.OVERLAY, edit, 2).value == "/i2c.dtbo speed=400,addr=0x50"


@pytest.mark.parametrize(
    "part", [Part.KERNEL, Part.INITRD, Part.CMDLINE, Part.DTB, Part.ADD_OVERLAY]
)
def test_each_change_can_be_undone(part: Part) -> None:
    edit = write(part, "/other")
    assert is_edited(edit)
    assert undone(DEBIAN, edit, row(part, edit)) == NO_OVERRIDES


def test_an_option_by_hand_begins_empty() -> None:
    made = by_hand("sda1")
    assert [each.value for each in rows(made, NO_OVERRIDES)] == [""] * 6


@given(st.sampled_from(list(Part)), st.text(max_size=40))
def test_any_text_in_any_row_gives_rows_again(part: Part, text: str) -> None:
    edit = changed(DEBIAN, NO_OVERRIDES, row(part), text)
    assert {each.part for each in rows(DEBIAN, edit)} >= {Part.KERNEL, Part.CMDLINE, Part.TREE}
