"""What a person changed, put over what an entry says. Pure.

The command line and the DTB are taken from the overrides where the tree is asked for
(`bootd.services.artefacts`); here are the files, which decide whether an option can boot at all.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from bootd.errors import LoadError
from bootd.model.option import BootOption, OptionId, ResolvedFile, ResolvedOption
from bootd.model.text import clean
from bootd.protocol.messages import FileView, OverlayView, Overrides
from bootd.record import fields, replace
from bootd.services.state import DeviceState

BY_HAND: Final = "manual:"
"""Start of the id of an option of which the overrides say everything; a device's name follows."""

_View = TypeVar("_View", FileView, OverlayView)

MAX_FILES: Final = 64
"""Initrds, or overlays."""


def overridden(resolved: ResolvedOption, overrides: Overrides) -> ResolvedOption:
    """Return the option with the files that a person chose; those are not missing any more.

    Raises:
        LoadError: A path is not absolute, or there are too many.
    """
    option = resolved
    given: set[str] = set()
    if overrides.linux is not None:
        option = replace(option, linux=_file(overrides.linux))
        given.add("linux")
    if overrides.initrd is not None:
        option = replace(option, initrds=_files(overrides.initrd))
        given.add("initrd")
    if overrides.devicetree is not None:
        given.add("devicetree")
    if overrides.devicetree_overlay is not None:
        parameters = tuple(overlay.parameters for overlay in overrides.devicetree_overlay)
        entry = replace(option.option, overlay_parameters=parameters if any(parameters) else ())
        option = replace(option, overlays=_files(overrides.devicetree_overlay), option=entry)
        given.add("devicetreeOverlay")
    if not given:
        return option
    missing = tuple(each for each in option.missing if each.what not in given)
    return replace(option, missing=missing)


def by_hand(option_id: str, devices: Mapping[str, DeviceState]) -> ResolvedOption | None:
    """Return the empty option of a device that is present, for an id made with `BY_HAND`."""
    name = option_id.removeprefix(BY_HAND)
    if name == option_id or name not in devices:
        return None
    entry = BootOption(entry="", format="manual", source="", title=f"Entered by hand on {name}")
    return ResolvedOption(id=OptionId(option_id), device=name, option=entry)


def laid(below: Overrides, above: Overrides) -> Overrides:
    """Return both changes; where they are about the same, those of `above` count."""
    said = {each.name: getattr(above, each.name) for each in fields(Overrides)}
    return replace(below, **{name: value for name, value in said.items() if value is not None})


def renamed(overrides: Overrides, name: Callable[[str], str]) -> Overrides:
    """Return the changes with other names of the devices in them."""

    def other(file: _View) -> _View:
        return replace(file, device=name(file.device))

    files, overlays = overrides.initrd, overrides.devicetree_overlay
    return replace(
        overrides,
        linux=None if overrides.linux is None else other(overrides.linux),
        initrd=None if files is None else tuple(map(other, files)),
        devicetree_overlay=None if overlays is None else tuple(map(other, overlays)),
    )


def _files(views: tuple[FileView, ...] | tuple[OverlayView, ...]) -> tuple[ResolvedFile, ...]:
    if len(views) > MAX_FILES:
        raise LoadError(f"more than {MAX_FILES} files are named where initrds or overlays belong")
    return tuple(map(_file, views))


def _file(view: FileView | OverlayView) -> ResolvedFile:
    path, _, part = view.path.partition("#")
    if not path.startswith("/"):
        shown = clean(view.path, 80)
        raise LoadError(
            f"{shown!r} is no path: write it from the root of its device, like /vmlinuz"
        )
    return ResolvedFile(device=view.device, path=path, part=part)
