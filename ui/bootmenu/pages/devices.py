"""Why is nothing here? Each device with what bootd looked at on it, those without options first."""

from bootd.protocol.machine import LookView
from bootd.protocol.messages import DeviceView
from bootmenu.clean import clean, escape, wrap
from bootmenu.lines import Line, Run, Tone, plain
from bootmenu.state import MenuState, in_question
from bootmenu.words import device_words, problem_words

_NAME = 13
_MAX_ROWS = 40


def text(state: MenuState, columns: int) -> tuple[Line, ...]:
    """Return the whole text."""
    devices = {device.name: device for device in state.devices}
    lines = [
        line
        for name in in_question(state)
        for line in device_text(state, devices.get(name, DeviceView(name=name)), columns)
    ]
    return tuple(lines) or (plain(" There are no devices."),)


def device_text(state: MenuState, device: DeviceView, columns: int) -> tuple[Line, ...]:
    """Return what is known of one device."""
    lines: list[Line] = [(), (Run(f" {device_words(device)}", Tone.BOLD),)]
    for label, sentence in _rows(state, device):
        first, *more = wrap(sentence or "-", columns - _NAME - 4, _MAX_ROWS)
        lines.append(plain(f"   {clean(label, _NAME):<{_NAME}} {first}"))
        lines += [plain(" " * (_NAME + 4) + line) for line in more]
    return tuple(lines)


def _rows(state: MenuState, device: DeviceView) -> list[tuple[str, str]]:
    """Return labels and sentences."""
    counts: dict[str, int] = {}
    for option in state.options:
        if option.device == device.name:
            counts[option.format] = counts.get(option.format, 0) + 1
    rows = [("problem", problem_words(problem)) for problem in device.problems]
    looks = state.looks.get(device.name)
    if isinstance(looks, str):
        return [*rows, ("not looked at", escape(looks))]
    if looks is None:
        waiting = "is being looked at ..." if device.name in state.wondering else "not asked yet"
        return [*rows, ("places", waiting)]
    formats = dict.fromkeys(look.format for look in looks)
    found = [(name, _sentence(name, looks, counts)) for name in formats]
    nowhere = [name for name, sentence in found if not sentence]
    rows += [(name, sentence) for name, sentence in found if sentence]
    if nowhere:
        places = dict.fromkeys(escape(look.path) for look in looks if look.format in nowhere)
        # in full only where somebody wonders: it is half a screen
        rows.append(("not there", f"{len(places)} other place(s)" if counts else ", ".join(places)))
    return rows


def _sentence(name: str, looks: tuple[LookView, ...], counts: dict[str, int]) -> str:
    """Return what is said of a format of which something is there, or ""."""
    there = [escape(look.path) for look in looks if look.format == name and look.found]
    count = counts.get(name, 0)
    if not there and not count:
        return ""
    what = "no boot option" if count == 0 else f"{count} option{'' if count == 1 else 's'}"
    return f"{what} in {', '.join(there)}" if there else what
