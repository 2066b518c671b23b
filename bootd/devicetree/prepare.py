"""From what an entry asks for to the blob that a loader gets, with its explanation.

The one code path of a boot, of `bootdctl dt merge` and of `bootdctl explain`.
"""

from bootd.devicetree.chosen import CHOSEN, stale_ranges
from bootd.devicetree.explain import sentence
from bootd.devicetree.merge import Merged, merge, rewrite, why_live_only, why_refused
from bootd.devicetree.overlays import Overlay, apply_overlays, read_named, read_overlays
from bootd.devicetree.risk import risks
from bootd.devicetree.scene import Known
from bootd.devicetree.scripted import apply_edits
from bootd.devicetree.select import Selection, select
from bootd.devicetree.verify import verify
from bootd.errors import FdtError, MergeRefusedError
from bootd.fdt import write
from bootd.fdt.compare import differences
from bootd.fdt.tree import Fdt
from bootd.fsview import FsView
from bootd.model.text import clean
from bootd.model.tree import (
    Fact,
    FactAction,
    FactSource,
    TreeMode,
    TreeOrigin,
    TreeReport,
    TreeRequest,
)
from bootd.record import dataclass, replace

_NO_TREE = "no device tree on this machine"
_NOTHING_KNOWN = Known()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What became of a request.

    Attributes:
        blob: For the loader, before `finish`; None on a machine without device tree.
    """

    report: TreeReport
    blob: bytes | None


def prepare(
    fs: FsView | None, request: TreeRequest, live: bytes | None, original: bytes | None = None
) -> Prepared:
    """Select, merge, verify.

    Args:
        fs: The entry's file system; None when the request names no files on one.
        request: What the entry asks for.
        live: The running kernel's tree, flattened; None when the machine has none.
        original: The DTB that the firmware starts from, where it is known.

    Raises:
        MergeRefusedError: The result would not be safe.
        FdtError: A DTB or overlay that the entry names is missing, malformed or does not apply.
    """
    if live is None:
        return Prepared(report=_without_tree(request), blob=None)
    running = read_named(live, "the running device tree")
    never = why_refused(running, request.profile)
    if never is not None:
        raise MergeRefusedError(never)
    known = Known(
        profile=request.profile,
        original=None if original is None else read_named(original, "the firmware's own DTB"),
        screens=frozenset(request.screens),
    )
    selection = _select(fs, request, running)
    overlays = () if request.mode is TreeMode.RUNNING else read_overlays(fs, request)
    if selection.path is None:
        if request.mode is TreeMode.SHIPPED:
            msg = f"there is no shipped device tree to use: {selection.why}"
            raise MergeRefusedError(msg)
        return _running(request, running, selection, overlays)
    return _shipped(request, _Pair(running, known), selection, overlays)


@dataclass(frozen=True, slots=True)
class _Pair:
    """What is known of the board: the running tree, and the rest."""

    running: Fdt
    known: Known


def combine(
    base: Fdt,
    live: Fdt,
    cmdline: str,
    mode: TreeMode = TreeMode.MERGED,
    known: Known = _NOTHING_KNOWN,
) -> tuple[bytes, Merged]:
    """Merge a shipped tree with the running one and check the result.

    Args:
        base: The DTB with overlays and parameters applied (`apply_overlays`).
        live: The running kernel's tree.
        cmdline: Becomes /chosen/bootargs.
        mode: MERGED or SHIPPED.
        known: What else is known of the board.

    Raises:
        MergeRefusedError: As `merge` and `verify`.
        FdtError: The result would be too large.
    """
    merged = merge(base, live, cmdline, mode, known)
    return _checked(merged, live, cmdline), merged


def _select(fs: FsView | None, request: TreeRequest, running: Fdt) -> Selection:
    if request.mode is TreeMode.RUNNING:
        return Selection(why=request.mode_why or "as asked for")
    reason = why_live_only(running, request.profile)
    if reason is not None and request.devicetree is None:
        return Selection(why="no DTB can be used here", notes=(reason,))
    if fs is None:
        return Selection(why="the boot option names no DTB")
    return select(fs, request, running)


def _checked(merged: Merged, live: Fdt, cmdline: str) -> bytes:
    blob = write(merged.fdt)
    verify(blob, merged.base, live, merged.facts, cmdline)
    return blob


def _shipped(
    request: TreeRequest, pair: _Pair, selection: Selection, overlays: tuple[Overlay, ...]
) -> Prepared:
    path = selection.path or ""
    try:
        base, notes = apply_overlays(
            read_named(selection.blob, "the DTB"), overlays, request.parameters
        )
        base, scripted = apply_edits(base, request.edits)
        blob, merged = combine(base, pair.running, request.cmdline, request.mode, pair.known)
    except (FdtError, MergeRefusedError) as error:
        raise type(error)(f"{clean(path, 80)}: {error}") from error
    origin = TreeOrigin.SHIPPED if request.mode is TreeMode.SHIPPED else TreeOrigin.MERGED
    parts = [clean(path.rpartition("/")[2], 60)]
    merged = replace(merged, edits=scripted + merged.edits)
    if overlays:
        parts.append(_count(len(overlays), "overlay"))
    parts.append(_count(_live_facts(merged.facts), "live fact"))
    report = TreeReport(
        origin=origin,
        summary=f"{origin.value}: {' + '.join(parts)}",
        shipped_path=path,
        selected_by=selection.by,
        notes=selection.notes + notes,
        indexed=selection.indexed,
        risks=tuple(risks(base, pair.running)),
    )
    return _report(report, blob, merged, pair.running)


def _running(
    request: TreeRequest,
    running: Fdt,
    selection: Selection,
    overlays: tuple[Overlay, ...],
) -> Prepared:
    base, found = apply_overlays(running, overlays)
    asked_for = request.mode is TreeMode.RUNNING
    base, scripted = apply_edits(base, () if asked_for else request.edits)
    merged = rewrite(base, request.cmdline, request.screens)
    blob = _checked(merged, running, request.cmdline)
    merged = replace(merged, edits=scripted + merged.edits)
    notes = [*selection.notes, *found]
    if request.overlays and asked_for:
        notes.append("the overlays of the boot option are not used with the running tree")
    if request.edits and asked_for:
        notes.append("the boot script's edits are not used with the running tree")
    extra = f" + {_count(len(overlays), 'overlay')}" if overlays else ""
    report = TreeReport(
        origin=TreeOrigin.RUNNING,
        summary=f"running tree{extra} ({selection.why})",
        suggestions=selection.suggestions,
        indexed=selection.indexed,
        notes=tuple(notes),
        risks=tuple(risks(base, running)) if overlays else (),
    )
    return _report(report, blob, merged, running)


def _report(report: TreeReport, blob: bytes, merged: Merged, running: Fdt) -> Prepared:
    # 5 ms of import that a machine without device tree need not pay.
    from hashlib import sha256  # noqa: PLC0415 - see above

    told = tuple(sentence(fact) for fact in merged.told)
    full = replace(
        report,
        facts=merged.facts,
        notes=report.notes + told,
        changed_outside_chosen=_changed(running, merged.fdt),
        sha256=sha256(blob).hexdigest(),
    )
    return Prepared(report=full, blob=blob)


def _changed(running: Fdt, result: Fdt) -> bool:
    """Say whether a kernel that builds the next tree itself would build another one."""
    kept = set(running.reservations) - stale_ranges(running)
    if kept != set(result.reservations) or running.boot_cpu != result.boot_cpu:
        return True
    return any(
        d.path != CHOSEN and not d.path.startswith(f"{CHOSEN}/")
        for d in differences(running, result)
    )


def _live_facts(facts: tuple[Fact, ...]) -> int:
    changes = {FactAction.SET, FactAction.ADD, FactAction.DELETE}
    return sum(f.source is FactSource.LIVE and f.action in changes for f in facts)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _without_tree(request: TreeRequest) -> TreeReport:
    files = request.devicetree is not None or bool(request.overlays)
    note = "the boot option's device tree files are not used: this machine has no device tree"
    return TreeReport(origin=TreeOrigin.RUNNING, summary=_NO_TREE, notes=(note,) if files else ())
