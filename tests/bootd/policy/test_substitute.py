"""When the countdown may take the running tree for an option's own."""

import pytest

from bootd.model.board import RunningTree
from bootd.model.option import BootOption, FileRef
from bootd.policy.substitute import may_substitute
from bootd.record import replace

PLAIN = BootOption(entry="a", format="bls", source="/a", title="A", linux=FileRef("/vmlinuz"))
FOLDER = replace(PLAIN, devicetree_dir=FileRef("/dtbs"))
DTB = replace(PLAIN, devicetree=FileRef("/board.dtb"))
OVERLAY = replace(PLAIN, overlays=(FileRef("/spi.dtbo"),))
PARAMETER = replace(PLAIN, devicetree_parameters=("audio=on",))


@pytest.mark.parametrize("option", [PLAIN, FOLDER, DTB, OVERLAY, PARAMETER])
def test_never_is_never(option: BootOption) -> None:
    assert not may_substitute(option, RunningTree.NEVER)


@pytest.mark.parametrize("option", [PLAIN, FOLDER, DTB, OVERLAY, PARAMETER])
def test_always_is_always(option: BootOption) -> None:
    assert may_substitute(option, RunningTree.ALWAYS)


@pytest.mark.parametrize(
    ("option", "allowed"),
    [(PLAIN, True), (FOLDER, True), (DTB, False), (OVERLAY, False), (PARAMETER, False)],
)
def test_implied_is_for_entries_that_demand_no_tree(option: BootOption, *, allowed: bool) -> None:
    assert may_substitute(option, RunningTree.IMPLIED) is allowed
