"""The only mapping from the daemon's values to what clients see.

Foreign text was cleaned where it was parsed; command lines and paths are exact, and whoever shows
them cleans them.
"""

from typing import Final

from bootd.model.browsing import TreePage
from bootd.model.device import LUKS
from bootd.model.load import LoadReport
from bootd.model.option import FileRef, Missing, ResolvedFile, ResolvedOption
from bootd.model.problem import Problem
from bootd.model.tree import Fact, TreeReport
from bootd.policy import counting
from bootd.protocol.messages import (
    BootReply,
    DeviceView,
    FactView,
    FileView,
    MissingView,
    OptionView,
    OverlayView,
    ProblemView,
    TreePageView,
    TreeRowView,
    TreeView,
)
from bootd.services.state import DeviceState, MenuEntry

MAX_WEIGHT: Final = 64 << 10
"""Of one option, see `weigh`: with six bytes a character it stays below the message limit."""
MAX_PROBLEMS: Final = 64
MAX_TEXT: Final = 512
MAX_FACTS: Final = 1_000


def device(state: DeviceState) -> DeviceView:
    """Return a device as clients see it."""
    it = state.device
    return DeviceView(
        name=it.name,
        node=it.node,
        uuid=it.uuid,
        label=it.label,
        partuuid=it.partuuid,
        partlabel=it.partlabel,
        fstype=it.fstype,
        disk=it.disk,
        model=it.model,
        kind=it.kind.value,
        size_bytes=it.size_bytes,
        removable=it.removable,
        state=state.phase.value,
        problems=_problems(state.problems),
        locked=it.fstype == LUKS,
    )


def option(entry: MenuEntry) -> OptionView:
    """Return a boot option as clients see it; one that would burst a message only by name."""
    view = _option(entry)
    if weigh(view) <= MAX_WEIGHT:
        return view
    reason = f"The entry is too large: it has {weigh(view)} characters."
    return OptionView(
        id=view.id,
        device=view.device,
        format=view.format,
        source=view.source,
        title=view.title,
        is_default=view.is_default,
        is_selected=view.is_selected,
        bootable=False,
        reasons=(reason,),
    )


def weigh(view: OptionView | DeviceView) -> int:
    """Return roughly how many characters of foreign text a view holds.

    On the wire each may take six bytes, beside a kilobyte of names.
    """
    match view:
        case OptionView():
            files = (view.linux, view.devicetree, view.devicetree_dir)
            named = (*files, *view.initrd, *view.devicetree_overlay, *view.missing)
            text = (view.options, view.source, *view.notes, *view.reasons, *view.submenu)
            text += (view.changes.options or "",) if view.changes else ()
            return sum(map(len, text)) + sum(len(file.path) for file in named if file)
        case DeviceView():
            return sum(len(each.message) + len(each.source) for each in view.problems)


def _option(entry: MenuEntry) -> OptionView:
    resolved, it = entry.resolved, entry.resolved.option
    return OptionView(
        id=resolved.id,
        device=resolved.device,
        format=it.format,
        source=it.source,
        title=it.title,
        version=it.version,
        linux=_file(resolved.linux, it.linux, resolved.device),
        initrd=_files(resolved.initrds, it.initrds, resolved.device),
        options=it.cmdline,
        devicetree=_file(resolved.devicetree, it.devicetree, resolved.device),
        devicetree_dir=_file(resolved.devicetree_dir, it.devicetree_dir, resolved.device),
        devicetree_overlay=_overlays(resolved),
        submenu=it.submenu,
        sort_key=it.sort_key,
        machine_id=it.machine_id,
        architecture=it.architecture,
        is_default=entry.is_default,
        is_selected=entry.is_selected,
        bootable=resolved.bootable,
        missing=tuple(map(_missing, resolved.missing)),
        reasons=resolved.reasons,
        notes=_notes(entry),
        tries_left=None if entry.tries is None else entry.tries.left,
        tries_done=None if entry.tries is None else entry.tries.done,
        tree=entry.tree,
        base_id=entry.base,
        changes=entry.changes if entry.base else None,
    )


def _notes(entry: MenuEntry) -> tuple[str, ...]:
    said = "" if entry.tries is None else counting.describe(entry.tries)
    return (*entry.resolved.notes, said) if said else entry.resolved.notes


def _problems(problems: tuple[Problem, ...]) -> tuple[ProblemView, ...]:
    """Return the first problems, each cut to a readable length, and how many are left out."""
    views = tuple(
        ProblemView(source=it.source[:MAX_TEXT], line=it.line, message=it.message[:MAX_TEXT])
        for it in problems[:MAX_PROBLEMS]
    )
    unseen = len(problems) - len(views)
    if not unseen:
        return views
    return (*views, ProblemView(source="", message=f"{unseen} more problems are not shown"))


def tree(report: TreeReport) -> TreeView:
    """Return a tree report as clients see it."""
    unseen = max(0, len(report.facts) - MAX_FACTS)
    return TreeView(
        origin=report.origin.value,
        summary=report.summary,
        shipped_path=report.shipped_path,
        selected_by=report.selected_by,
        facts=tuple(map(_fact, report.facts[:MAX_FACTS])),
        suggestions=report.suggestions,
        notes=report.notes if not unseen else (*report.notes, f"{unseen} more facts are not shown"),
        sha256=report.sha256,
    )


def tree_page(page: TreePage) -> TreePageView:
    """Return a part of a tree as clients see it."""
    rows = tuple(
        TreeRowView(
            path=row.path,
            property=row.property,
            value=row.value,
            shipped=row.shipped,
            live=row.live,
            source=row.source,
            rule=row.rule,
            reason=row.reason,
        )
        for row in page.rows
    )
    return TreePageView(
        path=page.path, rows=rows, total=page.total, summary=page.summary, sha256=page.sha256
    )


def boot_reply(report: LoadReport, summary: str) -> BootReply:
    """Return what was loaded as clients see it."""
    return BootReply(
        loader=report.loader,
        tree=report.tree.value,
        summary=summary,
        why=report.why,
        tree_sha256=report.tree_sha256,
        notes=report.notes,
        executed=report.executed,
    )


def _fact(fact: Fact) -> FactView:
    return FactView(
        path=fact.path,
        property=fact.property,
        source=fact.source.value,
        rule=fact.rule,
        action=fact.action.value,
        reason=fact.reason,
    )


def _missing(missing: Missing) -> MissingView:
    return MissingView(what=missing.what, device=missing.device, path=missing.path)


def _file(found: ResolvedFile | None, written: FileRef | None, own: str) -> FileView | None:
    """Prefer where a file is; while it is missing show it as the configuration names it."""
    if found is not None:
        return _found(found)
    return None if written is None else _written(written, own)


def _files(
    found: tuple[ResolvedFile, ...], written: tuple[FileRef, ...], own: str
) -> tuple[FileView, ...]:
    """Return the files where they are if all were found, else all as written."""
    if len(found) == len(written):
        return tuple(map(_found, found))
    return tuple(_written(file, own) for file in written)


def _overlays(resolved: ResolvedOption) -> tuple[OverlayView, ...]:
    files = _files(resolved.overlays, resolved.option.overlays, resolved.device)
    parameters = resolved.option.overlay_parameters or ("",) * len(files)
    return tuple(
        OverlayView(device=file.device, path=file.path, parameters=settings)
        for file, settings in zip(files, parameters, strict=False)
    )


def _found(file: ResolvedFile) -> FileView:
    return FileView(device=file.device, path=_path(file))


def _written(file: FileRef, own: str) -> FileView:
    if file.url:
        return FileView(device="", path=file.url)
    return FileView(device=file.device_spec or own, path=_path(file))


def _path(file: ResolvedFile | FileRef) -> str:
    return f"{file.path}#{file.part}" if file.part else file.path
