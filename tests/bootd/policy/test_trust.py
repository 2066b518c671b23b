"""What each tier lets a boot option do with its device tree files."""

import pytest

from bootd.errors import MergeRefusedError
from bootd.model.board import RiskyTrees, Tier
from bootd.model.tree import TreeMode, TreeOrigin, TreeReport, TreeRequest
from bootd.policy.trust import check_risks, restrict, tier

NAMED = TreeRequest(devicetree="/b.dtb", cmdline="quiet")
FOLDER = TreeRequest(devicetree_dir="/dtbs")
OVERLAY = TreeRequest(overlays=("/o.dtbo",))
NOTHING = TreeRequest(kernel_version="6.12")
SHIPPED = TreeRequest(mode=TreeMode.SHIPPED, devicetree="/b.dtb")
RUNNING = TreeRequest(mode=TreeMode.RUNNING, devicetree="/b.dtb", overlays=("/o.dtbo",))


@pytest.mark.parametrize("request_", [NAMED, FOLDER, OVERLAY, NOTHING, SHIPPED, RUNNING])
def test_open_lets_everything_pass(request_: TreeRequest) -> None:
    assert restrict(request_, Tier.OPEN) == request_


@pytest.mark.parametrize("request_", [NAMED, FOLDER, OVERLAY, SHIPPED])
def test_signed_refuses_what_is_shipped_since_nothing_checks_signatures(
    request_: TreeRequest,
) -> None:
    with pytest.raises(MergeRefusedError, match="needs a signed device tree"):
        restrict(request_, Tier.SIGNED)


@pytest.mark.parametrize("request_", [NAMED, FOLDER, OVERLAY, SHIPPED])
def test_a_checked_signature_opens_signed_but_not_locked(request_: TreeRequest) -> None:
    assert restrict(request_, Tier.SIGNED, signed=True) == request_
    if request_ is not FOLDER:
        with pytest.raises(MergeRefusedError):
            restrict(request_, Tier.LOCKED, signed=True)


@pytest.mark.parametrize("request_", [NAMED, OVERLAY, SHIPPED])
def test_locked_refuses_what_an_option_names(request_: TreeRequest) -> None:
    with pytest.raises(MergeRefusedError, match="locked and takes only its own running"):
        restrict(request_, Tier.LOCKED)


@pytest.mark.parametrize("request_", [FOLDER, NOTHING])
def test_locked_uses_the_running_tree_where_an_option_names_none(request_: TreeRequest) -> None:
    locked = restrict(request_, Tier.LOCKED)
    assert locked.mode is TreeMode.RUNNING
    assert locked.mode_why == "this machine is locked"


@pytest.mark.parametrize("strict", [Tier.SIGNED, Tier.LOCKED])
def test_the_running_tree_is_never_refused(strict: Tier) -> None:
    assert restrict(RUNNING, strict) == RUNNING
    assert restrict(NOTHING, strict).mode is TreeMode.RUNNING


@pytest.mark.parametrize(
    ("wanted", "lockdown", "found"),
    [
        (Tier.OPEN, "none", Tier.OPEN),
        (Tier.SIGNED, "none", Tier.SIGNED),
        (Tier.OPEN, "integrity", Tier.LOCKED),
        (Tier.LOCKED, "none", Tier.LOCKED),
    ],
)
def test_lockdown_makes_the_tier_stricter_never_weaker(
    wanted: Tier, lockdown: str, found: Tier
) -> None:
    assert tier(wanted, lockdown) is found


RISKY = TreeReport(origin=TreeOrigin.MERGED, summary="", risks=("/x loses iommus",))


@pytest.mark.parametrize(
    ("allowed", "removable", "refused"),
    [
        (RiskyTrees.AUTO, False, False),
        (RiskyTrees.AUTO, True, True),
        (RiskyTrees.NO, False, True),
        (RiskyTrees.NO, True, True),
        (RiskyTrees.YES, False, False),
        (RiskyTrees.YES, True, False),
    ],
)
def test_dangerous_trees_pass_as_the_setting_says(
    allowed: RiskyTrees,
    removable: bool,  # noqa: FBT001 - a column of the table above
    refused: bool,  # noqa: FBT001 - ditto
) -> None:
    if not refused:
        check_risks(RISKY, allowed, removable=removable)
        return
    with pytest.raises(MergeRefusedError, match=r"is dangerous: /x loses iommus; .* AllowRiskyDt"):
        check_risks(RISKY, allowed, removable=removable)


@pytest.mark.parametrize("allowed", RiskyTrees)
def test_a_tree_without_dangers_always_passes(allowed: RiskyTrees) -> None:
    report = TreeReport(origin=TreeOrigin.MERGED, summary="")
    check_risks(report, allowed, removable=True)


def test_a_removable_medium_is_named_as_the_reason() -> None:
    with pytest.raises(MergeRefusedError, match="comes from a removable medium"):
        check_risks(RISKY, RiskyTrees.AUTO, removable=True)
