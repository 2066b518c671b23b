"""The overlays of a boot option: read, with their parameters, and applied in order."""

from bootd.container import read_part
from bootd.errors import ConfigLimitError, FdtError, ImageError
from bootd.fdt import MAX_BLOB_BYTES, read
from bootd.fdt.overlay import apply
from bootd.fdt.overrides import parse_parameters, set_parameters
from bootd.fdt.tree import Fdt, copy_fdt
from bootd.fsview import FsView
from bootd.model.text import clean
from bootd.model.tree import TreeRequest
from bootd.record import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """One overlay.

    Attributes:
        name: Path or file name, for messages.
        blob: Not yet checked.
        parameters: `name=value` joined with commas, or "".
    """

    name: str
    blob: bytes
    parameters: str = ""


def read_named(blob: bytes, what: str) -> Fdt:
    """Read a blob; an FdtError then says which one it was."""
    try:
        return read(blob)
    except FdtError as error:
        raise FdtError(f"{what} is malformed: {error}") from error


def read_overlays(fs: FsView | None, request: TreeRequest) -> tuple[Overlay, ...]:
    """Read the overlays of a request.

    Raises:
        FdtError: One of them cannot be read.
    """
    parts = request.overlay_parts or ("",) * len(request.overlays)
    settings = request.overlay_parameters or ("",) * len(request.overlays)
    found: list[Overlay] = []
    for path, part, parameters in zip(request.overlays, parts, settings, strict=False):
        try:
            blob = b"" if fs is None else read_part(fs, path, part, MAX_BLOB_BYTES)
        except (OSError, ConfigLimitError, ImageError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise FdtError(f"the overlay {clean(path, 80)} cannot be read: {reason}") from error
        found.append(Overlay(name=path, blob=blob, parameters=parameters))
    return tuple(found)


def apply_overlays(
    base: Fdt, overlays: tuple[Overlay, ...], parameters: tuple[str, ...] = ()
) -> tuple[Fdt, tuple[str, ...]]:
    """Return a tree with its own parameters set and overlays applied, and sentences on both.

    Args:
        base: Not changed.
        overlays: In order.
        parameters: `name=value` of the base's own `__overrides__`.

    Raises:
        FdtError: With the overlay's name.
    """
    if not overlays and not parameters:
        return base, ()
    result = copy_fdt(base)
    notes = list(set_parameters(result.root, parse_parameters(",".join(parameters))))
    for each in overlays:
        name = clean(each.name, 80)
        overlay = read_named(each.blob, f"the overlay {name}")
        try:
            found = apply(result, overlay, parse_parameters(each.parameters))
        except FdtError as error:
            raise FdtError(f"the overlay {name} does not apply: {error}") from error
        if not any("__overlay__" in node.children for node in overlay.root.children.values()):
            notes.append(f"the overlay {name} has no fragments: is it an overlay at all?")
        notes += [f"the overlay {name}: {note}" for note in found]
    return result, tuple(notes)
