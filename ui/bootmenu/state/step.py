"""One step of the menu: a pure function from a state and a happening to the next state."""

from dataclasses import replace

from bootmenu.state.menu import MenuState
from bootmenu.state.messages import (
    Chosen,
    Disconnected,
    Explained,
    Failed,
    Happening,
    Loaded,
    Pointed,
    Pressed,
    Resized,
    Rest,
    Rested,
    Unexplained,
)
from bootmenu.state.pressing import boot, pressed
from bootmenu.state.reports import Step, answered, disconnected, reported, rested


def reduce(state: MenuState, happening: Happening) -> Step:
    """Return the state after something happened, and what to ask for."""
    after, requests = _step(state, happening)
    before, now = state.highlighted, after.highlighted
    if now is not None and (before is None or before.id != now.id):
        requests = (*requests, Rest(id=now.id))
    return after, requests


def _step(state: MenuState, happening: Happening) -> Step:
    match happening:
        case Pressed(action=action):
            return pressed(state, action)
        case Chosen(id=chosen):
            return boot(replace(state, cursor=chosen, notice=None))
        case Pointed(id=pointed):
            return replace(state, cursor=pointed), ()
        case Rested(id=option_id):
            return rested(state, option_id)
        case Explained() | Unexplained() | Loaded() | Failed():
            return answered(state, happening), ()
        case Resized(page_rows=rows, text_rows=text_rows):
            return replace(state, page_rows=max(rows, 1), text_rows=text_rows), ()
        case Disconnected(reason=reason):
            return disconnected(state, reason), ()
        case _:
            return reported(state, happening)
