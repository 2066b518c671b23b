"""The edit page: what a person may change before a boot, with what the entry says."""

from bootd.protocol.messages import OptionView
from bootmenu.clean import cut, escape, wrap
from bootmenu.edits import BY_HAND, Part, Row, rows
from bootmenu.lines import Line, Run, Tone, plain
from bootmenu.pages.prompt import footer
from bootmenu.state import MenuState
from bootmenu.words import LEVELS, option_words, tree_words

_HINTS = "Enter change  b boot  u undo  U undo all  x take out  s save as  Esc back"
_LABEL = 9
_FRAME_ROWS = 6
"""Heading, two lines on the tree, a note, status, keys."""

_HEADINGS = {
    Part.ADD_INITRD: "(Enter adds one)",
    Part.ADD_OVERLAY: "(Enter adds one: PATH NAME=VALUE,...)",
    Part.TREE: "as the entry says: merged if a DTB fits",
}


def draw(state: MenuState, columns: int, screen_rows: int) -> tuple[Line, ...]:
    """Return the lines of the page."""
    option = state.edited_option
    if option is None:
        gone = (Run(" Edit", Tone.REVERSE),)
        return (gone, plain(" The option is gone."), *footer(state, columns, _HINTS))
    edit = state.edit_of(option.id)
    height = max(screen_rows - _FRAME_ROWS, 1)
    listed: list[Line] = []
    folder = option.devicetree_dir
    dtb = f"(chosen from {escape(folder.path)})" if folder else "(none)"
    top = bottom = 0
    table = rows(state.base_of(option), edit)
    for index, row in enumerate(table):
        here = index == min(state.edit_row, len(table) - 1)
        if here:
            top = len(listed)
        listed += _row_lines(row, columns, dtb, here=here)
        if here:
            bottom = len(listed)
    start = max(min(top, bottom - height), 0) if bottom > height else 0
    shown = listed[start : start + height]
    changes = _changes(state, option)
    nothing_yet = option.id.startswith(BY_HAND) and edit.linux is None
    pane = () if nothing_yet else wrap(f"tree: {tree_words(state, option)}", columns - 2, 2)
    if state.notice is not None:
        pane = wrap(f"{LEVELS[state.notice.level]}{escape(state.notice.text)}", columns - 2, 2)
    return (
        (Run(f" Edit {cut(option_words(option), columns - 40)} - {changes}", Tone.REVERSE),),
        *shown,
        *((),) * (height - len(shown)),
        (Run("-" * columns),),
        *(plain(f" {line}") for line in pane),
        *((),) * (2 - len(pane)),
        *footer(state, columns, _HINTS),
    )


def _changes(state: MenuState, option: OptionView) -> str:
    if option.id in state.edits:
        return "changed further" if option.base_id else "changed; for this boot only"
    return "saved changes" if option.base_id else "nothing is changed"


def _row_lines(row: Row, columns: int, dtb: str, *, here: bool) -> list[Line]:
    mark = "*" if row.was is not None else " "
    box = "" if row.checked is None else ("[x] " if row.checked else "[ ] ")
    value = escape(row.value) or _HEADINGS.get(row.part, dtb if row.part is Part.DTB else "(none)")
    room = columns - _LABEL - 6
    first, *more = wrap(f"{box}{value}", room, 6)
    pointer = ">" if here else " "
    tone = Tone.REVERSE if here else Tone.PLAIN
    lines: list[Line] = [(Run(f" {pointer}{mark} {row.label:<{_LABEL}} {first}", tone),)]
    lines += [(Run(" " * (_LABEL + 5) + line, tone),) for line in more]
    if row.was is not None:
        was = escape(row.was) or ("as the entry says" if row.part is Part.TREE else "(none)")
        lines += [
            (Run(" " * (_LABEL + 5) + line, Tone.DIM),) for line in wrap(f"was: {was}", room, 3)
        ]
    return lines
