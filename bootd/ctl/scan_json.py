"""What `bootdctl scan --json` writes; names are a promise (DESIGN.md).

`linux` and its like are `{"device", "path"}`: a device that is here, or the spec as written while
it is not; with `part` where a part of a container is meant. `isDefault` is the configuration's own
mark; `default` is what would boot by itself. `leads` are configurations on other devices that one
on this device shows in its place.
"""

from collections.abc import Iterable, Sequence

from bootd.model.device import BlockDevice
from bootd.model.option import FileRef, ResolvedOption, ScanResult
from bootd.policy import menu
from bootd.protocol.codec import Json


def report(
    devices: Iterable[tuple[BlockDevice, ScanResult]], options: Sequence[ResolvedOption]
) -> Json:
    """Return the whole answer.

    Args:
        devices: What was looked at, in order, with what was found.
        options: In menu order.
    """
    return {
        "devices": [_device(device, result) for device, result in devices],
        "options": [_option(option) for option in options],
        "default": menu.default(options),
    }


def _device(device: BlockDevice, result: ScanResult) -> Json:
    return {
        "name": device.name,
        "uuid": device.uuid,
        "label": device.label,
        "partuuid": device.partuuid,
        "partlabel": device.partlabel,
        "fstype": device.fstype,
        "timeout": result.timeout_s,
        "leads": [{"device": each.device_spec, "path": each.path} for each in result.leads],
        "problems": [
            {"source": each.source, "line": each.line, "message": each.message}
            for each in result.problems
        ],
    }


def _option(resolved: ResolvedOption) -> Json:
    option, own = resolved.option, resolved.device
    return {
        "id": resolved.id,
        "device": own,
        "format": option.format,
        "source": option.source,
        "title": option.title,
        "version": option.version,
        "linux": _file(option.linux, resolved),
        "initrd": [_file(ref, resolved) for ref in option.initrds],
        "cmdline": option.cmdline,
        "devicetree": _file(option.devicetree, resolved),
        "devicetreeDir": _file(option.devicetree_dir, resolved),
        "devicetreeOverlay": [_file(ref, resolved) for ref in option.overlays],
        "devicetreeNone": option.devicetree_none,
        "devicetreeEdit": [
            {"path": e.path, "property": e.property, "value": e.value, "source": e.source}
            for e in option.devicetree_edits
        ],
        "submenu": list(option.submenu),
        "sortKey": option.sort_key,
        "machineId": option.machine_id,
        "architecture": option.architecture,
        "triesLeft": option.tries_left,
        "triesDone": option.tries_done,
        "saves": [
            {"file": _file(each.file, resolved), "name": each.name, "value": each.value}
            for each in option.saves
        ],
        "isDefault": option.is_default,
        "bootable": resolved.bootable,
        "missing": [
            {"what": each.what, "device": each.device, "path": each.path}
            for each in resolved.missing
        ],
        "reasons": list(resolved.reasons),
        "notes": list(resolved.notes),
    }


def _file(ref: FileRef | None, resolved: ResolvedOption) -> Json:
    if ref is None:
        return None
    if ref.url:
        return {"url": ref.url}
    found = (
        resolved.linux,
        *resolved.initrds,
        resolved.devicetree,
        resolved.devicetree_dir,
        *resolved.overlays,
    )
    here = (file.device for file in found if file and file.path == ref.path)
    device = resolved.device if ref.device is None else next(here, ref.device_spec)
    plain: dict[str, Json] = {"device": device, "path": ref.path}
    return {**plain, "part": ref.part} if ref.part else plain
