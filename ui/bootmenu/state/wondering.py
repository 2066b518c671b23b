"""How the question "why is nothing here?" changes the menu.

One at a time: each answer has the device mounted anew, and a slow one must not hold up the others'
workers.
"""

from bootd.record import replace
from bootmenu.groups import grouped
from bootmenu.state.menu import MenuState
from bootmenu.state.messages import Inspected, NotInspected
from bootmenu.state.reports import Step
from bootmenu.state.requests import Inspect


def wondered(state: MenuState, device: str = "") -> Step:
    """Ask about one device, or about all: first about those that have no options."""
    names = (device,) if device else in_question(state)
    known = {name: looks for name, looks in state.looks.items() if name not in names}
    return _ask_next(replace(state, looks=known, wondering=names))


def in_question(state: MenuState) -> tuple[str, ...]:
    """Return the devices, those without options first."""
    groups = grouped(state.devices, state.options)
    return tuple(group.device.name for group in sorted(groups, key=lambda each: bool(each.options)))


def inspected(state: MenuState, answer: Inspected | NotInspected) -> Step:
    """Take in an answer, and ask about the next device."""
    found = answer.looks if isinstance(answer, Inspected) else answer.reason
    left = tuple(name for name in state.wondering if name != answer.device)
    looks = {**state.looks, answer.device: found}
    return _ask_next(replace(state, looks=looks, wondering=left))


def _ask_next(state: MenuState) -> Step:
    if not state.connected or not state.wondering:
        return replace(state, wondering=()), ()
    return state, (Inspect(device=state.wondering[0]),)
