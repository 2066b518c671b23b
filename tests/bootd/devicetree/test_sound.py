"""References that lead nowhere, and trees for other silicon."""

import pytest

from bootd.devicetree.merge import merge
from bootd.devicetree.prepare import combine
from bootd.devicetree.sound import dangling, why_other_silicon
from bootd.errors import MergeRefusedError
from bootd.fdt.tree import copy_fdt
from tests.support.trees import Content, board, live_board, tree


def gic(version: str) -> Content:
    return {"compatible": version, "interrupt-controller": b"", "reg": [0, 0x8000000, 0, 0x1000]}


def test_a_tree_for_another_interrupt_controller_is_refused_with_both_names() -> None:
    shipped = tree(board(**{"intc@8000000": gic("arm,cortex-a15-gic")}))
    live = tree(live_board(**{"intc@8000000": gic("arm,gic-v3")}))
    with pytest.raises(MergeRefusedError, match=r"GICv2, this board has GICv3"):
        combine(shipped, live, "")


@pytest.mark.parametrize(
    ("ours", "theirs"), [("arm,gic-400", "arm,cortex-a15-gic"), ("arm,gic-v3", "acme,own-intc")]
)
def test_other_names_of_one_family_and_unknown_ones_pass(ours: str, theirs: str) -> None:
    live = tree(live_board(**{"intc@8000000": gic(ours)}))
    assert why_other_silicon(tree(board(**{"intc@8000000": gic(theirs)})), live) is None


def test_a_switched_off_controller_does_not_count() -> None:
    content = board(
        **{"a@1": gic("arm,gic-v3"), "b@2": {**gic("arm,gic-400"), "status": "disabled"}}
    )
    live = tree(live_board(**{"a@1": gic("arm,gic-400")}))
    assert why_other_silicon(tree(content), live) is not None


CLOCKED: Content = {"clk": {"phandle": 7, "#clock-cells": 1}, "user": {"clocks": [7, 3]}}


def test_a_changed_reference_to_no_node_is_found() -> None:
    base = tree(board(**CLOCKED))
    result = merge(base, tree(live_board()), "").fdt
    assert dangling(result, base) is None
    broken = copy_fdt(result)
    broken.root.children["user"].properties["interrupt-parent"] = b"\0\0\0\x09"
    assert dangling(broken, base) == "interrupt-parent of /user"


def test_a_phandle_that_is_gone_is_found() -> None:
    base = tree(board(**CLOCKED))
    broken = copy_fdt(base)
    del broken.root.children["clk"]
    assert dangling(broken, base) == "phandle 0x7 of the base"
