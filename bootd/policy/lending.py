"""Which device is asked for the files that a configuration on another one wants, and the answers.

A medium that anybody can bring in lends to its own kind only: a stick that calls itself `boot` must
not add words to the command line of the built-in disk.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from bootd.model.device import BlockDevice
from bootd.model.lent import HAVING, LentFile, LentKind
from bootd.model.option import FileRef
from bootd.policy.resolve import find_from, is_open_to_anybody
from bootd.record import replace

MAX_ROUNDS: Final = 4
"""A file that was lent may ask for the next one; GRUB's own menus need two rounds."""


def questions(
    wants: Iterable[FileRef], own: BlockDevice, devices: Iterable[BlockDevice]
) -> Mapping[str, tuple[str, ...]]:
    """Return which paths to look up, by the name of the device that is asked, in its order.

    Args:
        wants: From the scan of `own`.
        own: The device that the configuration is on; never asked.
        devices: All that are present.
    """
    lenders = _lenders(own, devices)
    asked: dict[str, dict[str, None]] = {}
    for want in wants:
        for device in _asked(want, own, lenders):
            asked.setdefault(device.name, {})[want.path] = None
    return {name: tuple(paths) for name, paths in asked.items()}


def unanswered(wants: Iterable[FileRef], lent: Iterable[LentFile]) -> tuple[FileRef, ...]:
    """Return those of `wants` that are not among what is lent already."""
    known = {(each.device, each.path) for each in lent}
    return tuple(each for each in wants if (each.device, each.path) not in known)


def answers(
    wants: Iterable[FileRef],
    own: BlockDevice,
    devices: Iterable[BlockDevice],
    found: Mapping[str, Iterable[LentFile]],
) -> tuple[LentFile, ...]:
    """Return what is lent for each want that somebody answered.

    Args:
        wants: As given to `questions`, with the next two.
        own: The borrower.
        devices: All that are present.
        found: What the devices that were asked have, by their names.
    """
    known = {(name, file.path): file for name, files in found.items() for file in files}
    lenders = _lenders(own, devices)
    lent: list[LentFile] = []
    for want in wants:
        for device in _asked(want, own, lenders):
            file = known.get((device.name, want.path))
            searched = (want.device or "").startswith(HAVING)
            if file is None or (searched and file.kind is LentKind.ABSENT):
                continue
            holder = _spec(device) if searched else ""
            lent.append(replace(file, device=want.device or "", holder=holder))
            break
    return tuple(lent)


def _lenders(own: BlockDevice, devices: Iterable[BlockDevice]) -> list[BlockDevice]:
    """Return the devices that may be asked, those of the same disk first."""
    disk = own.disk or own.name
    lenders = [
        each
        for each in devices
        if (each.disk or each.name) == disk
        or is_open_to_anybody(own)
        or not is_open_to_anybody(each)
    ]
    return sorted(lenders, key=lambda each: ((each.disk or each.name) != disk, each.name))


def _asked(want: FileRef, own: BlockDevice, lenders: list[BlockDevice]) -> Iterable[BlockDevice]:
    spec = want.device or ""
    if spec.startswith(HAVING):
        return [each for each in lenders if each.name != own.name]
    holder = find_from(spec, own, lenders)
    return () if holder is None or holder.name == own.name else (holder,)


def _spec(device: BlockDevice) -> str:
    return f"UUID={device.uuid}" if device.uuid else f"/dev/{device.name}"
