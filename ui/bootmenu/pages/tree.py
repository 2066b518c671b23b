"""The tree page: nodes and properties of the tree that an option gets, each with its origin."""

from bootd.protocol.messages import TreeRowView
from bootmenu.clean import clean, cut, escape, wrap
from bootmenu.lines import Line, Run, Tone, plain
from bootmenu.pages.prompt import footer
from bootmenu.state import MenuState, TreeLook

_HINTS = "Enter open  Left up  / find  v compare  Esc back"
_PANE_ROWS = 7
_FRAME_ROWS = 1 + 1 + _PANE_ROWS + 2


def list_rows(rows: int) -> int:
    """Return how many lines of a screen the list has."""
    return max(rows - _FRAME_ROWS, 1)


def draw(state: MenuState, columns: int, rows: int) -> tuple[Line, ...]:
    """Return the lines of the page."""
    height = list_rows(rows)
    look = state.tree
    if look is None:
        return (
            (Run(" Device tree", Tone.REVERSE),),
            *((),) * (rows - 3),
            *footer(state, columns, _HINTS),
        )
    stride = max(height // 2, 1)
    top = 0
    if len(look.rows) > height:
        top = min(max(look.cursor - height // 4, 0) // stride * stride, len(look.rows) - height)
    listed = [
        _row_line(look, row, columns, here=index == look.cursor)
        for index, row in enumerate(look.rows[top : top + height], start=top)
    ] or [plain(f"   {line}") for line in wrap(_nothing(look), columns - 4, height)]
    return (
        (Run(f" {cut(heading(look), columns - 2)}", Tone.REVERSE),),
        *listed,
        *((),) * (height - len(listed)),
        (Run("-" * columns),),
        *_pane(look, columns),
        *footer(state, columns, _HINTS),
    )


def heading(look: TreeLook) -> str:
    """Return what the rows are."""
    asked = look.asked
    if asked.find:
        what = f'with "{clean(asked.find, 40)}"'
    elif asked.against:
        what = f"different from the {asked.against} tree"
    else:
        what = clean(asked.path, 200)
    count = f"{look.cursor + 1}/{look.total}" if look.total else ""
    return f"Device tree {what}  {count}  {escape(look.summary)}"


def row_words(look: TreeLook, row: TreeRowView) -> str:
    """Return a row in one line: a sign for what differs from the shipped tree, name, value."""
    sign = _sign(row)
    name = escape(row.path if not row.property else f"{row.path}: {row.property}")
    if not (look.asked.find or look.asked.against):
        name = escape(row.property) if row.property else f"{escape(row.path.rpartition('/')[2])}/"
    if row.value is None:
        return f"{sign} {name} (not there)"
    value = f" = {escape(row.value)}" if row.value and row.property else ""
    return f"{sign} {name}{value}"


def _sign(row: TreeRowView) -> str:
    if row.value is None:
        return "-"
    if not row.rule:
        return " "
    return "+" if row.shipped is None else "~"


def row_details(row: TreeRowView) -> tuple[tuple[str, str], ...]:
    """Return what is known of a row beside its value: labels and sentences."""
    origin = f"{clean(row.source)} ({clean(row.rule)})" if row.rule else clean(row.source)
    reason = f"{origin}: {escape(row.reason)}" if row.reason else origin
    if not row.property:
        return (("from", reason),)
    return (
        ("value", _shown(row.value)),
        ("from", reason),
        ("shipped", "the same" if row.shipped == row.value else _shown(row.shipped)),
        ("live", "the same" if row.live == row.value else _shown(row.live)),
    )


def _shown(value: str | None) -> str:
    if value is None:
        return "not there"
    return escape(value) or "(no value: it is only there or not)"


def _row_line(look: TreeLook, row: TreeRowView, columns: int, *, here: bool) -> Line:
    origin = "" if row.source == "shipped" or not row.rule else f" [{clean(row.source, 12)}]"
    text = cut(f" {'>' if here else ' '} {row_words(look, row)}", columns - 1 - len(origin))
    tone = Tone.REVERSE if here else (Tone.BOLD if not row.property else Tone.PLAIN)
    return (Run(text + origin, tone),)


def _nothing(look: TreeLook) -> str:
    if look.waiting:
        return "Making the tree ..."
    if look.problem:
        return escape(look.problem)
    return "There is nothing." if not look.asked.against else "There is no difference."


def _pane(look: TreeLook, columns: int) -> tuple[Line, ...]:
    if look.cursor >= len(look.rows):
        return ((),) * _PANE_ROWS
    row = look.rows[look.cursor]
    lines = [plain(f" {line}") for line in wrap(escape(row.path), columns - 2, 1)]
    for label, text in row_details(row):
        left = _PANE_ROWS - len(lines)
        wrapped = wrap(text, columns - 11, 2 if left > 3 else 1) or ("",)
        names = (f"{label}:", *[""] * (len(wrapped) - 1))
        lines += [plain(f" {name:<9}{line}") for name, line in zip(names, wrapped, strict=True)]
    return tuple(lines[:_PANE_ROWS]) + ((),) * (_PANE_ROWS - len(lines))
