"""From what an entry asks for to the blob that a loader gets, with its explanation.

The one code path of a boot, of `bootdctl dt merge` and of `bootdctl explain`.
"""

from bootd.container import read_part
from bootd.devicetree.chosen import CHOSEN, stale_ranges
from bootd.devicetree.explain import sentence
from bootd.devicetree.merge import Merged, merge, rewrite, why_live_only
from bootd.devicetree.select import Selection, select
from bootd.devicetree.verify import verify
from bootd.errors import ConfigLimitError, FdtError, ImageError, MergeRefusedError
from bootd.fdt import MAX_BLOB_BYTES, read, write
from bootd.fdt.compare import differences
from bootd.fdt.overlay import apply
from bootd.fdt.tree import Fdt, copy_fdt
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What became of a request.

    Attributes:
        blob: For the loader, before `finish`; None on a machine without device tree.
    """

    report: TreeReport
    blob: bytes | None


def prepare(fs: FsView | None, request: TreeRequest, live: bytes | None) -> Prepared:
    """Select, merge, verify.

    Args:
        fs: The entry's file system; None when the request names no files on one.
        request: What the entry asks for.
        live: The running kernel's tree, flattened; None when the machine has none.

    Raises:
        MergeRefusedError: The result would not be safe.
        FdtError: A DTB or overlay that the entry names is missing, malformed or does not apply.
    """
    if live is None:
        return Prepared(report=_without_tree(request), blob=None)
    running = read_named(live, "the running device tree")
    selection = _select(fs, request, running)
    overlays = () if request.mode is TreeMode.RUNNING else _read_overlays(fs, request)
    if selection.path is None:
        if request.mode is TreeMode.SHIPPED:
            msg = f"there is no shipped device tree to use: {selection.why}"
            raise MergeRefusedError(msg)
        return _running(request, running, selection, overlays)
    return _shipped(request, running, selection, overlays)


def combine(
    shipped: bytes,
    overlays: tuple[tuple[str, bytes], ...],
    live: Fdt,
    cmdline: str,
    mode: TreeMode = TreeMode.MERGED,
) -> tuple[bytes, Merged]:
    """Merge a shipped blob with the running tree and check the result.

    Args:
        shipped: The DTB.
        overlays: (name, blob) in order.
        live: The running kernel's tree.
        cmdline: Becomes /chosen/bootargs.
        mode: MERGED or SHIPPED.

    Raises:
        MergeRefusedError: As `merge` and `verify`.
        FdtError: The DTB or an overlay is malformed, or an overlay does not apply.
    """
    base = apply_overlays(read_named(shipped, "the DTB"), overlays)
    merged = merge(base, live, cmdline, mode)
    return _checked(merged, live, cmdline), merged


def apply_overlays(base: Fdt, overlays: tuple[tuple[str, bytes], ...]) -> Fdt:
    """Return a tree with overlays applied in order; `base` itself is not changed.

    Raises:
        FdtError: With the overlay's name.
    """
    if not overlays:
        return base
    result = copy_fdt(base)
    for name, blob in overlays:
        overlay = read_named(blob, f"the overlay {clean(name, 80)}")
        try:
            apply(result, overlay)
        except FdtError as error:
            raise FdtError(f"the overlay {clean(name, 80)} does not apply: {error}") from error
    return result


def read_named(blob: bytes, what: str) -> Fdt:
    """Read a blob; an FdtError then says which one it was."""
    try:
        return read(blob)
    except FdtError as error:
        raise FdtError(f"{what} is malformed: {error}") from error


def _select(fs: FsView | None, request: TreeRequest, running: Fdt) -> Selection:
    if request.mode is TreeMode.RUNNING:
        return Selection(why="as asked for")
    reason = why_live_only(running)
    if reason is not None and request.devicetree is None:
        return Selection(why="no DTB can be used here", notes=(reason,))
    if fs is None:
        return Selection(why="the boot option names no DTB")
    return select(fs, request, running)


def _read_overlays(fs: FsView | None, request: TreeRequest) -> tuple[tuple[str, bytes], ...]:
    found: list[tuple[str, bytes]] = []
    parts = request.overlay_parts or ("",) * len(request.overlays)
    for path, part in zip(request.overlays, parts, strict=False):
        try:
            blob = b"" if fs is None else read_part(fs, path, part, MAX_BLOB_BYTES)
        except (OSError, ConfigLimitError, ImageError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise FdtError(f"the overlay {clean(path, 80)} cannot be read: {reason}") from error
        found.append((path, blob))
    return tuple(found)


def _checked(merged: Merged, live: Fdt, cmdline: str) -> bytes:
    blob = write(merged.fdt)
    verify(blob, merged.base, live, merged.facts, cmdline)
    return blob


def _shipped(
    request: TreeRequest,
    running: Fdt,
    selection: Selection,
    overlays: tuple[tuple[str, bytes], ...],
) -> Prepared:
    path = selection.path or ""
    try:
        blob, merged = combine(selection.blob, overlays, running, request.cmdline, request.mode)
    except (FdtError, MergeRefusedError) as error:
        raise type(error)(f"{clean(path, 80)}: {error}") from error
    origin = TreeOrigin.SHIPPED if request.mode is TreeMode.SHIPPED else TreeOrigin.MERGED
    parts = [clean(path.rpartition("/")[2], 60)]
    if overlays:
        parts.append(_count(len(overlays), "overlay"))
    parts.append(_count(_live_facts(merged.facts), "live fact"))
    report = TreeReport(
        origin=origin,
        summary=f"{origin.value}: {' + '.join(parts)}",
        shipped_path=path,
        selected_by=selection.by,
        notes=selection.notes,
    )
    return _report(report, blob, merged, running)


def _running(
    request: TreeRequest,
    running: Fdt,
    selection: Selection,
    overlays: tuple[tuple[str, bytes], ...],
) -> Prepared:
    base = apply_overlays(running, overlays)
    merged = rewrite(base, request.cmdline)
    blob = _checked(merged, running, request.cmdline)
    notes = list(selection.notes)
    if request.overlays and request.mode is TreeMode.RUNNING:
        notes.append("the overlays of the boot option are not used with the running tree")
    extra = f" + {_count(len(overlays), 'overlay')}" if overlays else ""
    report = TreeReport(
        origin=TreeOrigin.RUNNING,
        summary=f"running tree{extra} ({selection.why})",
        suggestions=selection.suggestions,
        notes=tuple(notes),
    )
    return _report(report, blob, merged, running)


def _report(report: TreeReport, blob: bytes, merged: Merged, running: Fdt) -> Prepared:
    # 5 ms of import that a machine without device tree need not pay.
    from hashlib import sha256  # noqa: PLC0415 - see above

    refused = tuple(sentence(f) for f in merged.facts if f.action is FactAction.REFUSE)
    full = replace(
        report,
        facts=merged.facts,
        notes=report.notes + refused,
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
