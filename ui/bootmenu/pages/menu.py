"""The menu itself: devices with their options, a pane on one of them, and the daemon's status."""

from typing import Final

from bootd.protocol.messages import OptionView
from bootmenu.clean import cells, clean, cut, escape, wrap
from bootmenu.groups import Group, grouped
from bootmenu.keys import hints
from bootmenu.lines import Line, Run, Tone, plain
from bootmenu.pages.prompt import footer
from bootmenu.state import MenuState
from bootmenu.words import (
    LEVELS,
    device_trouble,
    device_words,
    machine_words,
    option_signs,
    option_trouble,
    option_words,
    tree_words,
)

_PANE_ROWS: Final = 4
_FRAME_ROWS: Final = 1 + 1 + _PANE_ROWS + 2
"""Heading, rule, pane, status, keys."""
_REASON_COLUMNS: Final = 34
"""What a title leaves for the reason why its option cannot boot."""


def list_rows(rows: int) -> int:
    """Return how many lines of a screen of `rows` lines the list has."""
    return max(rows - _FRAME_ROWS, 1)


def draw(state: MenuState, columns: int, rows: int) -> tuple[Line, ...]:
    """Return the lines of the menu, top to bottom."""
    height = list_rows(rows)
    listed, cursor = _list(state, columns)
    top = _top(cursor, len(listed), height)
    shown = listed[top : top + height]
    return (
        (Run(f" {machine_words(state.status)}", Tone.REVERSE),),
        *shown,
        *((),) * (height - len(shown)),
        _rule(state, columns),
        *_pane(state, columns),
        *footer(state, columns, hints()),
    )


def _top(cursor: int, total: int, height: int) -> int:
    """Return the first line shown: it moves by half a page, since scrolling repaints the list."""
    if total <= height:
        return 0
    stride = max(height // 2, 1)
    top = max(cursor - height // 4, 0) // stride * stride
    return min(top, total - height)


def _list(state: MenuState, columns: int) -> tuple[list[Line], int]:
    """Return all lines of the list, and the one with the cursor."""
    here = state.highlighted
    lines: list[Line] = []
    cursor = 0
    for group in shown_groups(state):
        lines.append((Run(f" {cut(device_words(group.device), columns - 2)}", Tone.BOLD),))
        for option in group.options:
            if option is here:
                cursor = len(lines)
            lines.append(_option_line(state, option, columns, highlighted=option is here))
        lines += _trouble_lines(group, columns)
    if not lines and state.filter:
        lines += [(), plain("   No option has this text; Esc shows all.")]
    if not lines:
        lines += [(), plain("   No devices yet: what is plugged in appears here.")]
    return lines, cursor


def shown_groups(state: MenuState) -> tuple[Group, ...]:
    """Return the devices to list: with a filter only those that have an option left."""
    groups = grouped(state.devices, state.listed)
    return tuple(group for group in groups if group.options) if state.filter else groups


def _trouble_lines(group: Group, columns: int) -> tuple[Line, ...]:
    if group.options and group.device.state == "ready":
        return ()
    trouble = wrap(device_trouble(group.device), columns - 7, 2)
    return tuple((Run(f"     {line}", Tone.DIM),) for line in trouble)


def _option_line(state: MenuState, option: OptionView, columns: int, *, highlighted: bool) -> Line:
    pointer = ">" if highlighted else " "
    mark = "*" if option.id == state.status.default_id else " "
    trouble = option_trouble(option)
    room = columns - 8 - (min(_REASON_COLUMNS, cells(trouble)) if trouble else 0)
    base = state.base_of(option)
    # of a saved option the name that a person gave it must not be what is cut
    name = clean(option.title.removeprefix(base.title)) if base is not option else ""
    signs = name + option_signs(state, option)
    words = cut(option_words(base), room - cells(signs)) + signs
    reason = f" - {trouble}" if trouble else ""
    text = cut(f" {pointer} {mark} {words}{reason}", columns - 1)
    if highlighted:
        return (Run(text, Tone.REVERSE),)
    return (Run(text, Tone.DIM if trouble else Tone.PLAIN),)


def _rule(state: MenuState, columns: int) -> Line:
    """Name the option of the pane: while the cursor moves on, the pane stays for a moment."""
    option = state.option(state.resting)
    name = f" {clean(option_words(option), columns - 20)} " if option else ""
    return (Run(f"--{name}".ljust(columns, "-")),)


def _pane(state: MenuState, columns: int) -> tuple[Line, ...]:
    lines = _notice(state, columns) if state.notice else _option_pane(state, columns)
    return lines + ((),) * (_PANE_ROWS - len(lines))


def _notice(state: MenuState, columns: int) -> tuple[Line, ...]:
    assert state.notice is not None  # noqa: S101 - its only caller has looked
    text = f"{LEVELS[state.notice.level]}{escape(state.notice.text)}"
    return tuple((Run(f" {line}", Tone.BOLD),) for line in wrap(text, columns - 2, _PANE_ROWS))


def _option_pane(state: MenuState, columns: int) -> tuple[Line, ...]:
    option = state.option(state.resting)
    if option is None:
        return ()
    cmdline = state.edit_of(option.id).options
    shown = escape(option.options if cmdline is None else cmdline) or "(none)"
    options = wrap(shown, columns - 11, 2)
    tree = wrap(tree_words(state, option), columns - 11, _PANE_ROWS - len(options))
    return (
        *_labelled("cmdline", options),
        *_labelled("tree", tree),
    )


def _labelled(label: str, lines: tuple[str, ...]) -> tuple[Line, ...]:
    names = (f"{label}:", *[""] * (len(lines) - 1))
    return tuple(plain(f" {name:<9}{line}") for name, line in zip(names, lines, strict=True))
