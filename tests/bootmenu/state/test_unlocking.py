"""Opening an encrypted disk from the screen: what is typed is asked once, not shown, not kept."""

from bootd.protocol.methods import UNLOCK
from bootd.record import replace
from bootmenu.keys import Action
from bootmenu.pages.prompt import footer
from bootmenu.questions import asked
from bootmenu.state import MenuState, Pressed, Typed, Unlock, reduce
from tests.support.menu_views import twenty

SECRET = "let me in"  # noqa: S105 - of a test


def menu(*, locked: bool) -> MenuState:
    state = reduce(MenuState(), twenty())[0]
    first, *others = state.devices
    return replace(state, devices=(replace(first, locked=locked), *others))


def shown(state: MenuState) -> str:
    return "\n".join("".join(run.text for run in line) for line in footer(state, 80, "hints"))


def test_a_passphrase_is_asked_once_and_never_shown() -> None:
    state, requests = reduce(menu(locked=True), Pressed(action=Action.UNLOCK))
    assert requests == ()
    for character in SECRET:
        state, _ = reduce(state, Typed(key=character, character=character))
    assert "Passphrase of the locked disk: *********" in shown(state)
    assert SECRET not in shown(state)
    state, requests = reduce(state, Typed(key="enter"))
    name = state.devices[0].name
    assert requests == (Unlock(device=name, passphrase=SECRET),)
    assert SECRET not in repr(state)
    question = asked(requests[0], "a test")
    assert question.method is UNLOCK
    assert question.call().parameters == {"device": name, "passphrase": SECRET, "by": "a test"}


def test_escape_and_an_empty_line_open_nothing() -> None:
    state, _ = reduce(menu(locked=True), Pressed(action=Action.UNLOCK))
    assert reduce(state, Typed(key="enter"))[1] == ()
    state, _ = reduce(state, Typed(key="x", character="x"))
    after, requests = reduce(state, Typed(key="escape"))
    assert requests == ()
    assert after.line is None


def test_without_a_locked_disk_that_is_said() -> None:
    state, requests = reduce(menu(locked=False), Pressed(action=Action.UNLOCK))
    assert requests == ()
    assert state.line is None
    assert state.notice is not None
    assert state.notice.text == "No disk is locked."
