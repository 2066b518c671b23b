"""The settings: what is kept for later boots and can be changed, and what the files say."""

from bootmenu.clean import clean, escape, wrap
from bootmenu.lines import Line, Run, Tone, plain
from bootmenu.pages.prompt import footer
from bootmenu.state import MenuState
from bootmenu.state.wishes import Row, rows

_NAME = 14
_HINTS = "Enter change  x forget  t countdown  Up Down  Esc back"
_PANE_ROWS = 2
_FRAME_ROWS = 1 + _PANE_ROWS + 2
"""Heading, the hint of a row, status, keys."""


def draw(state: MenuState, columns: int, screen_rows: int) -> tuple[Line, ...]:
    """Return the lines of the page."""
    height = text_rows(screen_rows)
    table = rows(state.status)
    here = min(state.setting_row, len(table) - 1)
    lines = text(state, columns, here=here)
    top = min(state.scroll, max(len(lines) - height, 0))
    shown = lines[top : top + height]
    more = f"  ({top + 1}-{top + len(shown)} of {len(lines)})" if len(lines) > height else ""
    return (
        (Run(f" Settings{more}", Tone.REVERSE),),
        *shown,
        *((),) * (height - len(shown)),
        *_pane(_notice(state) or table[here].hint, columns),
        *footer(state, columns, _HINTS),
    )


def text_rows(screen_rows: int) -> int:
    """Return how many lines of the page a screen shows."""
    return max(screen_rows - _FRAME_ROWS, 1)


def text(state: MenuState, columns: int, *, here: int | None = None) -> tuple[Line, ...]:
    """Return the whole text; `here` is the row with the cursor."""
    kept = escape(state.status.kept) or "nothing is said of where it is kept"
    lines: list[Line] = [(Run(" For later boots", Tone.BOLD),)]
    lines += [plain(f" {line}") for line in wrap(f"({kept})", columns - 2, 3)]
    for number, row in enumerate(rows(state.status)):
        lines += _row(state, row, number, columns, here=number == here)
    lines += [(), (Run(" For this run only", Tone.BOLD),)]
    lines.append(plain(f"     {'countdown':<{_NAME}} {_countdown(state)}  (t changes it)"))
    return (*lines, *_machine(state, columns))


def _row(state: MenuState, row: Row, number: int, columns: int, *, here: bool) -> list[Line]:
    value = _title(state, row.text) or f"({row.unset})"
    room = columns - _NAME - 7
    first, *more = wrap(value, room, 4)
    pointer = ">" if here else " "
    tone = Tone.REVERSE if here else Tone.PLAIN
    start = f" {pointer} {number + 1} {row.choice.value:<{_NAME}} "
    return [(Run(start + first, tone),), *(plain(" " * (_NAME + 6) + line) for line in more)]


def _title(state: MenuState, text: str) -> str:
    """Return an id with the title of its option, or the text itself."""
    option = state.option(text)
    return escape(text) if option is None else f"{clean(option.title)} [{escape(text)}]"


def _pane(text: str, columns: int) -> tuple[Line, ...]:
    lines = tuple(plain(f" {line}") for line in wrap(text, columns - 2, _PANE_ROWS))
    return lines + ((),) * (_PANE_ROWS - len(lines))


def _notice(state: MenuState) -> str:
    return "" if state.notice is None else escape(state.notice.text)


def _machine(state: MenuState, columns: int) -> tuple[Line, ...]:
    machine = state.machine
    if machine is None:
        return ((), plain(" bootd has not told its other settings."))
    allowed = ", ".join(clean(action) for action in machine.actions) or "none"
    lines: list[Line] = [plain(f"     {'allowed here':<{_NAME}} {allowed}")]
    lines += [(), (Run(" Consoles and network", Tone.BOLD),)]
    consoles = ", ".join(map(clean, machine.consoles)) or "unknown"
    lines.append(plain(f"     {'consoles':<{_NAME}} {consoles}"))
    for link in machine.network:
        words = f"{clean(link.state)} {clean(link.address)}".rstrip()
        lines.append(plain(f"     {clean(link.name, _NAME):<{_NAME}} {words}"))
    lines += [(), (Run(" From the files (bootd.conf(5)) and the kernel command line", Tone.BOLD),)]
    for setting in machine.settings:
        place = f"  ({escape(setting.place)})" if setting.place else "  (default)"
        first, *more = wrap(f"{escape(setting.value)}{place}", columns - _NAME - 6, 3)
        lines.append(plain(f"     {clean(setting.name, _NAME):<{_NAME}} {first}"))
        lines += [plain(" " * (_NAME + 6) + line) for line in more]
    return tuple(lines)


def _countdown(state: MenuState) -> str:
    status = state.status
    if status.seconds_left is not None:
        return f"{status.seconds_left} s left"
    if status.countdown_stopped_by:
        return f"stopped by {clean(status.countdown_stopped_by)}"
    return "does not run"
