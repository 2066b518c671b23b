"""What a person changes of an option before its boot, as rows to edit. Pure.

Each row says what the entry itself has wherever that differs, so that a change can be seen and
taken back. A file on the option's own device is written as its path, on another one as
`sda2:/path`; a part of a container follows after a `#`.
"""

from enum import Enum
from typing import Final, assert_never

from bootd.protocol.messages import NO_OVERRIDES, FileView, OptionView, OverlayView, Overrides
from bootd.record import dataclass, replace

BY_HAND: Final = "manual:"
"""Start of the id of an option of which overrides say everything; a device's name follows."""

MODES: Final = (None, "merged", "running", "shipped")
"""Words for the tree, in the order in which they are offered; None is what the entry says."""


class Part(Enum):
    """What a row is about; the value is the word of the plain face."""

    KERNEL = "kernel"
    INITRD = "initrd"
    ADD_INITRD = "initrd+"
    CMDLINE = "cmdline"
    TREE = "tree"
    DTB = "dtb"
    OVERLAY = "overlay"
    ADD_OVERLAY = "overlay+"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line to edit; foreign text as it came.

    Attributes:
        index: Which initrd or overlay.
        was: What the entry says, when that differs; None when not.
        checked: Whether an overlay is applied; None for other rows.
    """

    part: Part
    label: str
    value: str
    index: int = 0
    was: str | None = None
    checked: bool | None = None


def by_hand(device: str) -> OptionView:
    """Return the empty option of a device, for a person to fill in."""
    title = f"New option on {device}"
    return OptionView(
        id=f"{BY_HAND}{device}", device=device, format="manual", source="", title=title
    )


def rows(option: OptionView, edit: Overrides) -> tuple[Row, ...]:
    """Return what can be edited, in order."""
    initrds = option.initrd if edit.initrd is None else edit.initrd
    cmdline = option.options if edit.options is None else edit.options
    dtb = "" if option.devicetree is None else _written(option, option.devicetree)
    return (
        Row(
            part=Part.KERNEL,
            label="kernel",
            value=_written(option, edit.linux or option.linux),
            was=None if edit.linux is None else _written(option, option.linux),
        ),
        *(_initrd(option, edit, index, file) for index, file in enumerate(initrds)),
        Row(
            part=Part.ADD_INITRD,
            label="initrd",
            value="",
            index=len(initrds),
            was=_dropped(option, len(initrds)),
        ),
        Row(
            part=Part.CMDLINE,
            label="cmdline",
            value=cmdline,
            was=None if edit.options is None else option.options,
        ),
        Row(
            part=Part.TREE,
            label="tree",
            value=edit.devicetree_mode or "",
            was=None if edit.devicetree_mode is None else "",
        ),
        Row(
            part=Part.DTB,
            label="DTB",
            value=dtb if edit.devicetree is None else edit.devicetree,
            was=None if edit.devicetree is None else dtb,
        ),
        *_overlays(option, edit),
        Row(part=Part.ADD_OVERLAY, label="overlay", value="", index=len(_known(option, edit))),
    )


def changed(option: OptionView, edit: Overrides, row: Row, text: str) -> Overrides:
    """Return the edit after a person has written `text` into a row; "" takes a file out."""
    text = text.strip()
    match row.part:
        case Part.KERNEL:
            after = replace(edit, linux=_file(option, text) if text else None)
        case Part.INITRD | Part.ADD_INITRD:
            files = list(option.initrd if edit.initrd is None else edit.initrd)
            files[row.index : row.index + 1] = [_file(option, text)] if text else []
            after = replace(edit, initrd=tuple(files))
        case Part.CMDLINE:
            after = replace(edit, options=text)
        case Part.TREE:
            after = replace(edit, devicetree_mode=text or None)
        case Part.DTB:
            after = replace(edit, devicetree=text or None)
        case Part.OVERLAY | Part.ADD_OVERLAY:
            after = _overlay_written(option, edit, row.index, text)
        case _:
            assert_never(row.part)
    return _without_repetition(option, after)


def toggled(option: OptionView, edit: Overrides, row: Row) -> Overrides | None:
    """Return the edit after Enter on a row that is chosen, not written; None for other rows."""
    if row.part is Part.TREE:
        following = MODES[(MODES.index(row.value or None) + 1) % len(MODES)]
        return replace(edit, devicetree_mode=following)
    if row.part is not Part.OVERLAY:
        return None
    overlay = _known(option, edit)[row.index]
    applied = _applied(option, edit)
    if overlay in applied:
        after = tuple(each for each in applied if each != overlay)
    else:
        order = _known(option, edit)
        after = tuple(each for each in order if each in applied or each == overlay)
    return _without_repetition(option, replace(edit, devicetree_overlay=after))


def undone(option: OptionView, edit: Overrides, row: Row) -> Overrides:
    """Return the edit without the change of a row; a list of files comes back as a whole."""
    match row.part:
        case Part.KERNEL:
            return replace(edit, linux=None)
        case Part.INITRD | Part.ADD_INITRD:
            return replace(edit, initrd=None)
        case Part.CMDLINE:
            return replace(edit, options=None)
        case Part.TREE:
            return replace(edit, devicetree_mode=None)
        case Part.DTB:
            return replace(edit, devicetree=None)
        case Part.OVERLAY | Part.ADD_OVERLAY:
            return _without_repetition(option, replace(edit, devicetree_overlay=None))


def is_edited(edit: Overrides | None) -> bool:
    """Return whether anything differs from the entry."""
    return edit is not None and edit != NO_OVERRIDES


def _initrd(option: OptionView, edit: Overrides, index: int, file: FileView) -> Row:
    own = option.initrd[index] if index < len(option.initrd) else None
    same = edit.initrd is None or own == file
    return Row(
        part=Part.INITRD,
        label=f"initrd {index + 1}" if index else "initrd",
        value=_written(option, file),
        index=index,
        was=None if same else _written(option, own),
    )


def _dropped(option: OptionView, kept: int) -> str | None:
    """Return the entry's initrds that have been taken out at the end."""
    gone = option.initrd[kept:]
    return " ".join(_written(option, file) for file in gone) or None


def _overlays(option: OptionView, edit: Overrides) -> tuple[Row, ...]:
    applied = _applied(option, edit)
    found = []
    for index, overlay in enumerate(_known(option, edit)):
        on, own = overlay in applied, overlay in option.devicetree_overlay
        found.append(
            Row(
                part=Part.OVERLAY,
                label="overlay",
                value=_overlay_words(option, overlay),
                index=index,
                was=None if on == own else ("applied" if own else "not there"),
                checked=on,
            )
        )
    return tuple(found)


def _applied(option: OptionView, edit: Overrides) -> tuple[OverlayView, ...]:
    own = option.devicetree_overlay
    return own if edit.devicetree_overlay is None else edit.devicetree_overlay


def _known(option: OptionView, edit: Overrides) -> tuple[OverlayView, ...]:
    """Return the entry's overlays, applied or not, then those that a person added."""
    return tuple(dict.fromkeys((*option.devicetree_overlay, *_applied(option, edit))))


def _overlay_written(option: OptionView, edit: Overrides, index: int, text: str) -> Overrides:
    known = _known(option, edit)
    applied = [each for each in _applied(option, edit) if known.index(each) != index]
    if text:
        path, _, parameters = text.partition(" ")
        file = _file(option, path)
        given = ",".join(parameters.replace(",", " ").split())
        applied.append(OverlayView(device=file.device, path=file.path, parameters=given))
    return replace(edit, devicetree_overlay=tuple(dict.fromkeys(applied)))


def _overlay_words(option: OptionView, overlay: OverlayView) -> str:
    file = _written(option, FileView(device=overlay.device, path=overlay.path))
    return f"{file} {overlay.parameters}".rstrip()


def _without_repetition(option: OptionView, edit: Overrides) -> Overrides:
    """Leave out what is as the entry says, so that nothing is an edit that changes nothing."""
    return replace(
        edit,
        options=None if edit.options == option.options else edit.options,
        linux=None if edit.linux == option.linux else edit.linux,
        initrd=None if edit.initrd == option.initrd else edit.initrd,
        devicetree_overlay=(
            None
            if edit.devicetree_overlay == option.devicetree_overlay
            else edit.devicetree_overlay
        ),
    )


def _written(option: OptionView, file: FileView | None) -> str:
    if file is None:
        return ""
    return file.path if file.device == option.device else f"{file.device}:{file.path}"


def _file(option: OptionView, text: str) -> FileView:
    device, colon, path = text.partition(":")
    if colon and "/" not in device:
        return FileView(device=device, path=path)
    return FileView(device=option.device, path=text)
