"""Applying the events of a delta to the old state gives the new one, whatever changed."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bootd.model.option import OptionId, ResolvedOption
from bootd.model.problem import Problem
from bootd.protocol.events import event_to_json
from bootd.protocol.messages import (
    Event,
    OptionChanged,
    OptionRemoved,
    OptionView,
    Snapshot,
    Status,
    StatusChanged,
)
from bootd.protocol.varlink import MAX_MESSAGE_BYTES, Reply, encode_reply
from bootd.server import delta, views
from bootd.services.state import DevicePhase, DeviceState, MenuEntry, State
from tests.support.services import device, option


def entry(name: str, *, is_default: bool = False, cmdline: str = "ro") -> MenuEntry:
    resolved = ResolvedOption(
        id=OptionId(name), device="vda1", option=option(name, cmdline=cmdline)
    )
    return MenuEntry(resolved=resolved, is_default=is_default, is_selected=False)


def state(revision: int, *names: str, default: str = "", devices: str = "") -> State:
    return State(
        revision=revision,
        devices={n: DeviceState(device=device(n), phase=DevicePhase.READY) for n in devices},
        menu=tuple(entry(name, is_default=name == default) for name in names),
        status=Status(default_id=default or None),
    )


def apply(options: list[OptionView], events: list[Event]) -> list[OptionView]:
    """What a client does with events about options."""
    for event in events:
        match event:
            case Snapshot():
                options = list(event.options)
            case OptionChanged():
                options = [each for each in options if each.id != event.option.id]
                options.insert(event.position, event.option)
            case OptionRemoved():
                options = [each for each in options if each.id != event.id]
            case _:
                pass
    return options


NAMES = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8)


@given(old=NAMES, new=NAMES, default=st.sampled_from("abcdefgh"))
def test_events_lead_from_any_menu_to_any_other(
    old: list[str], new: list[str], default: str
) -> None:
    before, after = state(1, *old), state(2, *new, default=default)
    options = apply([], list(delta.beginning(before)))
    options = apply(options, list(delta.changes(before, after)))
    assert options == [views.option(each) for each in after.menu]


def test_a_new_option_at_the_front_is_one_event() -> None:
    before = state(1, "b", "c")
    after = replace(before, revision=2, menu=(entry("a"), *before.menu))
    (event,) = delta.changes(before, after)
    assert isinstance(event, OptionChanged)
    assert (event.option.id, event.position) == ("a", 0)


def test_a_device_appears_before_its_options_and_goes_after_them() -> None:
    empty, full = state(1), state(2, "a", devices="x")
    coming = [type(event).__name__ for event in delta.changes(empty, full)]
    assert coming == ["DeviceChanged", "OptionChanged"]
    going = [type(event).__name__ for event in delta.changes(full, empty)]
    assert going == ["OptionRemoved", "DeviceRemoved"]


def test_a_status_that_changed_is_the_last_event() -> None:
    before = state(1, "a")
    after = replace(before, revision=2, status=Status(message="new"))
    assert list(delta.changes(before, after)) == [StatusChanged(status=Status(message="new"))]


def test_a_state_that_shows_the_same_gives_no_event() -> None:
    before = state(1, "a", devices="x")
    assert list(delta.changes(before, replace(before, revision=2))) == []


def test_a_long_menu_comes_in_messages_below_the_limit_and_complete() -> None:
    menu = tuple(entry(f"{index:04}", cmdline="\x01" * 4096) for index in range(1000))
    long = replace(state(1), menu=menu)
    events = list(delta.beginning(long))
    sizes = [len(encode_reply(Reply(parameters=event_to_json(e, 0)))) for e in events]
    assert max(sizes) < MAX_MESSAGE_BYTES
    assert apply([], events) == [views.option(each) for each in menu]


def test_an_entry_that_would_burst_a_message_is_shown_by_name_with_the_reason() -> None:
    view = views.option(entry("huge", cmdline="x" * 1_000_000))
    assert (view.id, view.bootable, view.options) == ("huge", False, "")
    assert view.reasons[0].startswith("The entry is too large: it has 10000")


def test_a_device_with_very_many_problems_says_how_many_are_left_out() -> None:
    problems = tuple(Problem(source="/x" * 900, message="m" * 9000, line=n) for n in range(500))
    shown = views.device(DeviceState(device=device(), phase=DevicePhase.READY, problems=problems))
    assert len(shown.problems) == views.MAX_PROBLEMS + 1
    assert shown.problems[-1].message == "436 more problems are not shown"
    assert views.weigh(shown) * 6 < MAX_MESSAGE_BYTES
