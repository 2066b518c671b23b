"""One tree out of two: the gate that a shipped DTB must pass, and the merge itself.

The shipped tree is the base, and its phandles are immutable; facts of the live tree are written
onto it by the RULES table. Neither input is changed.
"""

from collections.abc import Iterable
from typing import Final

from bootd.devicetree.chosen import rewrite_running
from bootd.devicetree.display import drop_dark
from bootd.devicetree.edit import Edit, apply
from bootd.devicetree.facts import RULES, plan
from bootd.devicetree.memory import drop_crash_limits, drop_stale_reservations
from bootd.devicetree.scene import Known, Scene
from bootd.errors import MergeRefusedError
from bootd.fdt.cells import compatible
from bootd.fdt.tree import Fdt, copy_fdt
from bootd.model.board import Base, Profile
from bootd.model.text import clean
from bootd.model.tree import Fact, FactAction, TreeMode
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

    @property
    def told(self) -> tuple[Fact, ...]:
        """Those that a person should see without asking: refusals, and what may be a mistake."""
        return tuple(
            edit.fact() for edit in self.edits if edit.why.told or edit.action is FactAction.REFUSE
        )


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


def rewrite(live: Fdt, cmdline: str, screens: Iterable[str] = ()) -> Merged:
    """Return the running tree with /chosen written for the next kernel."""
    edits = (
        *drop_stale_reservations(live),
        *drop_crash_limits(live),
        *rewrite_running(live, cmdline),
        *drop_dark(live, screens),
    )
    return _apply(live, edits)


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


def why_refused(live: Fdt, profile: Profile = _NOTHING_KNOWN.profile) -> str | None:
    """Say why nothing can be booted on this machine by kexec, or None."""
    if profile.base is Base.REFUSE:
        return profile.reason
    hypervisor = live.root.children.get("hypervisor")
    if hypervisor is not None and any(t.startswith("xen,xen") for t in compatible(hypervisor)):
        return "this system runs under Xen, which does not let a kernel be replaced by kexec"
    return None


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
    return why_refused(live)


def _apply(base: Fdt, edits: tuple[Edit, ...]) -> Merged:
    result = copy_fdt(base)
    apply(result, edits)
    return Merged(base=base, fdt=result, edits=edits)
