"""What the plain face says about a change."""

from dataclasses import replace

from bootd.protocol.messages import (
    Explanation,
    OptionChanged,
    OptionRemoved,
    Phase,
    Snapshot,
    Status,
    StatusChanged,
    TreeView,
)
from bootmenu.announce import Numbers, announced, listing, numbered, tree_line
from bootmenu.state import (
    Disconnected,
    Explained,
    Failed,
    Happening,
    MenuState,
    Rested,
    reduce,
)
from tests.support.menu_views import SDA1, option, twenty, waiting

MENU = reduce(MenuState(), twenty())[0]
NUMBERS = numbered(MENU, ())


def said(*happenings: Happening, state: MenuState = MENU, numbers: Numbers = NUMBERS) -> list[str]:
    lines: list[str] = []
    for happening in happenings:
        after, _ = reduce(state, happening)
        numbers = numbered(after, numbers)
        lines += announced(state, after, numbers)
        state = after
    return lines


def counting(seconds: int | None) -> MenuState:
    return replace(MENU, status=replace(MENU.status, seconds_left=seconds))


def test_the_list_has_numbers_and_a_star_for_the_default() -> None:
    lines = listing(MENU, NUMBERS)
    assert lines[2] == " *  1) Debian GNU/Linux 12 (bookworm) 1 (6.1.0-1-arm64)"
    assert lines[-2] == "   20) Debian GNU/Linux 12 (bookworm) 20 (6.1.0-20-arm64)"


def test_the_list_says_why_an_option_cannot_boot() -> None:
    state = reduce(MenuState(), Snapshot(devices=(SDA1,), options=(waiting(1),), status=Status()))[
        0
    ]
    assert "- waits for kernel /vmlinuz on UUID=1234-ABCD" in listing(state, numbered(state, ()))[2]


def test_an_empty_list_says_so() -> None:
    assert any("Nothing to boot yet" in line for line in listing(MenuState(), ()))


def test_a_new_option_is_one_line_with_the_next_number() -> None:
    new = OptionChanged(option=option(99, title="New", version=""), position=0)
    assert said(new) == ["+  21) New"]


def test_an_option_that_goes_is_one_line() -> None:
    assert said(OptionRemoved(id="bls:sda1:2")) == [
        "- 2) Debian GNU/Linux 12 (bookworm) 2 (6.1.0-2-arm64) is gone"
    ]


def test_an_option_that_comes_back_has_its_old_number() -> None:
    back = OptionChanged(option=option(2, title="Back", version=""), position=1)
    assert said(OptionRemoved(id="bls:sda1:2"), back)[-1] == "+   2) Back"


def test_an_option_that_can_boot_now_is_told() -> None:
    state = reduce(MENU, OptionChanged(option=waiting(2), position=1))[0]
    lines = said(OptionChanged(option=option(2), position=1), state=state)
    assert lines == ["=   2) Debian GNU/Linux 12 (bookworm) 2 (6.1.0-2-arm64)"]


def test_an_option_that_changes_otherwise_is_not_told() -> None:
    assert said(OptionChanged(option=option(2, notes=("x",)), position=1)) == []


def test_the_countdown_is_told_at_its_start_and_at_10_5_3_2_1() -> None:
    told = []
    for seconds in range(30, 0, -1):
        old = counting(None if seconds == 30 else seconds + 1)
        if announced(old, counting(seconds), NUMBERS):
            told.append(seconds)
    assert told == [30, 10, 5, 3, 2, 1]


def test_who_stopped_the_countdown_is_told_once() -> None:
    stopped = replace(MENU, status=replace(MENU.status, countdown_stopped_by="console ttyS0"))
    assert announced(MENU, stopped, NUMBERS) == ("Countdown stopped by console ttyS0.",)
    assert announced(stopped, stopped, NUMBERS) == ()


def test_progress_is_told_at_each_tenth() -> None:
    def loading(progress: int) -> MenuState:
        return replace(MENU, status=replace(MENU.status, phase=Phase.LOADING, progress=progress))

    lines = [announced(loading(n), loading(n + 1), NUMBERS) for n in range(100)]
    assert sum(map(len, lines)) == 10


def test_a_failure_is_told_as_an_error() -> None:
    assert said(Failed(reason="It does not fit.")) == ["Error: It does not fit."]


def test_a_daemon_that_is_away_is_told_once() -> None:
    gone = Disconnected(reason="bootd is not running.")
    assert said(gone, gone) == ["Warning: bootd is not running."]


def test_the_tree_is_told_when_it_is_known() -> None:
    tree = TreeView(origin="merged", summary="merged: x + 3 live facts")
    resting = reduce(MENU, Rested(id="bls:sda1:1"))[0]
    known = reduce(resting, Explained(explanation=Explanation(option=option(1), tree=tree)))[0]
    assert tree_line(resting, NUMBERS) == ""
    assert tree_line(known, NUMBERS) == "1) tree: merged: x + 3 live facts"


def test_hostile_text_is_escaped_and_the_line_cut() -> None:
    (line,) = said(Failed(reason="\x1b[2J" + "x" * 5000))
    assert line.startswith("Error: \\x1b[2J")
    assert len(line) == 400


def test_who_stopped_the_countdown_is_not_told_twice() -> None:
    by, message = "console ttyS0", "Countdown stopped by console ttyS0"
    status = replace(MENU.status, countdown_stopped_by=by, message=message)
    assert said(StatusChanged(status=status)) == ["Countdown stopped by console ttyS0"]
