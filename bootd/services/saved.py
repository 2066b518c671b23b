"""Saved overrides: what a person changed in an option, offered again as an option of its own. Pure.

A device in them is named by the UUID of its file system, "" for the option's own, since kernel
names change from one start to the next.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from bootd.errors import LoadError, ProtocolError
from bootd.model.device import BlockDevice
from bootd.model.option import Missing, OptionId, ResolvedOption
from bootd.model.order import UUID
from bootd.model.remembered import SavedOverrides
from bootd.model.text import clean
from bootd.protocol.codec import from_json, to_json
from bootd.protocol.messages import FileView, OverlayView, Overrides
from bootd.record import dataclass, replace
from bootd.services.overriding import overridden, renamed

MAX_NAME: Final = 40

Devices = Mapping[str, BlockDevice]
"""By kernel name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedOption:
    """A saved override, read.

    Attributes:
        base: Id of the option that it changes.
        changes: Devices in it are named by UUID.
    """

    id: OptionId
    base: OptionId
    name: str
    changes: Overrides


def id_of(base: str, name: str) -> OptionId:
    """Return the id of an option that a person saved."""
    return OptionId(f"{base}+{re.sub(r'[^A-Za-z0-9._-]+', '-', name)}")


def write(
    option: ResolvedOption, name: str, changes: Overrides, devices: Devices
) -> SavedOverrides:
    """Return what is to be remembered.

    Raises:
        LoadError: The name cannot be one, or a path in the changes is none.
    """
    name = clean(name, MAX_NAME + 1).strip()
    if not re.search(r"\w", name) or len(name) > MAX_NAME:
        raise LoadError(f"a name has 1 to {MAX_NAME} characters, and a letter or digit among them")
    overridden(option, changes)

    def spec(device: str) -> str:
        if device in {"", option.device}:
            return ""
        known = devices.get(device)
        return f"{UUID}{known.uuid}" if known is not None and known.uuid else device

    members = {key: value for key, value in _members(renamed(changes, spec)) if value is not None}
    text = json.dumps(members, separators=(",", ":"))
    return SavedOverrides(option=option.id, name=name, overrides=text)


def _members(changes: Overrides) -> Iterable[tuple[str, object]]:
    members = to_json(changes)
    return members.items() if isinstance(members, dict) else ()


def read(saved: Sequence[SavedOverrides]) -> Mapping[OptionId, tuple[SavedOption, ...]]:
    """Return the saved options by the option that they change, without those that make no sense."""
    found: dict[OptionId, tuple[SavedOption, ...]] = {}
    for each in saved:
        try:
            changes = from_json(Overrides, json.loads(each.overrides))
        except (ProtocolError, ValueError, RecursionError):
            continue
        base = OptionId(each.option)
        option = SavedOption(id=id_of(base, each.name), base=base, name=each.name, changes=changes)
        found[base] = (*found.get(base, ()), option)
    return found


def apply(
    base: ResolvedOption, saved: SavedOption, devices: Devices
) -> tuple[ResolvedOption, Overrides]:
    """Return the option that a saved one is now, and its changes with kernel names of devices."""
    names = {it.uuid.casefold(): name for name, it in devices.items() if it.uuid}

    def name(spec: str) -> str:
        if not spec:
            return base.device
        return names.get(spec.removeprefix(UUID).casefold(), spec)

    changes = renamed(saved.changes, name)
    entry = replace(
        base.option,
        title=clean(f"{base.option.title} ({saved.name})"),
        cmdline=base.option.cmdline if changes.options is None else changes.options,
        is_default=False,
    )
    try:
        option = overridden(base, changes)
    except LoadError as error:
        option = replace(base, reasons=(*base.reasons, str(error)))
    entry = replace(entry, overlay_parameters=option.option.overlay_parameters)
    missing = option.missing + tuple(_absent(changes, devices))
    return replace(option, id=saved.id, option=entry, missing=missing, board_rank=None), changes


def _absent(changes: Overrides, devices: Devices) -> Iterable[Missing]:
    named: dict[str, Iterable[FileView | OverlayView]] = {
        "linux": () if changes.linux is None else (changes.linux,),
        "initrd": changes.initrd or (),
        "devicetreeOverlay": changes.devicetree_overlay or (),
    }
    for what, files in named.items():
        for file in files:
            if file.device not in devices:
                yield Missing(what=what, device=file.device, path=file.path)
