"""One tree out of two: the gate that a shipped DTB must pass, and the merge itself.

The shipped tree is the base, and its phandles are immutable; facts of the live tree are written
onto it by the RULES table. Neither input is changed.
"""

from typing import Final

from bootd.devicetree.chosen import rewrite_running
from bootd.devicetree.edit import Edit, apply
from bootd.devicetree.facts import RULES, plan
from bootd.devicetree.memory import drop_stale_reservations
from bootd.devicetree.scene import Known, Scene
from bootd.errors import MergeRefusedError
from bootd.fdt.cells import compatible
from bootd.fdt.tree import Fdt, copy_fdt
from bootd.model.board import Base, Profile
from bootd.model.text import clean
from bootd.model.tree import Fact, TreeMode
from bootd.record import dataclass

_NOTHING_KNOWN: Final = Known()


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A finished tree.

    Attributes:
        base: What facts are differences from; unchanged.
        fdt: The result, before initrd addresses and seeds.
        edits: What was done to `base`, and what was refused.
    """

    base: Fdt
    fdt: Fdt
    edits: tuple[Edit, ...]

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The edits as a person gets to see them."""
        return tuple(edit.fact() for edit in self.edits)


def merge(
    base: Fdt,
    live: Fdt,
    cmdline: str,
    mode: TreeMode = TreeMode.MERGED,
    known: Known = _NOTHING_KNOWN,
) -> Merged:
    """Put this board's facts into a shipped tree (with its overlays).

    Args:
        base: What the entry ships.
        live: The running kernel's tree.
        cmdline: Becomes /chosen/bootargs.
        mode: SHIPPED applies only what no kernel can do without.
        known: What else is known of the board.

    Raises:
        MergeRefusedError: The base is for another board, or a fact does not fit it.
    """
    check_gate(base, live, known.profile)
    rules = tuple(rule for rule in RULES if rule.essential or mode is not TreeMode.SHIPPED)
    return _apply(base, plan(Scene(base=base, live=live, cmdline=cmdline, known=known), rules))


def rewrite(live: Fdt, cmdline: str) -> Merged:
    """Return the running tree with /chosen written for the next kernel."""
    return _apply(live, (*drop_stale_reservations(live), *rewrite_running(live, cmdline)))


def check_gate(base: Fdt, live: Fdt, profile: Profile = _NOTHING_KNOWN.profile) -> None:
    """Refuse a shipped tree that is not for this board.

    Raises:
        MergeRefusedError: With both boards' names.
    """
    reason = why_live_only(live, profile)
    if reason is not None:
        raise MergeRefusedError(reason)
    ours, theirs = compatible(live.root), compatible(base.root)
    if not set(theirs) & {ours[0], *profile.also}:
        name = clean(theirs[0], 60) if theirs else "no board at all"
        msg = f"DTB is for another board: it is for {name}, this board is {clean(ours[0], 60)}"
        raise MergeRefusedError(msg)
    for name in ("#address-cells", "#size-cells"):
        if name not in base.root.properties or name not in live.root.properties:
            msg = f"{name} of the root is missing: addresses cannot be brought over"
            raise MergeRefusedError(msg)


def why_live_only(live: Fdt, profile: Profile = _NOTHING_KNOWN.profile) -> str | None:
    """Say why no shipped tree can be used on this machine at all, or None.

    What is here holds also where the profiles of these machines are not installed.
    """
    if profile.base is not Base.MERGE:
        return profile.reason
    board = compatible(live.root)
    below = live.root.children
    if not board:
        return (
            "the running device tree does not name a board (an ACPI machine):"
            " no shipped DTB can be checked against it"
        )
    if "ibm,opal" in below or "rtas" in below:
        return (
            "the firmware of this machine (OPAL or RTAS) describes it alone: no DTB can replace it"
        )
    if board[0].startswith("apple,"):
        return "Apple machines need what m1n1 put into the running tree: no DTB can replace it"
    if "hypervisor" in below and "xen,xen" in compatible(below["hypervisor"]):
        return "this system runs under Xen, whose description cannot be brought over"
    return None


def _apply(base: Fdt, edits: tuple[Edit, ...]) -> Merged:
    result = copy_fdt(base)
    apply(result, edits)
    return Merged(base=base, fdt=result, edits=edits)
