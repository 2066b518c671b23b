"""What is dangerous in a shipped tree, and what is not."""

import pytest

from bootd.devicetree.risk import MAX_RISKS, risks
from tests.support.trees import Content, board, live_board, tree


def told(shipped: Content, live: Content) -> list[str]:
    return list(risks(tree(board(**shipped)), tree(live_board(**live))))


BUS: Content = {"#address-cells": 1, "#size-cells": 1, "ranges": [0, 0, 0x40001000, 0x1000]}


def test_registers_that_the_running_tree_has_there_too_are_no_danger() -> None:
    node: Content = {"bus@0": {**BUS, "uart@0": {"reg": [0, 0x1000]}}}
    assert told(node, node) == []


def test_an_ordinary_tree_has_no_risks() -> None:
    assert told({"pci@1": {"iommu-map": [1]}}, {"pci@1": {"iommu-map": [1]}}) == []


@pytest.mark.parametrize(
    ("shipped", "live", "sentence"),
    [
        (
            {"disk": {"compatible": "pmem-region", "reg": [0, 0x1000, 0, 1]}},
            {},
            "/disk (pmem-region) shows memory as a disk",
        ),
        (
            {"reboot": {"compatible": "syscon-reboot"}},
            {},
            "/reboot (syscon-reboot) writes a value of its own choice to a register at reboot",
        ),
        ({"pci@1": {}}, {"pci@1": {"iommu-map": [1]}}, "/pci@1 loses iommu-map"),
        (
            {"uart": {"reg": [0, 0x40000000, 0, 0x1000]}},
            {},
            "/uart takes memory for registers (0x40000000+0x1000)",
        ),
        (
            {"bus@0": {**BUS, "uart@0": {"reg": [0, 0x1000]}}},
            {},
            "/bus@0/uart@0 takes memory for registers (0x40001000+0x1000)",
        ),
        (
            {"vdd": {"regulator-max-microvolt": 3300000}},
            {"vdd": {"regulator-max-microvolt": 1100000}},
            "/vdd may be set to 3.3 V, more than now",
        ),
        (
            {"opp": {"opp-microvolt": [900000, 850000, 1500000]}},
            {"opp": {"opp-microvolt": [900000, 850000, 950000]}},
            "/opp may be set to 1.5 V, more than now",
        ),
        (
            {"gpu@1": {"compatible": "a,g", "reg": [0, 0x100, 0, 1]}},
            {"graphics@1": {"compatible": "a,g", "reg": [0, 0x100, 0, 1], "iommus": [1]}},
            "/gpu@1 loses iommus",
        ),
        (
            {"pci@1": {"dma-ranges": [0, 0, 0, 0, 9, 0]}},
            {"pci@1": {"dma-ranges": [0, 0, 0, 0, 1, 0]}},
            "/pci@1 lets devices reach other memory than now (dma-ranges)",
        ),
        (
            {"zone": {"trips": {}}},
            {"zone": {"trips": {"hot": {"type": "critical", "temperature": 100000}}}},
            "/zone no longer switches off when it is too hot",
        ),
    ],
)
def test_a_danger_is_told(shipped: Content, live: Content, sentence: str) -> None:
    assert told(shipped, live) == [sentence]


def test_what_the_board_runs_with_already_is_no_danger() -> None:
    node: Content = {"reboot": {"compatible": "syscon-reboot"}}
    assert told(node, node) == []


def test_a_node_that_is_switched_off_is_no_danger() -> None:
    assert told({"r": {"compatible": "syscon-reboot", "status": "disabled"}}, {}) == []


def test_the_list_has_an_end() -> None:
    many: Content = {f"r{n}": {"compatible": "syscon-reboot"} for n in range(40)}
    found = told(many, {})
    assert len(found) == MAX_RISKS + 1
    assert found[-1] == "there is more of this; the rest is not listed"
