"""The work behind `bootdctl scan`: look at every source, resolve, print."""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

from bootd.ctl import lending, network, scan_json
from bootd.ctl.look import Look, Sight, unread
from bootd.ctl.scan import Source
from bootd.errors import ProbeError
from bootd.formats import scan
from bootd.formats.tried import tried
from bootd.fsview import FsView
from bootd.model.device import DeviceKind
from bootd.model.lent import LentFile
from bootd.model.option import ResolvedOption
from bootd.model.text import clean, escape
from bootd.policy import menu
from bootd.policy.resolve import resolve, without_replaced
from bootd.probe import confined, image
from bootd.probe.image import Stretch
from bootd.protocol.codec import Json, from_json, to_json
from bootd.protocol.varlink import visible
from bootd.record import dataclass, replace

FAILED: Final = 1

_KINDS: Final = {"nvme": DeviceKind.NVME, "mmcblk": DeviceKind.MMC, "sr": DeviceKind.OPTICAL}
"""What a kernel name says about the medium; USB disks are called sdX as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """All that was looked at.

    Attributes:
        unopened: How many sources could not be opened; said on stderr already.
    """

    looks: tuple[Look, ...]
    unopened: int = 0


def look_at(sources: Iterable[Source], served: Iterable[Source], architecture: str) -> Found:
    """Look at every source in order; one that cannot be opened costs only itself.

    Args:
        sources: Disks and directories.
        served: Directories that play boot servers.
        architecture: Of the board, or "" for this machine's; scripts of servers ask for it.
    """
    looks: list[Look] = []
    places: dict[str, Stretch] = {}
    unopened = 0
    for source in sources:
        try:
            stretches = image.find(source.path, _free_name(source, looks))
        except OSError as error:
            unopened += 1
            _complain(f"cannot open {source.path}: {error.strerror or error}")
            continue
        if source.properties and len(stretches) > 1:
            _complain(f"{source.path} has partitions; uuid= and its like are for one file system")
            source = replace(source, properties={})  # noqa: PLW2901 - the partitions say it themselves
        for each in stretches:
            described = _described(each, source)
            places[described.device.name] = described
            looks.append(_look(described))
    looks = [lending.look_again(each, places, _look) for each in looks]
    for source in served:
        try:
            looks.append(network.look(source, architecture or os.uname().machine))
        except OSError as error:
            unopened += 1
            _complain(f"cannot open {source.path}: {error.strerror or error}")
    return Found(looks=tuple(looks), unopened=unopened)


def report(found: Found, architecture: str, *, as_json: bool) -> None:
    """Print what the menu would show.

    Args:
        found: From `look_at`.
        architecture: Of the board, or "" for this machine's.
        as_json: As DESIGN.md promises it, else a table for a person.
    """
    devices = {look.device.name: look.device for look in found.looks}
    machine = architecture or os.uname().machine
    options = menu.order(
        without_replaced(
            resolve(option, look.device, devices, machine)
            for look in found.looks
            for option in look.result.options
        )
    )
    if as_json:
        pairs = [(look.device, look.result) for look in found.looks]
        print(json.dumps(visible(scan_json.report(pairs, options)), indent=2))
    else:
        _print_table(found.looks, options)


def explain(found: Found) -> None:
    """Say what each format looked at; on stderr, so that JSON on stdout stays JSON."""
    for look in found.looks:
        what = look.device.fstype or look.device.kind.value
        _complain(f"{look.device.name} ({what}):")
        for name in dict.fromkeys(name for name, _, _ in look.tried):
            count = sum(option.format == name for option in look.result.options)
            _complain(f"  {name}: {count} option{'' if count == 1 else 's'}")
            for format_name, place, there in look.tried:
                if format_name == name:
                    _complain(f"    {'found' if there else 'not there':9}  {place}")


def _look(stretch: Stretch, lent: Sequence[LentFile] = ()) -> Look:
    name = stretch.device.name
    try:
        with image.opened(stretch) as view:
            answer = confined.run(name, partial(_look_confined, view, lent))
        return from_json(Sight, answer).of(stretch.device)
    except (ProbeError, OSError) as error:
        reason = error.reason if isinstance(error, ProbeError) else error.strerror or str(error)
        return unread(stretch.device, reason)


def _look_confined(view: FsView, lent: Sequence[LentFile]) -> Json:
    return to_json(Sight(result=scan(view, lent), tried=tried(view)))


def _described(stretch: Stretch, source: Source) -> Stretch:
    """Put what the command line says over what was found."""
    device, given = stretch.device, source.properties
    if source.name:
        kinds = (kind for prefix, kind in _KINDS.items() if device.name.startswith(prefix))
        disk = device.disk if device.disk != device.name else _disk_of(device.name)
        device = replace(device, kind=next(kinds, DeviceKind.DISK), disk=disk)
    described = replace(
        device,
        uuid=given.get("uuid", device.uuid),
        label=given.get("label", device.label),
        partuuid=given.get("partuuid", device.partuuid),
        partlabel=given.get("partlabel", device.partlabel),
        fstype=given.get("fstype", device.fstype),
    )
    return replace(stretch, device=described)


def _free_name(source: Source, looks: Sequence[Look]) -> str:
    """Return the name given, or the path's last part, with a number when it is taken."""
    if source.name:
        return source.name
    base = clean(source.path.rstrip("/").rpartition("/")[2]) or "root"
    taken = {name for look in looks for name in (look.device.name, look.device.disk)}
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    return name


def _disk_of(name: str) -> str:
    """Return `sda` for `sda1` and `mmcblk0` for `mmcblk0p2`."""
    stem = name.rstrip("0123456789")
    if stem != name and stem.endswith("p") and stem[-2:-1].isdecimal():
        return stem[:-1]
    return name if stem[-1:].isdecimal() or name.startswith(("nvme", "mmcblk")) else stem or name


def _print_table(looks: Sequence[Look], options: Sequence[ResolvedOption]) -> None:
    for each in options:
        mark = "*" if each.option.is_default else " "
        title = " > ".join((*each.option.submenu, each.option.title))
        print(f"{mark} {title}")
        print(f"    {each.device}  {each.option.format}  {escape(each.option.source)}")
        for sentence in _remarks(each):
            print(f"    {sentence}")
    if not options:
        print("No boot options.")
    for look in looks:
        for lead in look.result.leads:
            where = f"{clean(lead.device_spec or '')} {clean(lead.path)}"
            print(f"{look.device.name}: its menu is that of {where}")
        for problem in look.result.problems:
            place = ":".join(
                str(part)
                for part in (look.device.name, problem.source, problem.line)
                if part not in {"", None}
            )
            print(f"{place}: {problem.message}")


def _remarks(option: ResolvedOption) -> list[str]:
    missing = [f"missing {m.what}: {clean(m.device)} {clean(m.path)}" for m in option.missing]
    reasons = [f"cannot boot: {reason}" for reason in option.reasons]
    return [*missing, *reasons, *(f"note: {note}" for note in option.notes)]


def _complain(text: str) -> None:
    print(escape(text), file=sys.stderr)
