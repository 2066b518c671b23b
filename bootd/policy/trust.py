"""Whether a boot option's device tree may be used here: the tiers open, signed and locked.

What a tree says falls into four classes. A, the machine's own facts (memory, reservations, CPUs,
PSCI, firmware, numbers and addresses): the running tree's always win, by the merge rules. B,
/chosen: written by bootd, never copied from a file. C, the description of hardware: may come from
a shipped DTB or overlay of the same board where those are trusted. D, what is dangerous even then
(`bootd.devicetree.risk`): told, and refused where the setting AllowRiskyDt does not let it pass,
which is from media that anybody may plug in.
Signatures are not checked yet: in the tiers that need one a shipped tree is refused whole.
"""

from typing import Final

from bootd.errors import MergeRefusedError
from bootd.model.board import RiskyTrees, Tier
from bootd.model.text import clean
from bootd.model.tree import TreeMode, TreeReport, TreeRequest
from bootd.record import replace

_STRICTNESS: Final = (Tier.OPEN, Tier.SIGNED, Tier.LOCKED)

_WAY_OUT: Final = "choose the running device tree for this boot, or another option"


def tier(wanted: Tier, lockdown: str) -> Tier:
    """Return the tier in force: a locked-down kernel makes it the strictest.

    Args:
        wanted: The setting.
        lockdown: `none`, `integrity` or `confidentiality`, as in `Machine`.
    """
    return max(wanted, Tier.OPEN if lockdown == "none" else Tier.LOCKED, key=_STRICTNESS.index)


def restrict(request: TreeRequest, tier: Tier, *, signed: bool = False) -> TreeRequest:
    """Return what may be done of a request.

    Args:
        request: Of a boot option.
        tier: In force.
        signed: The option's kernel, initrd, command line, DTB and overlays have one signature that
            was checked. Nothing checks one yet.

    Raises:
        MergeRefusedError: The option ships device tree files that may not be used.
    """
    trusted = tier is Tier.OPEN or (tier is Tier.SIGNED and signed)
    if trusted or request.mode is TreeMode.RUNNING:
        return request
    shipped = (*filter(None, (request.devicetree, request.devicetree_dir)), *request.overlays)
    shipped += tuple(edit.source for edit in request.edits)
    # In a locked machine a folder to choose from is only not used; what is named is refused.
    named = bool(request.devicetree or request.overlays or request.edits) or tier is Tier.SIGNED
    if request.mode is TreeMode.SHIPPED or (shipped and named):
        what = clean(shipped[0], 80) if shipped else "a shipped device tree"
        need = (
            "it needs a signed device tree, and bootd checks no signatures yet"
            if tier is Tier.SIGNED
            else "this machine is locked and takes only its own running device tree"
        )
        msg = f"{what} is refused: {need}; {_WAY_OUT}"
        raise MergeRefusedError(msg)
    why = "this machine is locked" if tier is Tier.LOCKED else "only signed ones may change it"
    return replace(request, mode=TreeMode.RUNNING, mode_why=why, overlays=(), parameters=())


def check_risks(report: TreeReport, allowed: RiskyTrees, *, removable: bool) -> None:
    """Refuse dangerous things that are not allowed; those that are allowed are told.

    Args:
        report: Of the tree that would be used.
        allowed: The setting.
        removable: The files are on a medium that anybody may plug in.

    Raises:
        MergeRefusedError: With the first of them.
    """
    if not report.risks or allowed is RiskyTrees.YES:
        return
    if removable or allowed is RiskyTrees.NO:
        origin = "comes from a removable medium and " if removable else ""
        msg = (
            f"the device tree {origin}is dangerous: {report.risks[0]}; {_WAY_OUT}, or allow it with"
            " AllowRiskyDt=yes in bootd.conf"
        )
        raise MergeRefusedError(msg)
