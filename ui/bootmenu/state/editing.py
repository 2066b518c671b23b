"""How the edit page changes the menu."""

from bootd.protocol.messages import OptionView, Overrides
from bootd.record import replace
from bootmenu.edits import BY_HAND, Part, Row, changed, rows, toggled, undone
from bootmenu.entry import Purpose, begin
from bootmenu.keys import Action
from bootmenu.state.menu import MenuState, Page
from bootmenu.state.reports import Step, explaining


def open_editor(state: MenuState) -> Step:
    """Show the edit page for the option under the cursor."""
    option = state.highlighted
    if option is None:
        return open_new(state)
    return replace(state, page=Page.EDIT, editing=option.id, edit_row=0, scroll=0), ()


def open_new(state: MenuState) -> Step:
    """Show the edit page for an option that a person makes on the device under the cursor."""
    option = state.highlighted
    names = [option.device] if option else [device.name for device in state.devices]
    if not names:
        return state, ()
    return replace(state, page=Page.EDIT, editing=f"{BY_HAND}{names[0]}", edit_row=0, scroll=0), ()


def edit_pressed(state: MenuState, action: Action) -> Step | None:
    """Do what a key says on the edit page; None when it says nothing there."""
    option = state.edited_option
    if option is None:
        return None
    edit, base = state.edit_of(option.id), state.base_of(option)
    table = rows(base, edit)
    index = min(state.edit_row, len(table) - 1)
    row = table[index]
    match action:
        case Action.UP | Action.DOWN:
            step = 1 if action is Action.DOWN else -1
            return replace(state, edit_row=min(max(index + step, 0), len(table) - 1)), ()
        case Action.HOME | Action.END:
            return replace(state, edit_row=0 if action is Action.HOME else len(table) - 1), ()
        case Action.BOOT | Action.PAGE_DOWN:
            return _entered(state, option, row)
        case Action.UNDO:
            return with_edit(state, option.id, undone(base, edit, row))
        case Action.UNDO_ALL:
            return with_edit(state, option.id, state.saved_changes(option.id))
        case Action.REMOVE:
            return _removed(state, option, row)
        case _:
            return None


def field_typed(state: MenuState, text: str) -> Step:
    """Take over the text that a person typed for the row under the cursor."""
    option = state.edited_option
    if option is None:
        return state, ()
    edit, base = state.edit_of(option.id), state.base_of(option)
    table = rows(base, edit)
    row = table[min(state.edit_row, len(table) - 1)]
    return with_edit(state, option.id, changed(base, edit, row, text))


def with_edit(state: MenuState, option_id: str, edit: Overrides) -> Step:
    """Keep an edit, and ask again which tree the option gets."""
    others = {key: value for key, value in state.edits.items() if key != option_id}
    differs = edit != state.saved_changes(option_id)
    edits = {**others, option_id: edit} if differs else others
    known = {key: value for key, value in state.explanations.items() if key != option_id}
    after = replace(state, edits=edits, explanations=known)
    return after, (explaining(after, option_id),) if state.connected else ()


def _entered(state: MenuState, option: OptionView, row: Row) -> Step:
    after = toggled(state.base_of(option), state.edit_of(option.id), row)
    if after is not None:
        return with_edit(state, option.id, after)
    return replace(state, line=begin(Purpose.FIELD, row.value)), ()


def _removed(state: MenuState, option: OptionView, row: Row) -> Step:
    if row.part not in {Part.INITRD, Part.OVERLAY, Part.KERNEL, Part.DTB, Part.CMDLINE}:
        return state, ()
    after = changed(state.base_of(option), state.edit_of(option.id), row, "")
    return with_edit(state, option.id, after)
