"""What the plain face says: the difference of two states in lines. Pure.

Each change is one line, so that a screen reader, a log and an expect script can follow. Numbers are
given once and never again to another option.
"""

from typing import Final

from bootd.protocol.messages import OptionView, Phase, Status
from bootmenu.clean import clean, cut, escape
from bootmenu.groups import grouped, in_order
from bootmenu.state import LogLine, MenuState
from bootmenu.words import (
    LEVELS,
    device_trouble,
    device_words,
    machine_words,
    option_signs,
    option_trouble,
    option_words,
    status_words,
    tree_words,
)

MAX_COLUMNS: Final = 400
"""A line is cut here: sentences stay whole, hostile text does not fill the console."""

_TOLD_SECONDS: Final = frozenset({10, 5, 3, 2, 1})

Numbers = tuple[str, ...]
"""Ids of options; the number of an option is its place, counted from 1."""


def numbered(state: MenuState, numbers: Numbers) -> Numbers:
    """Return `numbers` with options that are new at the end, in the order of the menu."""
    known = set(numbers)
    new = (option.id for option in in_order(state.devices, state.options))
    return numbers + tuple(option_id for option_id in new if option_id not in known)


def listing(state: MenuState, numbers: Numbers) -> tuple[str, ...]:
    """Return the whole menu."""
    lines = [machine_words(state.status)]
    for group in grouped(state.devices, state.listed):
        trouble = "" if group.options else f" - {device_trouble(group.device)}"
        lines.append(f"  {device_words(group.device)}{trouble}")
        lines += [_option_line(state, option, numbers) for option in group.options]
    if state.filter:
        lines.append(f"  Only options with {clean(state.filter, 60)!r}; / lists all.")
    if not state.options:
        lines.append("  Nothing to boot yet; what is plugged in appears here.")
    lines.append("Type a number to boot it, s to stop the countdown, l to list, ? for help.")
    return tuple(cut(line, MAX_COLUMNS) for line in lines)


def announced(old: MenuState, new: MenuState, numbers: Numbers) -> tuple[str, ...]:
    """Return what has changed, a line each; `numbers` has every option of `new`."""
    lines = [
        *_options(old, new, numbers),
        *_status(old, new),
        *(f"{LEVELS[line.level]}{escape(line.text)}" for line in _new_log(old, new)),
    ]
    return tuple(cut(line, MAX_COLUMNS) for line in lines)


def tree_line(state: MenuState, numbers: Numbers) -> str:
    """Return which tree the option gets that the person is on, or "" while that is not known."""
    option = state.option(state.resting)
    if option is None or option.id not in state.explanations:
        return ""
    line = f"{_number(option.id, numbers)}) tree: {tree_words(state, option)}"
    return cut(line, MAX_COLUMNS)


def _option_line(state: MenuState, option: OptionView, numbers: Numbers) -> str:
    mark = "*" if option.id == state.status.default_id else " "
    trouble = option_trouble(option)
    reason = f" - {trouble}" if trouble else ""
    reason += option_signs(state, option)
    return f" {mark}{_number(option.id, numbers):>3}) {option_words(option)}{reason}"


def _number(option_id: str, numbers: Numbers) -> int:
    return numbers.index(option_id) + 1


def _options(old: MenuState, new: MenuState, numbers: Numbers) -> list[str]:
    before = {option.id: option for option in old.options}
    now = {option.id: option for option in new.options}
    gone = [
        f"- {_number(option_id, numbers)}) {option_words(option)} is gone"
        for option_id, option in before.items()
        if option_id not in now and option_id in numbers
    ]
    come = [
        f"+{_option_line(new, option, numbers)[1:]}"
        for option in in_order(new.devices, new.options)
        if option.id not in before
    ]
    other = [
        f"={_option_line(new, option, numbers)[1:]}"
        for option in in_order(new.devices, new.options)
        if option.id in before and option_trouble(before[option.id]) != option_trouble(option)
    ]
    return gone + come + other


def _status(old: MenuState, new: MenuState) -> list[str]:
    if new.connected and _is_told(old.status, new.status):
        return [status_words(new)]
    return []


def _is_told(old: Status, new: Status) -> bool:
    if new.phase is not old.phase:
        return new.phase is not Phase.MENU
    if new.phase is not Phase.MENU:
        return _tenths(old) != _tenths(new)
    if new.seconds_left is not None:
        started = old.seconds_left is None
        return started or (new.seconds_left in _TOLD_SECONDS and new != old)
    stopped = new.countdown_stopped_by
    # usually the daemon's message says it as well, and is told with the log
    return bool(stopped) and stopped != old.countdown_stopped_by and stopped not in new.message


def _tenths(status: Status) -> int | None:
    return None if status.progress is None else status.progress // 10


def _new_log(old: MenuState, new: MenuState) -> tuple[LogLine, ...]:
    if not old.log:
        return new.log
    for index in range(len(new.log) - 1, -1, -1):
        if new.log[index] is old.log[-1]:
            return new.log[index + 1 :]
    return new.log
