"""How what the daemon reports and answers changes the menu."""

from typing import assert_never

from bootd.protocol.messages import (
    DeviceChanged,
    DeviceRemoved,
    DeviceView,
    Event,
    Explanation,
    Level,
    OptionChanged,
    OptionRemoved,
    OptionView,
    Resync,
    Snapshot,
    Status,
    StatusChanged,
)
from bootd.record import replace
from bootmenu.groups import in_order
from bootmenu.state.menu import CONNECTING, MAX_LOG_LINES, LogLine, MenuState
from bootmenu.state.messages import Explained, Failed, Loaded, Unexplained
from bootmenu.state.requests import Cancel, Explain, Request

Step = tuple[MenuState, tuple[Request, ...]]


def reported(state: MenuState, event: Event) -> Step:
    """Take in one event of the daemon."""
    match event:
        case Snapshot():
            return _snapshot(state, event)
        case DeviceChanged(device=device):
            return replace(state, devices=_with_device(state.devices, device)), ()
        case DeviceRemoved(name=name):
            rest = tuple(device for device in state.devices if device.name != name)
            return replace(state, devices=rest), ()
        case OptionChanged(option=option, position=position):
            return _option_changed(state, option, position)
        case OptionRemoved(id=gone):
            return _option_removed(state, gone), ()
        case StatusChanged(status=status):
            return _with_status(state, status), ()
        case Resync():
            return state, ()
        case _:
            assert_never(event)


def _snapshot(state: MenuState, event: Snapshot) -> Step:
    after = replace(
        _with_status(state, event.status),
        connected=True,
        link="",
        devices=event.devices,
        options=event.options,
        explanations={},
        looks={},
        wondering=(),
        stops=False,
    )
    if not state.connected and state.link != CONNECTING:
        after = _logged(after, LogLine(level=Level.INFO, text="bootd answers again."))
    stop = (Cancel(),) if state.stops and after.counting else ()
    return after, (*stop, *_explain_again(after))


def _with_device(devices: tuple[DeviceView, ...], device: DeviceView) -> tuple[DeviceView, ...]:
    if any(known.name == device.name for known in devices):
        return tuple(device if known.name == device.name else known for known in devices)
    return (*devices, device)


def _option_changed(state: MenuState, option: OptionView, position: int) -> Step:
    others = [other for other in state.options if other.id != option.id]
    others.insert(max(position, 0), option)
    forgotten = {k: v for k, v in state.explanations.items() if k != option.id}
    after = replace(state, options=tuple(others), explanations=forgotten)
    return after, _explain_again(after) if option.id == state.resting else ()


def _option_removed(state: MenuState, gone: str) -> MenuState:
    cursor = _neighbour(state, gone) if state.cursor == gone else state.cursor
    rest = tuple(option for option in state.options if option.id != gone)
    forgotten = {k: v for k, v in state.explanations.items() if k != gone}
    return replace(state, options=rest, cursor=cursor, explanations=forgotten)


def _neighbour(state: MenuState, gone: str) -> str | None:
    """Return the option below one that goes, or the one above the last."""
    ids = [option.id for option in in_order(state.devices, state.options)]
    if gone not in ids or len(ids) == 1:
        return None
    index = ids.index(gone)
    return ids[index + 1] if index + 1 < len(ids) else ids[index - 1]


def _with_status(state: MenuState, status: Status) -> MenuState:
    after = replace(state, status=status)
    if status.message and status.message != state.status.message:
        after = _logged(after, LogLine(level=status.level, text=status.message))
    return after


def disconnected(state: MenuState, reason: str) -> MenuState:
    """Keep what was known, and say that it may be stale."""
    after = replace(state, connected=False, link=reason)
    if reason == state.link:
        return after
    return _logged(after, LogLine(level=Level.WARNING, text=reason))


def answered(state: MenuState, answer: Explained | Unexplained | Loaded | Failed) -> MenuState:
    """Take in the answer to a request."""
    match answer:
        case Explained(explanation=explanation, about=about):
            return _explained(state, about or explanation.option.id, explanation)
        case Unexplained(id=option_id, reason=reason):
            option = state.option(option_id)
            if option is None:
                return state
            return _explained(state, option_id, Explanation(option=option, refused=reason))
        case Loaded(reply=reply):
            done = (
                "Starting it now." if reply.executed else "Nothing is started: this is a dry run."
            )
            text = f"Loaded with {reply.loader} ({reply.summary}). {done}"
            return noticed(state, LogLine(level=Level.INFO, text=text))
        case Failed(reason=reason):
            return noticed(state, LogLine(level=Level.ERROR, text=reason))
        case _:
            assert_never(answer)


def _explained(state: MenuState, option_id: str, explanation: Explanation) -> MenuState:
    known = {**state.explanations, option_id: explanation}
    return replace(state, explanations=known)


def noticed(state: MenuState, line: LogLine) -> MenuState:
    """Show a line until a key, and keep it in the log."""
    return _logged(replace(state, notice=line), line)


def _logged(state: MenuState, line: LogLine) -> MenuState:
    """Add a line, unless it says what the last one said: the daemon logs what it answers."""
    if state.log and state.log[-1].text.rstrip(".") == line.text.rstrip("."):
        return state
    return replace(state, log=(*state.log, line)[-MAX_LOG_LINES:])


def rested(state: MenuState, option_id: str) -> Step:
    """Turn the pane to the option on which the cursor rests."""
    if state.option(option_id) is None:
        return state, ()
    after = replace(state, resting=option_id)
    return after, _explain_again(after)


def explaining(state: MenuState, option_id: str) -> Explain:
    """Return the question which tree an option gets, with what a person changed."""
    asked_id, changes = state.question(option_id)
    about = "" if asked_id == option_id else option_id
    return Explain(id=asked_id, overrides=changes, about=about)


def _explain_again(state: MenuState) -> tuple[Request, ...]:
    """Ask about the option in the pane, unless that is known or pointless."""
    option = state.option(state.resting)
    known = option is None or option.id in state.explanations or not option.bootable
    if option is not None and option.id in state.edits:
        known = option.id in state.explanations
    if known or option is None or not state.connected:
        return ()
    return (explaining(state, option.id),)
