"""What `bootdctl explain` and `bootdctl list` print for a person."""

import pytest

from bootd.ctl.query import state, tree_record
from bootd.protocol.messages import FactView, OptionView, TreeView


def fact(path: str, name: str) -> FactView:
    return FactView(
        path=path, property=name, source="live", rule="memory", action="set", reason="measured"
    )


def test_a_fact_is_told_with_its_class() -> None:
    tree = TreeView(origin="merged", summary="merged: x.dtb", facts=(fact("/memory@0", "reg"),))
    assert ("fact", "set /memory@0 reg from live (memory, class A): measured") in tree_record(tree)


def test_what_is_not_shown_is_counted() -> None:
    facts = tuple(fact(f"/memory@{n}", "reg") for n in range(43))
    tree = TreeView(origin="merged", summary="", facts=facts)
    assert ("facts", "3 more; --json shows all") in tree_record(tree)


@pytest.mark.parametrize(
    ("left", "done", "said"),
    [(None, None, "ready"), (2, 1, "ready"), (0, 3, "failed 3 times"), (0, 0, "marked as bad")],
)
def test_what_has_failed_is_listed_so(left: int | None, done: int | None, said: str) -> None:
    option = OptionView(
        id="bls:a:b",
        device="sda1",
        format="bls",
        source="/x",
        title="B",
        tries_left=left,
        tries_done=done,
    )
    assert state(option) == said
