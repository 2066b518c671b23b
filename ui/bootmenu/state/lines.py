"""How text that a person types changes the menu."""

from typing import assert_never

from bootd.protocol.messages import Level
from bootd.record import replace
from bootmenu.entry import Purpose, TypedLine, begin, typed
from bootmenu.state.browsing import found
from bootmenu.state.editing import field_typed
from bootmenu.state.menu import LogLine, MenuState
from bootmenu.state.remembering import named, setting_typed
from bootmenu.state.reports import Step, noticed
from bootmenu.state.requests import SetTimeout, Unlock
from bootmenu.state.wishes import MAX_TIMEOUT_S


def line_typed(state: MenuState, key: str, character: str) -> Step:
    """Take in a key of a line: Enter takes it over, Esc leaves everything as it was."""
    line = state.line
    if line is None:
        return state, ()
    match key:
        case "enter" | "ctrl+j":
            return line_given(replace(state, line=None), line)
        case "escape":
            after = replace(state, line=None)
            return replace(after, filter="") if line.purpose is Purpose.FILTER else after, ()
        case _:
            after = replace(state, line=typed(line, key, character))
            if line.purpose is Purpose.FILTER and after.line is not None:
                after = replace(after, filter=after.line.text)
            return after, ()


def timeout_typed(state: MenuState, text: str) -> Step:
    """Ask for another timeout: seconds, or `never`."""
    word = text.strip().lower()
    if word == "never":
        return state, (SetTimeout(seconds=None),)
    if word.isascii() and word.isdecimal() and int(word[:9]) <= MAX_TIMEOUT_S:
        return state, (SetTimeout(seconds=int(word)),)
    sentence = f"Type seconds (at most {MAX_TIMEOUT_S}) or never."
    return noticed(state, LogLine(level=Level.ERROR, text=sentence)), ()


def ask_passphrase(state: MenuState) -> Step:
    """Have the passphrase of the first locked disk typed."""
    if not any(device.locked for device in state.devices):
        return noticed(state, LogLine(level=Level.WARNING, text="No disk is locked.")), ()
    return replace(state, line=begin(Purpose.PASSPHRASE)), ()


def passphrase_typed(state: MenuState, text: str) -> Step:
    """Ask for the first locked disk to be opened; nothing typed opens nothing."""
    locked = next((device.name for device in state.devices if device.locked), "")
    if not locked or not text:
        return state, ()
    doing = LogLine(
        level=Level.WARNING, text=f"Opening {locked}: deriving the key takes a while ..."
    )
    return noticed(state, doing), (Unlock(device=locked, passphrase=text),)


def line_given(state: MenuState, line: TypedLine) -> Step:
    """Take over a whole line."""
    match line.purpose:
        case Purpose.FIELD:
            return field_typed(state, line.text)
        case Purpose.FILTER:
            return replace(state, filter=line.text), ()
        case Purpose.FIND:
            return found(state, line.text)
        case Purpose.NAME:
            return named(state, state.editing, line.text)
        case Purpose.SETTING:
            return setting_typed(state, line.text)
        case Purpose.TIMEOUT:
            return timeout_typed(state, line.text)
        case Purpose.PASSPHRASE:
            return passphrase_typed(state, line.text)
        case _:
            assert_never(line.purpose)
