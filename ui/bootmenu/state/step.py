"""One step of the menu: a pure function from a state and a happening to the next state."""

from typing import assert_never

from bootd.record import replace
from bootmenu.entry import begin
from bootmenu.state.browsing import ask_tree, browsed
from bootmenu.state.editing import with_edit
from bootmenu.state.lines import line_given, line_typed
from bootmenu.state.menu import MenuState
from bootmenu.state.messages import (
    Browsed,
    Chosen,
    Described,
    Disconnected,
    Edited,
    Entered,
    Explained,
    Failed,
    Happening,
    Inspected,
    Kept,
    Loaded,
    Looked,
    Named,
    Noise,
    NotBrowsed,
    NotInspected,
    Pointed,
    Pressed,
    Resized,
    Rested,
    Settled,
    Typed,
    Unexplained,
    Wished,
    Wondered,
)
from bootmenu.state.pressing import boot, pressed
from bootmenu.state.remembering import kept, named, wished
from bootmenu.state.reports import Step, answered, disconnected, reported, rested
from bootmenu.state.requests import Cancel, Rest, Settle
from bootmenu.state.wondering import inspected, wondered


def reduce(state: MenuState, happening: Happening) -> Step:
    """Return the state after something happened, and what to ask for."""
    after, requests = _step(state, happening)
    before, now = state.highlighted, after.highlighted
    if now is not None and (before is None or before.id != now.id):
        requests = (*requests, Rest(id=now.id))
    return after, requests


def _step(state: MenuState, happening: Happening) -> Step:
    match happening:
        case Pressed() | Typed() | Noise() | Chosen() | Pointed():
            return _acted(state, happening)
        case Entered() | Looked() | Edited() | Wondered() | Named() | Wished():
            return _commanded(state, happening)
        case Explained() | Unexplained() | Loaded() | Failed():
            return answered(state, happening), ()
        case Browsed() | NotBrowsed() | Kept() | Inspected() | NotInspected() | Described():
            return _answered(state, happening)
        case Settled() | Rested() | Resized() | Disconnected():
            return _passed(state, happening)
        case _:
            return reported(state, happening)


def _answered(
    state: MenuState,
    happening: Browsed | NotBrowsed | Kept | Inspected | NotInspected | Described,
) -> Step:
    """Take in the answer to a question about one page."""
    match happening:
        case Browsed() | NotBrowsed():
            return browsed(state, happening), ()
        case Kept():
            return kept(state, happening), ()
        case Inspected() | NotInspected():
            return inspected(state, happening)
        case Described(machine=machine):
            return replace(state, machine=machine), ()
        case _:
            assert_never(happening)


def _commanded(
    state: MenuState, happening: Entered | Looked | Edited | Wondered | Named | Wished
) -> Step:
    """Take in what a person says in a line."""
    match happening:
        case Entered(purpose=purpose, text=text):
            return line_given(state, begin(purpose, text))
        case Looked(asked=asked):
            return ask_tree(state, asked)
        case Edited(id=edited, edit=edit):
            return with_edit(state, edited, edit)
        case Wondered(device=device):
            return wondered(state, device)
        case Named(id=option_id, name=name):
            return named(state, option_id, name)
        case Wished(wish=wish):
            return wished(state, wish)
        case _:
            assert_never(happening)


def _acted(state: MenuState, happening: Pressed | Typed | Noise | Chosen | Pointed) -> Step:
    """Take in what comes from the terminal."""
    match happening:
        case Pressed(action=action):
            return pressed(state, action)
        case Typed(key=key, character=character):
            return line_typed(state, key, character)
        case Noise():
            return _noisy(state)
        case Chosen(id=chosen):
            pointed_at = replace(state, cursor=chosen, notice=None, filter="")
            return boot(pointed_at, replace(state, editing=chosen).edited_option)
        case Pointed(id=pointed):
            return replace(state, cursor=pointed), ()
        case _:
            assert_never(happening)


def _passed(state: MenuState, happening: Settled | Rested | Resized | Disconnected) -> Step:
    """Take in what happens by itself."""
    match happening:
        case Settled():
            return replace(state, wary=False), ()
        case Rested(id=option_id):
            return rested(state, option_id)
        case Resized(page_rows=rows, text_rows=text_rows):
            return replace(state, page_rows=max(rows, 1), text_rows=text_rows), ()
        case Disconnected(reason=reason):
            return disconnected(state, reason), ()
        case _:
            assert_never(happening)


def _noisy(state: MenuState) -> Step:
    """Distrust Enter for a while; what a person pastes into a line is no noise."""
    if state.line is not None:
        return state, ()
    stop = (Cancel(),) if state.counting else ()
    return replace(state, wary=True), (*stop, Settle())
