"""What two trees cannot decide is told and not guessed."""

from bootd.devicetree.drift import MAX_TOLD
from bootd.devicetree.merge import Merged, merge
from bootd.devicetree.scene import Known
from bootd.model.tree import Fact, FactAction
from tests.support.trees import Content, board, live_board, tree

GPU: Content = {"compatible": "acme,gpu", "reg": [0, 0x5000, 0, 0x100]}
OFF: Content = {**GPU, "status": "disabled"}


def merged(shipped: Content, live: Content, *, original: bool = False) -> Merged:
    known = Known(original=tree(board(**live)) if original else None)
    return merge(tree(board(**shipped)), tree(live_board(**live)), "", known=known)


def by(rule: str, result: Merged) -> list[Fact]:
    return [fact for fact in result.facts if fact.rule == rule]


def test_a_block_that_is_off_here_keeps_the_dtbs_word_and_is_told() -> None:
    result = merged({"gpu@5000": GPU}, {"gpu@5000": OFF})
    (fact,) = by("switched-off", result)
    assert (fact.path, fact.property, fact.action) == ("/gpu@5000", "status", FactAction.KEEP)
    assert result.fdt.get("/gpu@5000", "status") is None


def test_a_block_is_found_under_another_name() -> None:
    (fact,) = by("switched-off", merged({"gpu@5000": GPU}, {"graphics@5000": OFF}))
    assert fact.path == "/gpu@5000"


def test_a_block_that_is_off_in_both_is_not_worth_a_word() -> None:
    assert not by("switched-off", merged({"gpu@5000": OFF}, {"gpu@5000": OFF}))


def test_where_the_firmwares_own_dtb_is_known_it_decides() -> None:
    assert not by("switched-off", merged({"gpu@5000": GPU}, {"gpu@5000": OFF}, original=True))


def test_no_more_than_a_screenful_is_told() -> None:
    def many(node: Content) -> Content:
        return {f"gpu@{n}000": {**node, "reg": [0, n << 12, 0, 16]} for n in range(20, 60)}

    assert len(by("switched-off", merged(many(GPU), many(OFF)))) == MAX_TOLD


def test_devices_that_only_the_running_tree_has_are_counted_and_named() -> None:
    extra = {f"sensor@{n}": {"compatible": "acme,sensor", "below": {}} for n in range(6)}
    result = merged({}, extra)
    (fact,) = by("only-running", result)
    assert fact in result.told
    assert "/sensor@0, /sensor@1, /sensor@2, /sensor@3 and 2 more" in fact.reason


def test_a_device_under_another_name_is_not_missing() -> None:
    assert not by("only-running", merged({"gpu@5000": GPU}, {"graphics@5000": GPU}))


def test_a_device_that_is_off_is_not_missed() -> None:
    assert not by("only-running", merged({}, {"gpu@5000": OFF}))
