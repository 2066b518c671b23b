"""The settings: what is in force, what set it, and what can be changed for this run."""

from bootmenu.clean import clean, escape, wrap
from bootmenu.lines import Line, Run, Tone, plain
from bootmenu.state import MenuState

_NAME = 14


def text(state: MenuState, columns: int) -> tuple[Line, ...]:
    """Return the whole text."""
    machine = state.machine
    if machine is None:
        return (plain(" bootd has not told its settings."),)
    lines: list[Line] = [(), (Run(" Settings of bootd", Tone.BOLD),)]
    for setting in machine.settings:
        place = f"  ({escape(setting.place)})" if setting.place else "  (default)"
        first, *more = wrap(f"{escape(setting.value)}{place}", columns - _NAME - 4, 3)
        lines.append(plain(f"   {clean(setting.name, _NAME):<{_NAME}} {first}"))
        lines += [plain(" " * (_NAME + 4) + line) for line in more]
    lines += [(), (Run(" For this run only", Tone.BOLD),)]
    lines.append(plain(f"   {'countdown':<{_NAME}} {_countdown(state)}  (t changes it)"))
    allowed = ", ".join(clean(action) for action in machine.actions) or "none"
    lines.append(plain(f"   {'allowed here':<{_NAME}} {allowed}"))
    advice = "To change a setting for good: a file in /etc/bootd.conf.d/, see bootd.conf(5)."
    return (*lines, (), *(plain(f" {line}") for line in wrap(advice, columns - 2, 3)))


def _countdown(state: MenuState) -> str:
    status = state.status
    if status.seconds_left is not None:
        return f"{status.seconds_left} s left"
    if status.countdown_stopped_by:
        return f"stopped by {clean(status.countdown_stopped_by)}"
    return "does not run"
