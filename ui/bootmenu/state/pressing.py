"""How keys change the menu."""

from dataclasses import replace
from typing import Final

from bootd.protocol.messages import Level, OptionView, Phase
from bootmenu.groups import in_order
from bootmenu.keys import Action
from bootmenu.state.menu import LogLine, MenuState, Page
from bootmenu.state.messages import Boot, Cancel, Leave, Redraw, Request, Rescan
from bootmenu.state.reports import Step, noticed

_PAGES: Final = {
    Action.DETAILS: Page.DETAILS,
    Action.LOG: Page.LOG,
    Action.HELP: Page.HELP,
}

_PARTS: Final = {"linux": "kernel", "devicetree": "device tree", "devicetreeOverlay": "overlay"}
"""What a person calls the parts of an option."""

_NOTHING: Final[tuple[Request, ...]] = ()


def pressed(state: MenuState, action: Action) -> Step:
    """Do what a key says; any key but an Enter that boots stops the countdown as well."""
    here = state.highlighted
    pinned = replace(state, cursor=here.id if here else None, notice=None)
    reading = state.notice is not None and action in {Action.BOOT, Action.BACK, Action.QUIT}
    after, requests = (pinned, _NOTHING) if reading else _act(pinned, action)
    if not state.connected:
        return replace(after, stops=True), requests
    boots = any(isinstance(request, Boot) for request in requests)
    if state.counting and not boots and Cancel() not in requests:
        requests = (Cancel(), *requests)
    return after, requests


def _act(state: MenuState, action: Action) -> Step:
    if action in _PAGES:
        return _to_page(state, _PAGES[action])
    match action:
        case Action.BACK | Action.QUIT | Action.LEAVE:
            return _back(state, action)
        case Action.BOOT:
            return boot(state) if state.page is Page.MENU else _to_page(state, Page.MENU)
        case Action.RESCAN:
            return _rescan(state)
        case Action.STOP:
            return state, (Cancel(),)
        case Action.REDRAW:
            return state, (Redraw(),)
        case _:
            return _moved(state, action), ()


def _to_page(state: MenuState, page: Page) -> Step:
    """Show a page; on the page itself its key goes back."""
    to = Page.MENU if state.page is page else page
    return replace(state, page=to, scroll=0), ()


def _back(state: MenuState, action: Action) -> Step:
    if state.page is not Page.MENU and action is not Action.LEAVE:
        return _to_page(state, Page.MENU)
    if action is Action.BACK:
        return state, (Cancel(),) if state.status.phase is Phase.LOADING else ()
    if state.may_leave:
        return state, (Leave(),)
    text = "This console always has its menu; it cannot be left."
    return replace(state, notice=LogLine(level=Level.INFO, text=text)), ()


def _rescan(state: MenuState) -> Step:
    if not state.connected:
        return noticed(state, LogLine(level=Level.ERROR, text=f"Cannot rescan: {state.link}")), ()
    return state, (Rescan(),)


def boot(state: MenuState) -> Step:
    """Ask for the boot of the option under the cursor, or say why not."""
    option = state.highlighted
    refusal = _why_not(state, option)
    if option is None or refusal:
        return noticed(state, LogLine(level=Level.ERROR, text=refusal)), ()
    return state, (Boot(id=option.id),)


def _why_not(state: MenuState, option: OptionView | None) -> str:
    if not state.connected:
        return f"Cannot boot: {state.link}"
    if option is None:
        return "There is nothing to boot yet."
    if state.status.phase is not Phase.MENU:
        return "An option is being loaded already; Esc stops it."
    reasons = why_not_bootable(option)
    return f"Cannot boot {option.title}: {'; '.join(reasons)}." if reasons else ""


def why_not_bootable(option: OptionView) -> tuple[str, ...]:
    """Return the reasons, without full stops, why an option cannot boot now; empty when it can."""
    waits = tuple(
        f"waits for {_PARTS.get(missing.what, missing.what)} {missing.path} on {missing.device}"
        for missing in option.missing
    )
    reasons = tuple(reason.rstrip(".") for reason in option.reasons)
    if option.bootable:
        return ()
    return waits + reasons or ("bootd gives no reason",)


def _moved(state: MenuState, action: Action) -> MenuState:
    if state.page is not Page.MENU:
        last = max(state.text_rows - state.page_rows, 0)
        return replace(state, scroll=min(max(state.scroll + _stride(state, action), 0), last))
    ids = [option.id for option in in_order(state.devices, state.options)]
    if not ids or state.cursor is None:
        return state
    index = ids.index(state.cursor) + _stride(state, action)
    return replace(state, cursor=ids[min(max(index, 0), len(ids) - 1)])


def _stride(state: MenuState, action: Action) -> int:
    """Return by how many lines or options a key moves; the ends are far away."""
    far = len(state.options) + state.text_rows
    strides = {
        Action.UP: -1,
        Action.DOWN: 1,
        Action.PAGE_UP: -state.page_rows,
        Action.PAGE_DOWN: state.page_rows,
        Action.HOME: -far,
        Action.END: far,
    }
    return strides.get(action, 0)
