"""Keys, seen in the state and in what is asked of the daemon."""

from dataclasses import replace

import pytest

from bootd.protocol.messages import Level, Phase, Snapshot, Status
from bootmenu.keys import Action
from bootmenu.state import (
    Boot,
    Cancel,
    Chosen,
    Disconnected,
    Failed,
    Leave,
    MenuState,
    Page,
    Pointed,
    Pressed,
    Redraw,
    Rescan,
    Resized,
    reduce,
    why_not_bootable,
)
from tests.support.menu_views import option, twenty, waiting


@pytest.fixture
def menu() -> MenuState:
    return reduce(MenuState(), twenty())[0]


@pytest.fixture
def counting(menu: MenuState) -> MenuState:
    return replace(menu, status=replace(menu.status, seconds_left=9))


def press(state: MenuState, *actions: Action) -> MenuState:
    for action in actions:
        state, _ = reduce(state, Pressed(action=action))
    return state


def asked(state: MenuState, action: Action) -> set[object]:
    return set(reduce(state, Pressed(action=action))[1])


def highlighted(state: MenuState) -> str:
    assert state.highlighted is not None
    return state.highlighted.id


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ((Action.DOWN,), "bls:sda1:2"),
        ((Action.DOWN, Action.UP), "bls:sda1:1"),
        ((Action.UP,), "bls:sda1:1"),
        ((Action.PAGE_DOWN,), "bls:mmcblk0p2:17"),
        ((Action.PAGE_DOWN, Action.PAGE_DOWN), "bls:mmcblk0p2:20"),
        ((Action.END,), "bls:mmcblk0p2:20"),
        ((Action.END, Action.PAGE_UP), "bls:sda1:4"),
        ((Action.END, Action.HOME), "bls:sda1:1"),
    ],
)
def test_keys_move_the_cursor_and_stop_at_the_ends(
    menu: MenuState, actions: tuple[Action, ...], expected: str
) -> None:
    assert highlighted(press(menu, *actions)) == expected


@pytest.mark.parametrize("action", [action for action in Action if action is not Action.BOOT])
def test_any_key_but_enter_stops_the_countdown(counting: MenuState, action: Action) -> None:
    assert Cancel() in asked(counting, action)


@pytest.mark.parametrize("action", list(Action))
def test_no_key_stops_a_countdown_that_does_not_run(menu: MenuState, action: Action) -> None:
    assert Cancel() not in asked(menu, action) or action is Action.STOP


def test_a_key_that_stops_the_countdown_has_its_own_function_too(counting: MenuState) -> None:
    assert highlighted(press(counting, Action.DOWN)) == "bls:sda1:2"
    assert asked(counting, Action.RESCAN) == {Cancel(), Rescan()}


def test_enter_boots_and_asks_nothing(counting: MenuState) -> None:
    assert asked(press(counting, Action.DOWN), Action.BOOT) == {Boot(id="bls:sda1:2")}


def test_enter_on_an_option_that_waits_says_for_what_and_stops_the_countdown() -> None:
    snapshot = Snapshot(devices=(), options=(waiting(1),), status=Status(seconds_left=5))
    state = reduce(MenuState(), snapshot)[0]
    after, requests = reduce(state, Pressed(action=Action.BOOT))
    assert requests == (Cancel(),)
    assert after.notice is not None
    assert "waits for kernel /vmlinuz on UUID=1234-ABCD" in after.notice.text


def test_enter_with_nothing_to_boot_says_so() -> None:
    state = reduce(MenuState(), Snapshot(devices=(), options=(), status=Status()))[0]
    assert press(state, Action.BOOT).notice is not None
    assert asked(state, Action.BOOT) == set()


def test_enter_while_the_daemon_is_away_says_why(menu: MenuState) -> None:
    away = reduce(menu, Disconnected(reason="bootd is not running."))[0]
    after = press(away, Action.BOOT)
    assert after.notice is not None
    assert after.notice.text == "Cannot boot: bootd is not running."


def test_rescan_while_the_daemon_is_away_says_why(menu: MenuState) -> None:
    away = reduce(menu, Disconnected(reason="bootd is not running."))[0]
    assert asked(away, Action.RESCAN) == set()
    assert press(away, Action.RESCAN).notice is not None


def test_a_second_enter_while_loading_does_not_load_twice(menu: MenuState) -> None:
    loading = replace(menu, status=replace(menu.status, phase=Phase.LOADING))
    assert asked(loading, Action.BOOT) == set()
    assert press(loading, Action.BOOT).notice is not None


def test_escape_stops_a_load(menu: MenuState) -> None:
    loading = replace(menu, status=replace(menu.status, phase=Phase.LOADING))
    assert asked(loading, Action.BACK) == {Cancel()}


@pytest.mark.parametrize("action", [Action.BOOT, Action.BACK, Action.QUIT])
def test_keys_that_go_on_only_put_a_notice_away(menu: MenuState, action: Action) -> None:
    failed = reduce(menu, Failed(reason="No."))[0]
    after, requests = reduce(failed, Pressed(action=action))
    assert after.notice is None
    assert requests == ()


def test_an_enter_that_puts_a_notice_away_stops_the_countdown(counting: MenuState) -> None:
    failed = reduce(counting, Failed(reason="No."))[0]
    assert asked(failed, Action.BOOT) == {Cancel()}


def test_another_key_puts_a_notice_away_and_has_its_function(menu: MenuState) -> None:
    after = press(reduce(menu, Failed(reason="No."))[0], Action.DOWN)
    assert after.notice is None
    assert highlighted(after) == "bls:sda1:2"


@pytest.mark.parametrize(
    ("action", "page"),
    [(Action.DETAILS, Page.DETAILS), (Action.LOG, Page.LOG), (Action.HELP, Page.HELP)],
)
def test_a_page_opens_and_its_key_closes_it(menu: MenuState, action: Action, page: Page) -> None:
    assert press(menu, action).page is page
    assert press(menu, action, action).page is Page.MENU


@pytest.mark.parametrize("action", [Action.BACK, Action.QUIT, Action.BOOT])
def test_a_page_closes_without_leaving_or_booting(menu: MenuState, action: Action) -> None:
    page = press(menu, Action.HELP)
    assert press(page, action).page is Page.MENU
    assert asked(page, action) == set()


def test_a_page_scrolls_within_its_text(menu: MenuState) -> None:
    page = reduce(press(menu, Action.LOG), Resized(page_rows=10, text_rows=25))[0]
    assert press(page, Action.DOWN).scroll == 1
    assert press(page, Action.END).scroll == 15
    assert press(page, Action.END, Action.UP).scroll == 14
    assert press(page, Action.UP).scroll == 0


def test_q_leaves_the_menu(menu: MenuState) -> None:
    assert asked(menu, Action.QUIT) == {Leave()}


def test_escape_does_not_leave_the_menu(menu: MenuState) -> None:
    assert asked(menu, Action.BACK) == set()


def test_ctrl_c_leaves_from_any_page(menu: MenuState) -> None:
    assert asked(press(menu, Action.HELP), Action.LEAVE) == {Leave()}


@pytest.mark.parametrize("action", [Action.QUIT, Action.LEAVE])
def test_a_console_that_always_has_its_menu_keeps_it(menu: MenuState, action: Action) -> None:
    service = replace(menu, may_leave=False)
    assert asked(service, action) == set()
    notice = press(service, action).notice
    assert notice is not None
    assert notice.level is Level.INFO


def test_redraw_asks_for_it(menu: MenuState) -> None:
    assert asked(menu, Action.REDRAW) == {Redraw()}


def test_a_number_boots_its_option(menu: MenuState) -> None:
    after, requests = reduce(menu, Chosen(id="bls:sda1:5"))
    assert Boot(id="bls:sda1:5") in requests
    assert highlighted(after) == "bls:sda1:5"


def test_pointing_moves_the_cursor(menu: MenuState) -> None:
    assert highlighted(reduce(menu, Pointed(id="bls:sda1:5"))[0]) == "bls:sda1:5"


def test_an_option_without_a_reason_still_says_something() -> None:
    assert why_not_bootable(option(1, bootable=False)) == ("bootd gives no reason",)


def test_a_bootable_option_has_no_reasons() -> None:
    assert why_not_bootable(option(1)) == ()


@pytest.mark.parametrize("action", list(Action))
def test_every_key_is_safe_before_the_daemon_has_answered(action: Action) -> None:
    after, _ = reduce(MenuState(), Pressed(action=action))
    assert after.highlighted is None
