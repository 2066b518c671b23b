"""What the daemon reports and answers, seen in the state."""

from dataclasses import replace

import pytest

from bootd.protocol.messages import (
    BootReply,
    DeviceChanged,
    DeviceRemoved,
    Explanation,
    Level,
    OptionChanged,
    OptionRemoved,
    Resync,
    Snapshot,
    Status,
    StatusChanged,
    TreeView,
)
from bootmenu.keys import Action
from bootmenu.state import (
    Cancel,
    Disconnected,
    Explain,
    Explained,
    Failed,
    Happening,
    Loaded,
    LogLine,
    MenuState,
    Pressed,
    Request,
    Rest,
    Rested,
    Unexplained,
    reduce,
)
from tests.support.menu_views import MMC, SDA1, option, twenty, waiting


def after(*happenings: Happening, state: MenuState | None = None) -> MenuState:
    result = state or MenuState()
    for happening in happenings:
        result, _ = reduce(result, happening)
    return result


def asked(state: MenuState, happening: Happening) -> tuple[Request, ...]:
    return reduce(state, happening)[1]


@pytest.fixture
def menu() -> MenuState:
    return after(twenty())


def highlighted(state: MenuState) -> str:
    assert state.highlighted is not None
    return state.highlighted.id


def test_the_first_report_connects(menu: MenuState) -> None:
    assert menu.connected
    assert len(menu.options) == 20


def test_the_cursor_begins_on_the_default(menu: MenuState) -> None:
    assert highlighted(menu) == "bls:sda1:1"


def test_until_a_key_the_cursor_follows_the_default(menu: MenuState) -> None:
    status = replace(menu.status, default_id="bls:sda1:7")
    assert highlighted(after(StatusChanged(status=status), state=menu)) == "bls:sda1:7"


def test_after_a_key_the_cursor_stays_where_the_person_is(menu: MenuState) -> None:
    status = replace(menu.status, default_id="bls:sda1:7")
    state = after(Pressed(action=Action.OTHER), StatusChanged(status=status), state=menu)
    assert highlighted(state) == "bls:sda1:1"


def test_an_option_that_another_client_selected_is_where_the_cursor_begins(menu: MenuState) -> None:
    status = replace(menu.status, selected_id="bls:mmcblk0p2:15")
    assert highlighted(after(StatusChanged(status=status), state=menu)) == "bls:mmcblk0p2:15"


def test_a_new_option_above_does_not_move_the_cursor_off_its_option(menu: MenuState) -> None:
    new = OptionChanged(option=option(99), position=0)
    state = after(Pressed(action=Action.DOWN), new, state=menu)
    assert state.options[0].id == "bls:sda1:99"
    assert highlighted(state) == "bls:sda1:2"


def test_when_the_option_under_the_cursor_goes_the_next_one_has_it(menu: MenuState) -> None:
    state = after(Pressed(action=Action.DOWN), OptionRemoved(id="bls:sda1:2"), state=menu)
    assert highlighted(state) == "bls:sda1:3"


def test_when_the_last_option_goes_the_one_above_has_the_cursor(menu: MenuState) -> None:
    state = after(Pressed(action=Action.END), OptionRemoved(id="bls:mmcblk0p2:20"), state=menu)
    assert highlighted(state) == "bls:mmcblk0p2:19"


def test_when_every_option_goes_nothing_is_highlighted() -> None:
    state = after(Snapshot(devices=(), options=(option(1),), status=Status()))
    state = after(Pressed(action=Action.DOWN), OptionRemoved(id="bls:sda1:1"), state=state)
    assert state.highlighted is None


def test_a_daemon_that_starts_anew_gives_the_cursor_back(menu: MenuState) -> None:
    state = after(
        Pressed(action=Action.PAGE_DOWN),
        Disconnected(reason="bootd ended."),
        Snapshot(devices=(), options=(), status=Status()),
        *(OptionChanged(option=entry, position=0) for entry in menu.options),
        state=menu,
    )
    assert highlighted(state) == "bls:mmcblk0p2:17"


def test_a_changed_option_takes_its_new_place(menu: MenuState) -> None:
    state = after(OptionChanged(option=option(3), position=0), state=menu)
    assert [entry.id for entry in state.options[:3]] == ["bls:sda1:3", "bls:sda1:1", "bls:sda1:2"]
    assert len(state.options) == 20


def test_a_position_past_the_end_is_the_end(menu: MenuState) -> None:
    state = after(OptionChanged(option=option(99), position=5000), state=menu)
    assert state.options[-1].id == "bls:sda1:99"


def test_devices_come_change_and_go() -> None:
    state = after(twenty(), DeviceChanged(device=replace(SDA1, state="failed")))
    assert [device.state for device in state.devices] == ["failed", "ready"]
    assert after(DeviceRemoved(name="sda1"), state=state).devices == (MMC,)


def test_a_resync_changes_nothing_until_the_next_snapshot(menu: MenuState) -> None:
    assert after(Resync(lost=3), state=menu) == menu


def test_what_was_known_stays_visible_while_the_daemon_is_away(menu: MenuState) -> None:
    state = after(Disconnected(reason="bootd is not running."), state=menu)
    assert not state.connected
    assert state.link == "bootd is not running."
    assert len(state.options) == 20


def test_the_same_reason_is_logged_once(menu: MenuState) -> None:
    gone = Disconnected(reason="bootd is not running.")
    assert len(after(gone, gone, gone, state=menu).log) == 1


def test_the_return_of_the_daemon_is_logged(menu: MenuState) -> None:
    state = after(Disconnected(reason="gone"), twenty(), state=menu)
    assert [line.text for line in state.log] == ["gone", "bootd answers again."]


def test_a_status_message_is_logged_once() -> None:
    status = Status(message="sda1: no file system", level=Level.WARNING)
    state = after(StatusChanged(status=status), StatusChanged(status=replace(status, probing=1)))
    assert state.log == (LogLine(level=Level.WARNING, text="sda1: no file system"),)


def test_the_log_forgets_its_oldest_lines() -> None:
    events = (StatusChanged(status=Status(message=f"line {n}")) for n in range(600))
    state = after(*events)
    assert len(state.log) == 500
    assert state.log[-1].text == "line 599"


def test_a_cursor_that_moves_asks_to_be_told_when_it_rests(menu: MenuState) -> None:
    assert asked(menu, Pressed(action=Action.DOWN)) == (Rest(id="bls:sda1:2"),)


def test_a_cursor_at_the_end_asks_nothing(menu: MenuState) -> None:
    state = after(Pressed(action=Action.END), state=menu)
    assert asked(state, Pressed(action=Action.DOWN)) == ()


def test_a_rest_asks_for_the_tree(menu: MenuState) -> None:
    assert asked(menu, Rested(id="bls:sda1:2")) == (Explain(id="bls:sda1:2"),)


def test_a_known_tree_is_not_asked_again(menu: MenuState) -> None:
    known = Explained(explanation=Explanation(option=option(2)))
    assert asked(after(known, state=menu), Rested(id="bls:sda1:2")) == ()


def test_an_option_that_cannot_boot_is_not_explained() -> None:
    state = after(Snapshot(devices=(), options=(waiting(1),), status=Status()))
    assert asked(state, Rested(id="bls:sda1:1")) == ()


def test_a_rest_on_an_option_that_has_gone_is_forgotten(menu: MenuState) -> None:
    assert reduce(menu, Rested(id="gone")) == (menu, ())


def test_a_changed_option_is_explained_again_if_the_pane_shows_it(menu: MenuState) -> None:
    known = Explained(explanation=Explanation(option=option(2)))
    state = after(Rested(id="bls:sda1:2"), known, state=menu)
    changed = OptionChanged(option=option(2, title="New"), position=1)
    assert asked(state, changed) == (Explain(id="bls:sda1:2"),)


def test_a_tree_that_cannot_be_told_has_the_daemons_sentence(menu: MenuState) -> None:
    state = after(Unexplained(id="bls:sda1:2", reason="sda1: did not answer."), state=menu)
    assert state.explanations["bls:sda1:2"].refused == "sda1: did not answer."


def test_a_sentence_about_an_option_that_has_gone_is_forgotten(menu: MenuState) -> None:
    assert after(Unexplained(id="gone", reason="x"), state=menu).explanations == {}


def test_a_failure_is_a_notice_and_in_the_log(menu: MenuState) -> None:
    state = after(Failed(reason="The kernel is for x86_64."), state=menu)
    assert state.notice == LogLine(level=Level.ERROR, text="The kernel is for x86_64.")
    assert state.log[-1] == state.notice


def test_a_dry_run_says_that_nothing_is_started(menu: MenuState) -> None:
    reply = BootReply(loader="dry_run", tree="merged", summary="merged", why="", executed=False)
    state = after(Loaded(reply=reply), state=menu)
    assert state.notice is not None
    assert "dry run" in state.notice.text


def test_a_report_does_not_take_a_notice_away(menu: MenuState) -> None:
    state = after(Failed(reason="No."), StatusChanged(status=Status(probing=1)), state=menu)
    assert state.notice is not None


def test_the_explanation_is_kept_by_option(menu: MenuState) -> None:
    tree = TreeView(origin="merged", summary="merged: x + 3 live facts")
    state = after(Explained(explanation=Explanation(option=option(4), tree=tree)), state=menu)
    assert state.explanations["bls:sda1:4"].tree == tree


def test_a_key_before_the_daemon_answers_stops_its_countdown_later() -> None:
    counting = replace(twenty(), status=Status(seconds_left=10))
    state = after(Pressed(action=Action.OTHER))
    assert Cancel() in asked(state, counting)
    assert Cancel() not in asked(after(counting, state=state), counting)


def test_a_failure_that_the_daemon_has_logged_is_not_logged_twice(menu: MenuState) -> None:
    logged = StatusChanged(status=Status(message="No room", level=Level.ERROR))
    state = after(logged, Failed(reason="No room."), state=menu)
    assert len(state.log) == 1
    assert state.notice is not None
