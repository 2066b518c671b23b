"""What is kept for later boots, as the reducer sees it: saved changes, default, settings."""

from dataclasses import replace

import pytest

from bootd.protocol.messages import OptionChanged, Overrides, StatusChanged
from bootmenu.edits import Part, rows
from bootmenu.keys import Action
from bootmenu.lines import text_of
from bootmenu.pages.table import draw
from bootmenu.state import (
    Boot,
    Configure,
    Explain,
    Forget,
    Happening,
    Kept,
    MenuState,
    Page,
    Pressed,
    Request,
    Save,
    SetDefault,
    SetOneShot,
    Typed,
    reduce,
)
from bootmenu.state.wishes import Choice, written
from tests.support.menu_views import option, twenty

FIRST = "bls:sda1:1"
SAVED = f"{FIRST}+quiet"
SINGLE = Overrides(options="single")
ENTER = Typed(key="enter")


@pytest.fixture
def menu() -> MenuState:
    return reduce(MenuState(), twenty())[0]


@pytest.fixture
def with_saved(menu: MenuState) -> MenuState:
    """A menu whose second option is the first one with another command line."""
    base = twenty().options[0]
    saved = replace(
        base,
        id=SAVED,
        title=f"{base.title} (quiet)",
        options="single",
        base_id=FIRST,
        changes=SINGLE,
    )
    after, _ = reduce(menu, OptionChanged(option=saved, position=1))
    return replace(after, cursor=SAVED)


def do(state: MenuState, *happenings: Happening | Action) -> tuple[MenuState, tuple[Request, ...]]:
    """Return the state after everything, and the requests of the last step."""
    requests: tuple[Request, ...] = ()
    for each in happenings:
        happening = Pressed(action=each) if isinstance(each, Action) else each
        state, requests = reduce(state, happening)
    return state, requests


def text(words: str) -> list[Happening]:
    return [Typed(key=character, character=character) for character in words]


def screen(state: MenuState) -> str:
    return "\n".join(text_of(line).rstrip() for line in draw(state, 80, 24))


EDITED = (Action.EDIT, Action.DOWN, Action.DOWN, Action.BOOT, Typed(key="ctrl+u"))


def test_changes_are_saved_under_a_name(menu: MenuState) -> None:
    state, _ = do(menu, *EDITED, *text("single"), ENTER, Action.SAVE)
    assert "Save as:" in screen(state)
    state, asked = do(state, *text("quiet"), ENTER)
    assert asked == (Save(id=FIRST, name="quiet", overrides=SINGLE, about=FIRST),)
    state, _ = do(state, Kept(id=SAVED, about=FIRST))
    assert (state.page, state.cursor, dict(state.edits)) == (Page.MENU, SAVED, {})


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ([Action.EDIT, Action.SAVE], "Not saved: nothing is changed."),
        ([Action.NEW, Action.SAVE], "Not saved: only changes of an option that a configuration"),
        ([*EDITED, *text("x"), ENTER, Action.SAVE, *text(" "), ENTER], "Not saved: a name"),
    ],
)
def test_what_cannot_be_saved_says_why(
    menu: MenuState, keys: list[Happening | Action], sentence: str
) -> None:
    state, asked = do(menu, *keys)
    assert asked == ()
    assert sentence in screen(state)


def test_the_name_of_a_saved_option_is_seen_however_long_the_title_is(
    with_saved: MenuState,
) -> None:
    long = "Debian GNU/Linux with a very long title, " * 4
    options = [replace(o, title=o.title.replace("Debian", long)) for o in with_saved.options]
    assert " (quiet)\n" in screen(replace(with_saved, options=tuple(options)))


def test_a_saved_option_boots_by_its_own_id(with_saved: MenuState) -> None:
    assert do(with_saved, Action.BOOT)[1] == (Boot(id=SAVED),)


def test_a_saved_option_is_edited_against_the_one_below_it(with_saved: MenuState) -> None:
    state, _ = do(with_saved, Action.EDIT)
    assert "saved changes" in screen(state)
    assert "was: root=UUID=5a0c-0001 ro" in screen(state)
    state, asked = do(state, Action.DOWN, Action.DOWN, Action.BOOT, *text(" debug"), ENTER)
    further = Overrides(options="single debug")
    assert asked == (Explain(id=FIRST, overrides=further, about=SAVED),)
    assert do(state, Action.BOOT_EDITED)[1] == (Boot(id=FIRST, overrides=further),)


def test_a_saved_change_can_be_taken_back_and_brought_back(with_saved: MenuState) -> None:
    state, asked = do(with_saved, Action.EDIT, Action.DOWN, Action.DOWN, Action.UNDO)
    assert asked == (Explain(id=FIRST, about=SAVED),)
    (cmdline,) = [r for r in rows(option(1), state.edit_of(SAVED)) if r.part is Part.CMDLINE]
    assert cmdline.was is None
    state, _ = do(state, Action.UNDO_ALL)
    assert state.edit_of(SAVED) == SINGLE


def test_a_saved_option_is_saved_anew_under_its_name(with_saved: MenuState) -> None:
    state, _ = do(with_saved, *EDITED, *text("x"), ENTER, Action.SAVE)
    assert do(state, ENTER)[1] == (
        Save(id=FIRST, name="quiet", overrides=Overrides(options="x"), about=SAVED),
    )


def test_forgetting_is_asked_for_twice_and_only_of_what_was_saved(with_saved: MenuState) -> None:
    state, asked = do(with_saved, Action.FORGET)
    assert asked == ()
    assert "again to forget Debian" in screen(state)
    assert do(state, Action.FORGET)[1] == (Forget(id=SAVED),)
    state, asked = do(with_saved, Action.UP, Action.FORGET, Action.FORGET)
    assert asked == ()
    assert "Only an option that somebody saved" in screen(state)


def test_the_default_and_the_next_boot_are_set_and_forgotten(menu: MenuState) -> None:
    assert do(menu, Action.DEFAULT)[1] == (SetDefault(id=FIRST),)
    assert do(menu, Action.ONCE)[1] == (SetOneShot(id=FIRST),)
    status = replace(menu.status, default_wish=FIRST, one_shot_id=FIRST)
    state, _ = do(menu, StatusChanged(status=status))
    assert "(6.1.0-1-arm64) (boots once)" in screen(state)
    assert do(state, Action.DEFAULT)[1] == (SetDefault(id=""),)
    assert do(state, Action.ONCE)[1] == (SetOneShot(id=""),)


def test_each_setting_is_written_on_its_row(menu: MenuState) -> None:
    state, _ = do(menu, Action.SETTINGS)
    assert do(state, Action.BOOT)[1] == (Configure(autoboot=False),)
    state, _ = do(state, Action.DOWN, Action.BOOT)
    assert do(state, *text("30"), ENTER)[1] == (Configure(timeout_seconds=30),)
    state, _ = do(state, *text("never"), ENTER)
    state, _ = do(state, Action.DOWN, Action.BOOT)
    assert do(state, *text("nvme, any"), ENTER)[1] == (Configure(order=("nvme", "any")),)
    assert do(state, ENTER, Action.REMOVE)[1] == (Configure(reset=("order",)),)


@pytest.mark.parametrize(
    ("choice", "given", "wish"),
    [
        (Choice.TIMEOUT, "", Configure(reset=("timeoutSeconds",))),
        (Choice.TIMEOUT, "NEVER", Configure(timeout_seconds=-1)),
        (Choice.TIMEOUT, "5 s", Configure(timeout_seconds=5)),
        (Choice.AUTOBOOT, "no", Configure(autoboot=False)),
        (Choice.AUTOBOOT, "", Configure(reset=("autoboot",))),
        (Choice.DEFAULT, "@saved", SetDefault(id="@saved")),
        (Choice.UNTIL_POWER_ON, FIRST, SetDefault(id=FIRST, until="powerOn")),
        (Choice.ONCE, "", SetOneShot(id="")),
    ],
)
def test_a_text_means_a_wish(choice: Choice, given: str, wish: Request) -> None:
    assert written(choice, given) == wish


@pytest.mark.parametrize(
    ("choice", "given"),
    [(Choice.TIMEOUT, "soon"), (Choice.TIMEOUT, "99999999999"), (Choice.AUTOBOOT, "perhaps")],
)
def test_a_text_that_makes_no_sense_is_told_on_the_page(
    menu: MenuState, choice: Choice, given: str
) -> None:
    row = list(Choice).index(choice)
    state = replace(do(menu, Action.SETTINGS)[0], setting_row=row)
    if choice is Choice.TIMEOUT:
        state, asked = do(state, Action.BOOT, *text(given), ENTER)
        assert (asked, state.notice is not None) == ((), True)
        assert "Type seconds" in screen(state)
    else:
        assert isinstance(written(choice, given), str)


def test_the_page_and_the_heading_say_where_choices_are_kept(menu: MenuState) -> None:
    kept = "not persisted; forgotten when this machine is switched off or restarted"
    state, _ = do(menu, StatusChanged(status=replace(menu.status, kept=kept)))
    assert screen(state).split("\n")[0].endswith("choices not persisted")
    assert f"({kept})" in screen(do(state, Action.SETTINGS)[0])
