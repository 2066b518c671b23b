"""Edits of boot scripts, made to real trees."""

import pytest

from bootd.devicetree.prepare import Prepared, prepare
from bootd.devicetree.scripted import apply_edits
from bootd.errors import MergeRefusedError
from bootd.fdt import read
from bootd.fdt.tree import Fdt
from bootd.model.board import Tier
from bootd.model.tree import FactAction, FactSource, TreeEdit, TreeMode, TreeRequest
from bootd.policy.trust import restrict
from tests.support.memoryfs import MemoryFs
from tests.support.trees import blob, board, compile_dts, live_board

TREE = compile_dts("""/dts-v1/; / {
    aliases { serial0 = "/soc/uart@1"; };
    memory@0 { device_type = "memory"; reg = <0 0 0 1>; };
    soc { uart@1 { status = "disabled"; old; }; };
    chosen { };
};""")

WHERE = "/boot.scr line 3"


def edit(path: str, name: str = "", value: str | None = "") -> TreeEdit:
    return TreeEdit(path=path, property=name, value=value, source=WHERE)


def edited(*edits: TreeEdit) -> tuple[Fdt, list[tuple[str, str, FactAction, str]]]:
    tree, done = apply_edits(read(TREE), edits)
    facts = [each.fact() for each in done]
    assert all(f.source is FactSource.BOOT_OPTION and f.rule == "script" for f in facts)
    return tree, [(f.path, f.property, f.action, f.reason) for f in facts]


@pytest.mark.parametrize("path", ["/soc/uart@1", "/soc/uart", "serial0"])
def test_a_property_is_set_at_a_path_without_unit_address_or_by_alias(path: str) -> None:
    tree, facts = edited(edit(path, "status", b"okay\0".hex()))
    assert tree.get("/soc/uart@1", "status") == b"okay\0"
    assert facts == [("/soc/uart@1", "status", FactAction.SET, f"edit of {WHERE}")]


def test_a_value_that_is_there_already_is_no_change() -> None:
    assert edited(edit("/soc/uart@1", "status", b"disabled\0".hex()))[1] == []


def test_nodes_and_properties_are_made_and_taken_away_in_order() -> None:
    tree, facts = edited(
        edit("/leds"),
        edit("/leds", "gpios", "00"),
        edit("serial0", "old", None),
        edit("serial0/child"),
        edit("/soc/uart@1", "status", None),
    )
    assert tree.get("/leds", "gpios") == b"\0"
    assert tree.find("/soc/uart@1/child") is not None
    assert tree.get("/soc/uart@1", "old") is None
    assert [fact[2] for fact in facts] == [
        FactAction.ADD,
        FactAction.ADD,
        FactAction.DELETE,
        FactAction.ADD,
        FactAction.DELETE,
    ]


def test_a_node_is_taken_away_with_all_below() -> None:
    tree, _ = edited(edit("/soc", "", None))
    assert tree.find("/soc") is None


@pytest.mark.parametrize(
    ("path", "name", "why"),
    [
        ("/none", "status", "but there is no such node"),
        ("nowhere", "status", "but there is no such node"),
        ("/none/child", "", "but there is no such node"),
        ("/memory@0", "reg", "but the running tree decides this"),
        ("/memory", "reg", "but the running tree decides this"),
        ("/chosen", "stdout-path", "but bootd writes /chosen"),
    ],
)
def test_what_a_script_may_not_change_is_refused(path: str, name: str, why: str) -> None:
    tree, facts = edited(edit(path, name, "00"))
    assert [(fact[2], fact[3]) for fact in facts] == [
        (FactAction.REFUSE, f"edit of {WHERE}, {why}")
    ]
    assert tree == read(TREE) or tree.get(path, name) == read(TREE).get(path, name)


def test_the_root_cannot_be_taken_away() -> None:
    tree, facts = edited(edit("/", "", None))
    assert facts == []
    assert tree.find("/soc") is not None


def test_the_tree_that_was_given_stays_as_it_is() -> None:
    base = read(TREE)
    apply_edits(base, (edit("/soc", "", None),))
    assert base.find("/soc") is not None


def merged(mode: TreeMode, *edits: TreeEdit) -> Prepared:
    request = TreeRequest(mode=mode, devicetree="/a.dtb", edits=edits)
    return prepare(MemoryFs({"/a.dtb": blob(board())}), request, blob(live_board()))


def test_edits_are_in_the_merged_tree_and_among_its_facts() -> None:
    done = merged(TreeMode.MERGED, edit("/serial@1000", "extra"), edit("/nowhere", "x"))
    assert read(done.blob or b"").get("/serial@1000", "extra") == b""
    facts = [fact for fact in done.report.facts if fact.rule == "script"]
    assert [(f.path, f.property, f.action) for f in facts] == [
        ("/serial@1000", "extra", FactAction.ADD),
        ("/nowhere", "x", FactAction.REFUSE),
    ]
    assert any("no such node" in note for note in done.report.notes)


def test_edits_are_not_made_to_the_running_tree_where_that_is_asked_for() -> None:
    done = merged(TreeMode.RUNNING, edit("/serial@1000", "extra"))
    assert read(done.blob or b"").get("/serial@1000", "extra") is None
    assert "the boot script's edits are not used with the running tree" in done.report.notes


@pytest.mark.parametrize("tier", [Tier.SIGNED, Tier.LOCKED])
def test_edits_are_refused_where_overlays_are(tier: Tier) -> None:
    request = TreeRequest(edits=(edit("/soc", "x"),))
    with pytest.raises(MergeRefusedError, match=r"/boot\.scr line 3 is refused"):
        restrict(request, tier)
    assert restrict(request, Tier.OPEN) == request
