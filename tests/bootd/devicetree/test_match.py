from bootd.devicetree.match import Match, Pairing
from tests.support.trees import Content, tree

CELLS: dict[str, object] = {"#address-cells": 1, "#size-cells": 1}
UART: Content = {"compatible": ["acme,uart-v2", "acme,uart"], "reg": [0x1000, 8]}


def pair(live: Content, shipped: Content, path: str) -> Pairing | None:
    return Match(tree(CELLS | dict(live)), tree(CELLS | dict(shipped))).find(path)


def test_the_same_path_with_a_common_compatible_is_the_same_node() -> None:
    found = pair({"uart@1000": UART}, {"uart@1000": UART}, "/uart@1000")
    assert found == Pairing(path="/uart@1000", key="path", confidence=0.95)


def test_the_same_path_with_other_compatibles_is_no_match() -> None:
    other: Content = {"compatible": "acme,gpu", "reg": [0x1000, 8]}
    assert pair({"dev@1000": UART}, {"dev@1000": other}, "/dev@1000") is None


def test_a_node_that_moved_under_a_new_bus_is_found_by_its_cpu_address() -> None:
    bus = CELLS | {"compatible": "simple-bus", "ranges": b"", "serial@1000": UART}
    found = pair({"uart@1000": UART}, {"spba@0": bus}, "/uart@1000")
    assert found is not None
    assert (found.path, found.key) == ("/spba@0/serial@1000", "address")


def test_two_nodes_at_one_address_are_not_told_apart_by_it() -> None:
    shipped = {"a@1000": UART, "b@1000": UART}
    assert pair({"uart@1000": UART}, shipped, "/uart@1000") is None


def test_a_child_of_a_renamed_parent_is_found_by_name() -> None:
    port: Content = {"compatible": "acme,port", "port-id": 1}
    live = {"mac@2000": {"compatible": "acme,mac", "reg": [0x2000, 8], "port": port}}
    shipped = {"ethernet@2000": {"compatible": "acme,mac", "reg": [0x2000, 8], "port": port}}
    found = pair(live, shipped, "/mac@2000/port")
    assert found is not None
    assert (found.path, found.key) == ("/ethernet@2000/port", "parent")


def test_a_label_wins_over_a_path() -> None:
    live = {"old": {"compatible": "acme,x"}, "__symbols__": {"x": "/old"}}
    shipped = {"new": {"compatible": "acme,x"}, "__symbols__": {"x": "/new"}}
    assert pair(live, shipped, "/old") == Pairing(path="/new", key="label", confidence=1.0)


def test_keys_that_disagree_make_no_match() -> None:
    live = {"a": {"compatible": "acme,x"}, "__symbols__": {"x": "/a"}}
    shipped = {
        "a": {"compatible": "acme,x"},
        "b": {"compatible": "acme,x"},
        "__symbols__": {"x": "/b"},
    }
    assert pair(live, shipped, "/a") is None


def test_an_alias_alone_is_too_weak_for_identity() -> None:
    live = {"a": {"compatible": "acme,x"}, "aliases": {"x0": "/a"}}
    shipped = {"b": {"compatible": "acme,x"}, "aliases": {"x0": "/b"}}
    assert pair(live, shipped, "/a") == Pairing(path="/b", key="alias", confidence=0.5)


def test_a_path_that_is_not_in_the_live_tree_has_no_match() -> None:
    assert pair({}, {}, "/nowhere/at/all") is None
