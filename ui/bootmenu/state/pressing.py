"""How keys change the menu."""

from collections.abc import Callable, Mapping
from typing import Final

from bootd.protocol.messages import Level, OptionView, Phase
from bootd.record import replace
from bootmenu.entry import Purpose, begin
from bootmenu.groups import in_order
from bootmenu.keys import Action
from bootmenu.state.browsing import open_tree, tree_pressed
from bootmenu.state.editing import edit_pressed, open_editor, open_new
from bootmenu.state.lines import ask_passphrase
from bootmenu.state.menu import LogLine, MenuState, Page
from bootmenu.state.remembering import (
    forget,
    open_save,
    setting_pressed,
    toggle_default,
    toggle_once,
)
from bootmenu.state.reports import Step, noticed
from bootmenu.state.requests import (
    Boot,
    Cancel,
    Describe,
    Leave,
    LeaveMachine,
    OpenShell,
    Redraw,
    Request,
    Rescan,
)
from bootmenu.state.wondering import wondered

_PAGES: Final = {
    Action.DETAILS: Page.DETAILS,
    Action.LOG: Page.LOG,
    Action.HELP: Page.HELP,
    Action.SETTINGS: Page.SETTINGS,
}

_OWN_KEYS: Final[Mapping[Page, Callable[[MenuState, Action], Step | None]]] = {
    Page.EDIT: edit_pressed,
    Page.TREE: tree_pressed,
    Page.SETTINGS: setting_pressed,
}
"""Pages on which keys mean something of their own; what these leave is as everywhere."""

_LEAVING: Final = {
    Action.REBOOT: ("reboot", "restart this machine"),
    Action.POWER_OFF: ("powerOff", "switch this machine off"),
}

_PARTS: Final = {"linux": "kernel", "devicetree": "device tree", "devicetreeOverlay": "overlay"}
"""What a person calls the parts of an option."""

_NOTHING: Final[tuple[Request, ...]] = ()


def pressed(state: MenuState, action: Action) -> Step:
    """Do what a key says; any key but an Enter that boots stops the countdown as well."""
    here = state.highlighted
    pinned = replace(state, cursor=here.id if here else None, notice=None)
    pinned = replace(pinned, confirm=None)
    reading = state.notice is not None and action in {Action.BOOT, Action.BACK, Action.QUIT}
    if action in _LEAVING and not reading:
        return _stopping(state, _leave_machine(pinned, action, again=state.confirm is action))
    if action is Action.FORGET and not reading:
        return _stopping(state, forget(pinned, again=state.confirm is action))
    after, requests = (pinned, _NOTHING) if reading else _act(pinned, action)
    return _stopping(state, (after, requests))


def _stopping(state: MenuState, step: Step) -> Step:
    """Stop the countdown too, unless the step boots."""
    after, requests = step
    if not state.connected:
        return replace(after, stops=True), requests
    boots = any(isinstance(request, Boot) for request in requests)
    if state.counting and not boots and Cancel() not in requests:
        requests = (Cancel(), *requests)
    return after, requests


def _act(state: MenuState, action: Action) -> Step:
    own = _OWN_KEYS.get(state.page)
    done = None if own is None else own(state, action)
    if done is not None:
        return done
    if action in _PAGES:
        return _to_page(state, _PAGES[action])
    if action in _FUNCTIONS:
        return _FUNCTIONS[action](state)
    if action in {Action.BACK, Action.QUIT, Action.LEAVE}:
        return _back(state, action)
    return _moved(state, action), ()


def _to_page(state: MenuState, page: Page) -> Step:
    """Show a page; on the page itself its key goes back."""
    to = Page.MENU if state.page is page else page
    asks = to in {Page.DETAILS, Page.SETTINGS} and state.connected
    return replace(state, page=to, scroll=0), (Describe(),) if asks else ()


def _back(state: MenuState, action: Action) -> Step:
    if state.page is not Page.MENU and action is not Action.LEAVE:
        return _to_page(state, Page.MENU)
    if state.filter and action is Action.BACK:
        return replace(state, filter=""), ()
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


def _shell(state: MenuState) -> Step:
    if not state.connected:
        return noticed(state, LogLine(level=Level.ERROR, text=f"No shell: {state.link}")), ()
    return state, (OpenShell(),)


def _enter(state: MenuState) -> Step:
    return boot(state) if state.page is Page.MENU else _to_page(state, Page.MENU)


def _edit(state: MenuState) -> Step:
    return _to_page(state, Page.MENU) if state.page is Page.EDIT else open_editor(state)


def _tree(state: MenuState) -> Step:
    return _to_page(state, Page.MENU) if state.page is Page.TREE else open_tree(state)


def _why(state: MenuState) -> Step:
    after, requests = _to_page(state, Page.DEVICES)
    return (after, requests) if after.page is Page.MENU else wondered(after)


def _stop(state: MenuState) -> Step:
    return state, (Cancel(),)


def _redraw(state: MenuState) -> Step:
    return state, (Redraw(),)


def _ask_timeout(state: MenuState) -> Step:
    return replace(state, line=begin(Purpose.TIMEOUT)), ()


def _search(state: MenuState) -> Step:
    if state.page is Page.TREE:
        return replace(state, line=begin(Purpose.FIND)), ()
    return replace(state, page=Page.MENU, line=begin(Purpose.FILTER, state.filter)), ()


def _boot_edited(state: MenuState) -> Step:
    option = state.edited_option
    if state.page is not Page.EDIT or option is None:
        return state, ()
    after, requests = boot(state, option)
    return replace(after, page=Page.MENU), requests


def _leave_machine(state: MenuState, action: Action, *, again: bool) -> Step:
    word, doing = _LEAVING[action]
    if not state.connected:
        return noticed(state, LogLine(level=Level.ERROR, text=f"Cannot {doing}: {state.link}")), ()
    if again and not state.wary:
        return state, (LeaveMachine(action=word),)
    text = f"Press the same key again to {doing}; any other key does not."
    after = replace(state, confirm=action, page=Page.MENU)
    return noticed(after, LogLine(level=Level.WARNING, text=text)), ()


def boot(state: MenuState, option: OptionView | None = None) -> Step:
    """Ask for the boot of an option, else the one under the cursor, or say why not."""
    option = option or state.highlighted
    refusal = _why_not(state, option)
    if option is None or refusal:
        return noticed(state, LogLine(level=Level.ERROR, text=refusal)), ()
    asked_id, changes = state.question(option.id)
    return state, (Boot(id=asked_id, overrides=changes),)


def _boot_running(state: MenuState) -> Step:
    """Boot with the running tree an option that cannot have its own: a choice, never a fallback."""
    option = state.highlighted
    explanation = None if option is None else state.explanations.get(option.id)
    if explanation is None or explanation.running_tree is None:
        text = (
            "Nothing to replace: R is for options whose own device tree is refused; e changes it."
        )
        return noticed(state, LogLine(level=Level.INFO, text=text)), ()
    after, requests = boot(state, option)
    return after, tuple(_with_running_tree(request) for request in requests)


def _with_running_tree(request: Request) -> Request:
    if not isinstance(request, Boot):
        return request
    return replace(request, overrides=replace(request.overrides, devicetree_mode="running"))


def _why_not(state: MenuState, option: OptionView | None) -> str:
    if not state.connected:
        return f"Cannot boot: {state.link}"
    if option is None:
        return "There is nothing to boot yet."
    if state.status.phase is not Phase.MENU:
        return "An option is being loaded already; Esc stops it."
    if state.wary and option.id != state.status.default_id:
        return "Not booted: the line is noisy. Enter works again after 2 s without noise."
    # what a person has changed may be just what was missing; the daemon knows
    reasons = () if option.id in state.edits else why_not_bootable(option)
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
    ids = [option.id for option in in_order(state.devices, state.listed)]
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


_FUNCTIONS: Final[Mapping[Action, Callable[[MenuState], Step]]] = {
    Action.BOOT: _enter,
    Action.RUNNING: _boot_running,
    Action.EDIT: _edit,
    Action.NEW: open_new,
    Action.TREE: _tree,
    Action.WHY: _why,
    Action.SEARCH: _search,
    Action.TIMEOUT: _ask_timeout,
    Action.BOOT_EDITED: _boot_edited,
    Action.SAVE: open_save,
    Action.DEFAULT: toggle_default,
    Action.ONCE: toggle_once,
    Action.RESCAN: _rescan,
    Action.SHELL: _shell,
    Action.UNLOCK: ask_passphrase,
    Action.STOP: _stop,
    Action.REDRAW: _redraw,
}
"""What keys do that neither show a page nor move the cursor."""
