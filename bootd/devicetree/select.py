"""Which DTB is for this board: by what the root nodes say, never by file names.

The first compatible string is the board; later ones are families and SoCs, and a DTB that shares
only those is for another board. Several hits are told apart by the whole list, then by the model;
what remains a tie is a person's choice, never a guess.
"""

from collections.abc import Iterator
from typing import Final

from bootd.container import read_part
from bootd.errors import ConfigLimitError, FdtError, ImageError
from bootd.fdt import MAX_BLOB_BYTES, read_root_properties
from bootd.fdt.cells import compatible, string, strings
from bootd.fdt.tree import Fdt
from bootd.fsview import FsView, normalise
from bootd.model.text import clean
from bootd.model.tree import TreeRequest
from bootd.record import dataclass

MAX_FILES: Final = 4096
"""DTBs beyond these are not looked at; Debian's arm64 kernel ships about a thousand."""

MAX_FOLDER_DEPTH: Final = 4
"""Folders below the one named: distributions have one per vendor."""

MAX_SUGGESTIONS: Final = 8

LAYOUTS: Final = (
    "/usr/lib/linux-image-{version}",
    "/boot/dtbs/{version}",
    "/dtbs/{version}",
    "/boot/dtb-{version}",
    "/dtb-{version}",
    "/lib/firmware/{version}/device-tree",
    "/usr/lib/firmware/{version}/device-tree",
    "/usr/lib/modules/{version}/dtb",
)
"""Where distributions put the DTBs of one kernel, for entries that name no folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What a DTB's root node says.

    Attributes:
        path: Absolute in the file system.
        compatible: Most specific first.
        model: As written, not cleaned.
        blob: The file, so that what was chosen is what is used.
    """

    path: str
    compatible: tuple[str, ...]
    model: str
    blob: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The DTB that was chosen, or why none was.

    Attributes:
        path: None when none fits.
        blob: Its bytes.
        by: `entry`, `first-compatible`, `compatible-list` or `model`.
        why: When none fits: the rest of a sentence, such as `no DTB of /dtbs fits acme,board`.
        suggestions: Paths that a person could pick, best first.
        notes: Sentences.
    """

    path: str | None = None
    blob: bytes = b""
    by: str = ""
    why: str = ""
    suggestions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def select(fs: FsView, request: TreeRequest, live: Fdt) -> Selection:
    """Find the DTB of an entry.

    Raises:
        FdtError: The entry names a DTB that is missing or cannot be read.
    """
    if request.devicetree is not None:
        blob = _read(fs, request.devicetree, request.devicetree_part)
        return Selection(path=request.devicetree, blob=blob, by="entry")
    folders = _folders(fs, request)
    if not folders:
        return Selection(why="the boot option names no DTB")
    if request.devicetree_dir is not None and not fs.is_dir(request.devicetree_dir):
        return Selection(why=f"the folder {clean(request.devicetree_dir, 60)} is not there")
    for folder in folders[:-1]:
        found = select_in(fs, folder, live)
        if found.path is not None or found.suggestions:
            return found
    return select_in(fs, folders[-1], live)


def select_in(fs: FsView, folder: str, live: Fdt) -> Selection:
    """Find this board's DTB in a folder and those below it."""
    candidates, notes = index(fs, folder)
    board = compatible(live.root)
    name = clean(board[0], 60) if board else "this board"
    hits = [c for c in candidates if board and c.compatible[:1] == board[:1]]
    if not hits:
        return Selection(
            why=f"no DTB of {clean(folder, 60)} fits {name}",
            suggestions=_near_misses(candidates, board),
            notes=notes,
        )
    model = string(live.root.properties.get("model", b""))
    best, by = _narrow(hits, board, model)
    if len({candidate.blob for candidate in best}) > 1:
        return Selection(
            why=f"{len(best)} DTBs of {clean(folder, 60)} fit {name} equally well",
            suggestions=tuple(c.path for c in best[:MAX_SUGGESTIONS]),
            notes=notes,
        )
    return Selection(path=best[0].path, blob=best[0].blob, by=by, notes=notes)


def index(fs: FsView, folder: str) -> tuple[list[Candidate], tuple[str, ...]]:
    """Read the root nodes of all DTBs in a folder and those below it, and note what cannot be."""
    candidates: list[Candidate] = []
    broken: list[str] = []
    for path in _files(fs, folder):
        if len(candidates) + len(broken) >= MAX_FILES:
            broken.append(f"only the first {MAX_FILES} DTBs of {clean(folder, 60)} were looked at")
            break
        try:
            blob = _read(fs, path)
            root = read_root_properties(blob)
        except FdtError as error:
            broken.append(f"{clean(path, 80)} is no usable DTB: {error.reason}")
            continue
        candidates.append(
            Candidate(
                path=path,
                compatible=strings(root.get("compatible", b"")),
                model=string(root.get("model", b"")),
                blob=blob,
            )
        )
    return candidates, tuple(broken[:MAX_SUGGESTIONS])


def _folders(fs: FsView, request: TreeRequest) -> list[str]:
    if request.devicetree_dir is not None:
        return [request.devicetree_dir]
    version = request.kernel_version
    if not version or "/" in version:
        return []
    paths = (normalise(layout.format(version=version)) for layout in LAYOUTS)
    return [path for path in paths if fs.is_dir(path)]


def _read(fs: FsView, path: str, part: str = "") -> bytes:
    try:
        return read_part(fs, path, part, MAX_BLOB_BYTES)
    except ImageError as error:
        raise FdtError(f"{clean(path, 80)}: {error}") from None
    except FileNotFoundError:
        raise FdtError(f"{clean(path, 80)} is not there") from None
    except ConfigLimitError:
        raise FdtError(f"{clean(path, 80)} is larger than {MAX_BLOB_BYTES >> 20} MiB") from None
    except OSError as error:
        raise FdtError(f"{clean(path, 80)} cannot be read: {error.strerror}") from error


def _files(fs: FsView, folder: str) -> Iterator[str]:
    """Yield the DTBs below a folder, those nearest to it first."""
    level = [folder]
    for _ in range(MAX_FOLDER_DEPTH):
        below: list[str] = []
        for here in level:
            for name in fs.list_dir(here):
                path = normalise(name, here)
                if name.endswith(".dtb"):
                    yield path
                elif not name.endswith(".dtbo") and fs.is_dir(path):
                    below.append(path)
        level = below[:MAX_FILES]


def _narrow(
    hits: list[Candidate], board: tuple[str, ...], model: str
) -> tuple[list[Candidate], str]:
    """Tell several hits apart; the ones that are left, and by what."""
    if len(hits) == 1:
        return hits, "first-compatible"
    whole = [c for c in hits if c.compatible == board]
    if len(whole) == 1:
        return whole, "compatible-list"
    named = [c for c in whole or hits if c.model == model]
    return (named, "model") if named else (whole or hits, "compatible-list")


def _near_misses(candidates: list[Candidate], board: tuple[str, ...]) -> tuple[str, ...]:
    """Rank DTBs that share a later compatible string: the more specific, the earlier."""
    ranked = sorted(
        (min(board.index(text) for text in shared), len(c.compatible), c.path)
        for c in candidates
        if (shared := set(board) & set(c.compatible))
    )
    return tuple(path for _, _, path in ranked[:MAX_SUGGESTIONS])
