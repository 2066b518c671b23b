from collections.abc import Callable

import pytest

from bootd.devicetree.merge import merge
from bootd.devicetree.prepare import prepare
from bootd.devicetree.verify import verify
from bootd.errors import MergeRefusedError
from bootd.fdt import Fdt, Node, write
from bootd.model.tree import Fact, FactAction, FactSource, TreeMode, TreeRequest
from tests.support.trees import blob, board, encode, live_board, tree

CMDLINE = "quiet"
SHIPPED = board(
    clock={"phandle": 5},
    user={"clocks": 5},
    **{"reserved-memory": {"#address-cells": 2, "#size-cells": 2, "ranges": b""}},
)
LIVE = live_board(
    **{
        "reserved-memory": {
            "#address-cells": 2,
            "#size-cells": 2,
            "ranges": b"",
            "tee@50000000": {"reg": [0, 0x50000000, 0, 0x1000]},
        }
    }
)


def check(damage: Callable[[Fdt], None], *more: Fact) -> None:
    """Merge, damage the result behind the facts' back, and verify."""
    live = tree(LIVE, reservations=((0x1000, 0x1000),))
    merged = merge(tree(SHIPPED), live, CMDLINE)
    damage(merged.fdt)
    verify(write(merged.fdt), merged.base, live, (*merged.facts, *more), CMDLINE)


def child(fdt: Fdt, path: str) -> Node:
    node = fdt.find(path)
    assert node is not None
    return node


def claim(path: str, name: str, action: FactAction = FactAction.SET) -> Fact:
    return Fact(
        path=path, property=name, source=FactSource.LIVE, rule="x", action=action, reason=""
    )


def test_a_pc_tells_of_its_memory_by_other_means_than_its_tree() -> None:
    running = blob({"compatible": "acme,pc", "chosen": {}})
    request = TreeRequest(mode=TreeMode.RUNNING, cmdline=CMDLINE)
    assert prepare(None, request, running).blob is not None


def test_an_order_is_no_difference() -> None:
    check(lambda f: f.root.children.update(clock=f.root.children.pop("clock")))


@pytest.mark.parametrize(
    ("words", "damage"),
    [
        ("command line", lambda f: child(f, "/chosen").properties.update(bootargs=b"x\0")),
        ("another boot", lambda f: child(f, "/chosen").properties.update({"linux,kho-fdt": b""})),
        ("no fact says why", lambda f: child(f, "/user").properties.update(clocks=encode(6))),
        ("no fact says why", lambda f: child(f, "/user").properties.update(new=b"")),
        ("no fact says why", lambda f: child(f, "/user").properties.clear()),
        ("is missing", lambda f: f.root.children.pop("user")),
        ("no fact says why", lambda f: f.root.add("new").properties.update(a=b"")),
        ("malformed", lambda f: f.root.add("bad/name")),
        ("not reserved", lambda f: f.reservations.clear()),
    ],
)
def test_a_change_that_no_fact_explains_is_refused(
    words: str, damage: Callable[[Fdt], None]
) -> None:
    with pytest.raises(MergeRefusedError, match=words):
        check(damage)


def test_a_phandle_never_changes_even_with_a_fact() -> None:
    with pytest.raises(MergeRefusedError, match="phandle of /clock changed"):
        check(
            lambda f: child(f, "/clock").properties.update(phandle=encode(6)),
            claim("/clock", "phandle"),
        )


def test_a_new_node_does_not_take_a_phandle_that_is_in_use() -> None:
    with pytest.raises(MergeRefusedError, match="same phandle"):
        check(
            lambda f: f.root.add("new").properties.update(phandle=encode(5)),
            claim("/new", "phandle", FactAction.ADD),
        )


def test_less_memory_than_the_board_has_is_refused() -> None:
    with pytest.raises(MergeRefusedError, match="256 MiB of memory, this board 512 MiB"):
        check(
            lambda f: child(f, "/memory@0").properties.update(
                reg=encode([0, 0x40000000, 0, 0x10000000])
            )
        )


def test_a_reserved_range_that_shrank_is_refused() -> None:
    path = "/reserved-memory/tee@50000000"
    with pytest.raises(MergeRefusedError, match="not reserved"):
        check(lambda f: child(f, path).properties.update(reg=encode([0, 0x50000000, 0, 0x800])))


def test_a_tree_without_any_enabled_cpu_is_refused() -> None:
    def disable(fdt: Fdt) -> None:
        for node in child(fdt, "/cpus").children.values():
            node.properties["status"] = b"disabled\0"

    with pytest.raises(MergeRefusedError, match="no CPU"):
        check(disable, claim("/cpus/cpu@0", "status"), claim("/cpus/cpu@1", "status"))


def test_nodes_deeper_than_a_kernel_reads_are_refused() -> None:
    def deepen(fdt: Fdt) -> None:
        node = fdt.root
        for _ in range(63):
            node = node.add("n")

    with pytest.raises(MergeRefusedError, match="62 deep"):
        check(deepen)


def test_a_lost_range_at_address_0_is_noticed_beside_an_initrd() -> None:
    chosen = {"stdout-path": "/serial@1000", "linux,initrd-start": encode([0, 0x48000000])}
    live = tree(live_board(chosen=chosen), reservations=((0, 0x1000),))
    merged = merge(tree(board()), live, CMDLINE)
    merged.fdt.reservations.clear()
    with pytest.raises(MergeRefusedError, match="range 0x0"):
        verify(write(merged.fdt), merged.base, live, merged.facts, CMDLINE)
