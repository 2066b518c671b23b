"""Why is nothing here? One device after another is asked about, those without options first."""

from dataclasses import replace

from bootd.protocol.machine import LookView
from bootd.protocol.messages import DeviceView, ProblemView
from bootmenu.keys import Action
from bootmenu.pages.table import draw
from bootmenu.state import (
    Happening,
    Inspect,
    Inspected,
    MenuState,
    NotInspected,
    Page,
    Pressed,
    Request,
    Wondered,
    reduce,
)
from tests.support.menu_views import twenty

EMPTY = DeviceView(
    name="sdb1",
    label="data",
    fstype="ext4",
    problems=(ProblemView(source="/boot/grub/grub.cfg", line=3, message="no such command"),),
)
LOOKS = (
    LookView(format="bls", path="/loader", found=False),
    LookView(format="grub", path="/boot/grub/grub.cfg", found=True),
)


def do(*happenings: Happening, state: MenuState | None = None) -> tuple[MenuState, list[Request]]:
    """Return the state after everything on a machine with an empty device, and all questions."""
    snapshot = replace(twenty(), devices=(*twenty().devices, EMPTY))
    after, _ = reduce(MenuState(), snapshot) if state is None else (state, ())
    asked: list[Request] = []
    for each in happenings:
        after, requests = reduce(after, each)
        asked += [request for request in requests if isinstance(request, Inspect)]
    return after, asked


def test_the_key_asks_about_every_device_one_at_a_time() -> None:
    state, asked = do(Pressed(action=Action.WHY))
    assert (state.page, asked) == (Page.DEVICES, [Inspect(device="sdb1")])
    state, asked = do(Inspected(device="sdb1", looks=LOOKS), state=state)
    assert asked == [Inspect(device="sda1")]
    state, asked = do(NotInspected(device="sda1", reason="sda1 is gone."), state=state)
    assert asked == [Inspect(device="mmcblk0p2")]
    state, asked = do(Inspected(device="mmcblk0p2", looks=()), state=state)
    assert (asked, state.wondering) == ([], ())


def test_the_key_goes_back_from_its_page_without_a_question() -> None:
    state, _ = do(Pressed(action=Action.WHY))
    after, asked = do(Pressed(action=Action.WHY), state=state)
    assert (after.page, asked) == (Page.MENU, [])


def test_one_device_can_be_asked_about() -> None:
    state, asked = do(Wondered(device="sda1"), Inspected(device="sda1", looks=LOOKS))
    assert asked == [Inspect(device="sda1")]
    assert state.wondering == ()


def test_the_page_says_what_is_there_what_came_of_it_and_what_is_not_there() -> None:
    state, _ = do(Pressed(action=Action.WHY), Inspected(device="sdb1", looks=LOOKS))
    lines = ["".join(run.text for run in line).rstrip() for line in draw(state, 80, 24)]
    assert lines[2:6] == [
        ' sdb1  "data"  ext4  disk',
        "   problem       /boot/grub/grub.cfg:3: no such command",
        "   grub          no boot option in /boot/grub/grub.cfg",
        "   not there     /loader",
    ]
    assert "   places        is being looked at ..." in lines


def test_a_device_that_cannot_be_looked_at_says_why() -> None:
    state, _ = do(Pressed(action=Action.WHY), NotInspected(device="sdb1", reason="Gone\x1b."))
    text = "\n".join("".join(run.text for run in line) for line in draw(state, 80, 24))
    assert "   not looked at Gone\\x1b." in text


def test_a_daemon_that_starts_anew_is_asked_anew() -> None:
    state, _ = do(Pressed(action=Action.WHY), Inspected(device="sdb1", looks=LOOKS), twenty())
    assert (dict(state.looks), state.wondering) == ({}, ())
