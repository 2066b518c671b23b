"""The edit, tree and settings pages, the filter, noise and leaving, as the reducer sees them."""

from dataclasses import replace

import pytest

from bootd.protocol.messages import Overrides, Phase, TreePageView, TreeRowView
from bootd.protocol.methods import Browsing
from bootmenu.keys import Action
from bootmenu.state import (
    Boot,
    Browse,
    Browsed,
    Cancel,
    Chosen,
    Describe,
    Edited,
    Explain,
    Happening,
    LeaveMachine,
    MenuState,
    Noise,
    NotBrowsed,
    Page,
    Pressed,
    Request,
    SetTimeout,
    Settle,
    Settled,
    Typed,
    reduce,
)
from tests.support.menu_views import option, twenty, waiting

FIRST, SECOND = "bls:sda1:1", "bls:sda1:2"


@pytest.fixture
def menu() -> MenuState:
    return reduce(MenuState(), twenty())[0]


def do(state: MenuState, *happenings: Happening | Action) -> tuple[MenuState, tuple[Request, ...]]:
    """Return the state after everything, and the requests of the last step."""
    requests: tuple[Request, ...] = ()
    for each in happenings:
        happening = Pressed(action=each) if isinstance(each, Action) else each
        state, requests = reduce(state, happening)
    return state, requests


def text(words: str) -> list[Happening]:
    return [Typed(key=character, character=character) for character in words]


ENTER, ESC = Typed(key="enter"), Typed(key="escape")
TO_CMDLINE = (Action.EDIT, Action.DOWN, Action.DOWN, Action.BOOT)


def test_an_edited_command_line_is_booted(menu: MenuState) -> None:
    edited, asked = do(menu, *TO_CMDLINE, Typed(key="ctrl+u"), *text("single"), ENTER)
    edit = Overrides(options="single")
    assert asked == (Explain(id=FIRST, overrides=edit),)
    after, asked = do(edited, Action.BOOT_EDITED)
    assert asked == (Boot(id=FIRST, overrides=edit),)
    assert after.page is Page.MENU


def test_leaving_the_page_keeps_the_edit_for_enter_in_the_menu(menu: MenuState) -> None:
    edited, _ = do(menu, *TO_CMDLINE, *text(" debug"), ENTER, Action.BACK)
    assert edited.page is Page.MENU
    (boot,) = do(edited, Action.BOOT)[1]
    assert isinstance(boot, Boot)
    assert (boot.overrides.options or "").endswith("quiet debug")


def test_escape_leaves_a_line_as_it_was(menu: MenuState) -> None:
    assert do(menu, *TO_CMDLINE, *text("x"), ESC)[0].edits == {}


def test_everything_can_be_undone(menu: MenuState) -> None:
    edited, _ = do(menu, *TO_CMDLINE, *text("x"), ENTER)
    assert do(edited, Action.UNDO_ALL)[0].edits == {}
    assert do(edited, Action.UNDO)[0].edits == {}


def test_an_option_that_waits_may_be_tried_with_a_change(menu: MenuState) -> None:
    there = replace(menu, options=(waiting(1),))
    edit = Overrides(options="x")
    assert do(there, Action.BOOT)[1] == ()
    assert do(there, Edited(id=FIRST, edit=edit), Action.BOOT)[1] == (
        Boot(id=FIRST, overrides=edit),
    )


def test_a_new_option_is_made_on_the_device_under_the_cursor(menu: MenuState) -> None:
    made, _ = do(menu, Action.NEW, Action.BOOT, *text("/k"), ENTER)
    (boot,) = do(made, Action.BOOT_EDITED)[1]
    assert isinstance(boot, Boot)
    assert boot.id == "manual:sda1"
    assert boot.overrides.linux is not None


def test_the_filter_lists_options_while_it_is_typed(menu: MenuState) -> None:
    typed, _ = do(menu, Action.SEARCH, *text("6.1.0-13-"))
    assert [each.id for each in typed.listed] == ["bls:mmcblk0p2:13"]
    assert typed.highlighted is not None
    assert typed.highlighted.id == "bls:mmcblk0p2:13"
    kept, _ = do(typed, ENTER)
    assert do(kept, Action.BACK)[0].filter == ""


def page(asked: Browsing, count: int, total: int | None = None) -> Browsed:
    start = asked.offset
    rows = tuple(TreeRowView(path=f"/cpus/cpu@{n}", value="") for n in range(start, start + count))
    view = TreePageView(path=asked.path, rows=rows, total=total or count, summary="m", sha256="")
    return Browsed(asked=asked, page=view)


def test_the_tree_is_asked_for_node_by_node(menu: MenuState) -> None:
    opened, asked = do(menu, Action.TREE)
    first = Browsing(id=FIRST)
    assert asked == (Browse(asked=first),)
    shown, _ = do(opened, page(first, 3), Action.DOWN)
    inside, asked = do(shown, Action.BOOT)
    assert asked == (Browse(asked=replace(first, path="/cpus/cpu@1")),)
    assert do(inside, Action.OUT)[1] == (Browse(asked=replace(first, path="/cpus")),)


def test_more_rows_are_asked_for_when_the_cursor_comes_near(menu: MenuState) -> None:
    first = Browsing(id=FIRST)
    shown, _ = do(menu, Action.TREE, page(first, 64, 100))
    there, asked = do(shown, Action.END)
    more = replace(first, offset=64)
    assert asked == (Browse(asked=more),)
    full, _ = do(there, page(more, 36, 100))
    assert full.tree is not None
    assert len(full.tree.rows) == 100


def test_a_search_and_a_comparison_are_left_before_the_page(menu: MenuState) -> None:
    first = Browsing(id=FIRST)
    found, asked = do(menu, Action.TREE, page(first, 3), Action.SEARCH, *text("uart"), ENTER)
    assert asked == (Browse(asked=replace(first, find="uart")),)
    compared, asked = do(found, Action.COMPARE)
    assert asked == (Browse(asked=replace(first, against="shipped")),)
    back, asked = do(compared, Action.BACK)
    assert (back.page, asked) == (Page.TREE, (Browse(asked=first),))
    assert do(back, Action.BACK)[0].page is Page.MENU


def test_an_answer_to_an_older_question_is_dropped(menu: MenuState) -> None:
    opened, _ = do(menu, Action.TREE, page(Browsing(id=SECOND), 3))
    assert opened.tree is not None
    assert opened.tree.rows == ()


def test_why_there_is_no_tree_is_shown(menu: MenuState) -> None:
    first = Browsing(id=FIRST)
    failed, _ = do(menu, Action.TREE, NotBrowsed(asked=first, reason="It is no board."))
    assert failed.tree is not None
    assert failed.tree.problem == "It is no board."


def test_the_information_and_settings_pages_ask_for_the_machine(menu: MenuState) -> None:
    assert do(menu, Action.DETAILS)[1] == (Describe(),)
    assert do(menu, Action.SETTINGS)[1] == (Describe(),)


@pytest.mark.parametrize(("words", "seconds"), [("30", 30), ("never", None)])
def test_another_timeout_is_asked_for(menu: MenuState, words: str, seconds: int | None) -> None:
    assert do(menu, Action.TIMEOUT, *text(words), ENTER)[1] == (SetTimeout(seconds=seconds),)


@pytest.mark.parametrize("words", ["soon", "-1", "99999999999", "86401", "\u0663"])
def test_a_timeout_that_is_none_is_said(menu: MenuState, words: str) -> None:
    after, asked = do(menu, Action.TIMEOUT, *text(words), ENTER)
    assert asked == ()
    assert after.notice is not None


def test_leaving_the_machine_asks_once_more(menu: MenuState) -> None:
    once, asked = do(menu, Action.REBOOT)
    assert asked == ()
    assert do(once, Action.REBOOT)[1] == (LeaveMachine(action="reboot"),)
    assert do(once, Action.POWER_OFF)[1] == ()
    assert do(once, Action.DOWN, Action.REBOOT)[1] == ()


def test_enter_boots_nothing_but_the_default_while_the_line_is_noisy(menu: MenuState) -> None:
    noisy, asked = do(menu, Action.DOWN, Noise())
    assert asked == (Settle(),)
    refused, asked = do(noisy, Action.BOOT)
    assert asked == ()
    assert refused.notice is not None
    assert "noisy" in refused.notice.text
    chosen = do(noisy, Chosen(id="bls:sda1:3"))[1]
    assert not any(isinstance(request, Boot) for request in chosen)
    settled, _ = do(noisy, Settled())
    assert do(settled, Action.BOOT)[1] == (Boot(id=SECOND),)


def test_noise_does_not_leave_the_machine(menu: MenuState) -> None:
    noisy, _ = do(menu, Noise(), Action.POWER_OFF)
    assert do(noisy, Action.POWER_OFF)[1] == ()


def test_noise_stops_the_countdown_as_any_key_does(menu: MenuState) -> None:
    counting = replace(menu, status=replace(menu.status, seconds_left=5))
    assert do(counting, Noise())[1] == (Cancel(), Settle())


def test_what_is_pasted_into_a_line_is_no_noise(menu: MenuState) -> None:
    assert not do(menu, *TO_CMDLINE, Noise())[0].wary


def test_nothing_is_booted_while_a_load_is_under_way(menu: MenuState) -> None:
    loading = replace(menu, status=replace(menu.status, phase=Phase.LOADING))
    assert do(loading, Action.EDIT, Action.BOOT_EDITED)[1] == ()


def test_an_option_that_goes_away_leaves_an_empty_edit_page(menu: MenuState) -> None:
    gone = replace(do(menu, Action.EDIT)[0], options=(option(2),))
    assert gone.edited_option is None
    assert do(gone, Action.DOWN, Action.BOOT_EDITED)[1] == ()
