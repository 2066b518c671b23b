"""How what is kept for later boots changes the menu: saved changes, the default, the settings."""

from bootd.protocol.messages import Level, OptionView
from bootd.record import replace
from bootmenu.edits import BY_HAND
from bootmenu.entry import Purpose, begin
from bootmenu.keys import Action
from bootmenu.state.menu import LogLine, MenuState, Page
from bootmenu.state.messages import Kept
from bootmenu.state.reports import Step, noticed
from bootmenu.state.requests import Forget, Save, SetDefault, SetOneShot, Wish
from bootmenu.state.wishes import chosen, rows, written


def open_save(state: MenuState) -> Step:
    """Ask for the name under which the changes on the edit page are kept."""
    option = state.edited_option
    if state.page is not Page.EDIT or option is None:
        return state, ()
    if refusal := _why_not_saved(state, option):
        return _told(state, refusal)
    name = option.id.rpartition("+")[2] if option.base_id else ""
    return replace(state, line=begin(Purpose.NAME, name)), ()


def named(state: MenuState, option_id: str, name: str) -> Step:
    """Have the changes of an option kept under a name."""
    option = replace(state, editing=option_id).edited_option
    refusal = "The option is gone." if option is None else _why_not_saved(state, option)
    if refusal:
        return _told(state, refusal)
    if not name.strip():
        return _told(state, "Not saved: a name is needed.")
    asked_id, changes = state.question(option_id)
    return _ask(state, Save(id=asked_id, name=name.strip(), overrides=changes, about=option_id))


def kept(state: MenuState, answer: Kept) -> MenuState:
    """Go to the option that has the changes now; the one that was changed is as before."""
    edits = {key: value for key, value in state.edits.items() if key != answer.about}
    known = {k: v for k, v in state.explanations.items() if k not in {answer.about, answer.id}}
    page = Page.MENU if state.page is Page.EDIT else state.page
    return replace(state, edits=edits, explanations=known, page=page, cursor=answer.id)


def forget(state: MenuState, *, again: bool) -> Step:
    """Have a saved option forgotten, at the second press."""
    option = state.edited_option if state.page is Page.EDIT else state.highlighted
    if option is None or not option.base_id:
        return _told(state, "Only an option that somebody saved can be forgotten.")
    after = replace(state, page=Page.MENU)
    if again:
        return _ask(after, Forget(id=option.id))
    text = f"Press the same key again to forget {option.title}; any other key does not."
    return noticed(
        replace(after, cursor=option.id, confirm=Action.FORGET),
        LogLine(level=Level.WARNING, text=text),
    ), ()


def toggle_default(state: MenuState) -> Step:
    """Make the option under the cursor the default, or none when it is that already."""
    option = state.highlighted
    if option is None:
        return state, ()
    same = state.status.default_wish == option.id
    return _ask(state, SetDefault(id="" if same else option.id))


def toggle_once(state: MenuState) -> Step:
    """Have the option under the cursor booted once, or not when that is asked already."""
    option = state.highlighted
    if option is None:
        return state, ()
    same = state.status.one_shot_id == option.id
    return _ask(state, SetOneShot(id="" if same else option.id))


def wished(state: MenuState, wish: Wish) -> Step:
    """Ask for something for later boots."""
    return _ask(state, wish)


def setting_pressed(state: MenuState, action: Action) -> Step | None:
    """Do what a key says on the settings page; None when it says nothing there."""
    table = rows(state.status)
    last = len(table) - 1
    row = min(state.setting_row, last)
    match action:
        case Action.UP if state.scroll == 0:
            return replace(state, setting_row=max(row - 1, 0)), ()
        case Action.DOWN if row < last:
            return replace(state, setting_row=row + 1), ()
        case Action.HOME:
            return replace(state, setting_row=0, scroll=0), ()
        case Action.BOOT:
            wish = chosen(table[row].choice, state.status)
            if wish is not None:
                return _ask(state, wish)
            return replace(state, line=begin(Purpose.SETTING, table[row].text)), ()
        case Action.REMOVE | Action.UNDO:
            return setting_typed(state, "")
        case _:
            return None


def setting_typed(state: MenuState, text: str) -> Step:
    """Take over the text that a person typed for the row under the cursor."""
    table = rows(state.status)
    wish = written(table[min(state.setting_row, len(table) - 1)].choice, text)
    return _told(state, wish) if isinstance(wish, str) else _ask(state, wish)


def _why_not_saved(state: MenuState, option: OptionView) -> str:
    if option.id.startswith(BY_HAND):
        return "Not saved: only changes of an option that a configuration has are kept."
    if option.id not in state.edits:
        return "Not saved: nothing is changed."
    return ""


def _ask(state: MenuState, wish: Wish | Save) -> Step:
    if not state.connected:
        return _told(state, f"Nothing is remembered now: {state.link}")
    return state, (wish,)


def _told(state: MenuState, sentence: str) -> Step:
    return noticed(state, LogLine(level=Level.ERROR, text=sentence)), ()
