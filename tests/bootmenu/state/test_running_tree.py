"""The running tree in place of one that is refused: offered, and taken by its own key only."""

from dataclasses import replace

import pytest

from bootd.protocol.messages import Explanation, Overrides
from bootmenu.keys import Action
from bootmenu.state import Boot, Explained, MenuState, Pressed, Request, reduce
from bootmenu.words import tree_words
from tests.support.menu_views import twenty

FIRST = "bls:sda1:1"
WHY = "kexec_load is locked down."
INSTEAD = "can be booted with the running device tree instead (kexec_file_load)"


@pytest.fixture
def menu() -> MenuState:
    return replace(reduce(MenuState(), twenty())[0], cursor=FIRST)


def explained(menu: MenuState, *, refused: str | None, running: str | None) -> MenuState:
    option = menu.option(FIRST)
    assert option is not None
    said = Explanation(option=option, refused=refused, running_tree=running)
    return reduce(menu, Explained(explanation=said))[0]


def boots(requests: tuple[Request, ...]) -> list[Boot]:
    return [each for each in requests if isinstance(each, Boot)]


def test_the_line_of_the_tree_offers_it(menu: MenuState) -> None:
    state = explained(menu, refused=WHY, running=INSTEAD)
    option = state.option(FIRST)
    assert option is not None
    assert tree_words(state, option) == f"refused (R boots with the running tree): {WHY}"


def test_its_key_boots_with_the_running_tree(menu: MenuState) -> None:
    state = explained(menu, refused=WHY, running=INSTEAD)
    _, requests = reduce(state, Pressed(action=Action.RUNNING))
    assert boots(requests) == [Boot(id=FIRST, overrides=Overrides(devicetree_mode="running"))]


@pytest.mark.parametrize("refused", [None, "its kernel is for x86_64."])
def test_without_an_offer_its_key_boots_nothing_and_says_so(
    menu: MenuState, refused: str | None
) -> None:
    state, requests = reduce(
        explained(menu, refused=refused, running=None), Pressed(action=Action.RUNNING)
    )
    assert not boots(requests)
    assert state.notice is not None
    assert "R is for options whose own device tree is refused" in state.notice.text


def test_enter_never_takes_it(menu: MenuState) -> None:
    state = explained(menu, refused=WHY, running=INSTEAD)
    _, requests = reduce(state, Pressed(action=Action.BOOT))
    assert boots(requests) == [Boot(id=FIRST, overrides=Overrides())]
