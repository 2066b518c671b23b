"""Which DTB is for this board: by what the root nodes say, never by file names.

The first compatible string is the board; later ones are families and SoCs, and a DTB that shares
only those is for another board. Several hits are told apart by the whole list, then by the model;
what remains a tie is a person's choice, never a guess: the ones most like the running tree come
first in the suggestions.
An administrator's pin and the firmware's own `fdtfile`, where the boot file system or U-Boot's
environment gives it, come before all that; a tree for another board is refused by the merge whoever
has named it.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from types import MappingProxyType
from typing import Final

from bootd import ubootenv
from bootd.devicetree.index import Known, index, read_file, remembered
from bootd.errors import ConfigLimitError, FdtError
from bootd.fdt import read, read_root_properties
from bootd.fdt.cells import compatible, string, strings
from bootd.fdt.tree import Fdt
from bootd.fsview import FsView, normalise, read_text
from bootd.model.text import clean
from bootd.model.tree import IndexedTree, TreeRequest
from bootd.record import dataclass

MAX_SUGGESTIONS: Final = 8

MAX_COMPARED: Final = 16
"""Candidates whose whole trees are compared with the running one."""

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

ENVIRONMENTS: Final = ("/boot/armbianEnv.txt", "/armbianEnv.txt", "/boot/uEnv.txt", "/uEnv.txt")
"""Text files of the boot file system in which U-Boot's `fdtfile` is set."""

STORED: Final = ("/uboot.env", "/boot/uboot.env")
"""U-Boot's environment as it saves it on a file system, with its second copy beside it."""

_NOTHING: Final[Known] = MappingProxyType({})

_FDTFILE: Final = re.compile(r"^\s*fdtfile=([-\w+./]+\.dtb)\s*$", re.MULTILINE)
_DTB: Final = re.compile(r"[-\w+./,]{1,255}\.dtb")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The DTB that was chosen, or why none was.

    Attributes:
        path: None when none fits.
        blob: Its bytes.
        by: `entry`, `pin`, `fdtfile`, `first-compatible`, `compatible-list` or `model`.
        why: When none fits: the rest of a sentence, such as `no DTB of /dtbs fits acme,board`.
        suggestions: Paths that a person could pick, best first.
        notes: Sentences.
        indexed: What was found out about the files of the folder, to be given back next time.
    """

    path: str | None = None
    blob: bytes = b""
    by: str = ""
    why: str = ""
    suggestions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    indexed: tuple[IndexedTree, ...] = ()


def select(fs: FsView, request: TreeRequest, live: Fdt) -> Selection:
    """Find the DTB of an entry.

    Raises:
        FdtError: The entry or the administrator names a DTB that is missing or cannot be read.
    """
    if request.devicetree is not None:
        blob = read_file(fs, request.devicetree, request.devicetree_part)
        return Selection(path=request.devicetree, blob=blob, by="entry")
    folders = _folders(fs, request)
    pin = request.profile.devicetree.replace("{version}", request.kernel_version)
    if pin:
        return _named(fs, pin, folders, "pin")
    if not folders:
        return Selection(why="the boot option names no DTB")
    if request.devicetree_dir is not None and not fs.is_dir(request.devicetree_dir):
        return Selection(why=f"the folder {clean(request.devicetree_dir, 60)} is not there")
    own = _fdtfile(fs, request, folders)
    if own is not None:
        return _named(fs, own, folders, "fdtfile")
    known = {each.path: each for each in request.indexed}
    also = request.profile.also
    for folder in folders[:-1]:
        found = select_in(fs, folder, live, known, also)
        if found.path is not None or found.suggestions:
            return found
    return select_in(fs, folders[-1], live, known, also)


def select_in(
    fs: FsView,
    folder: str,
    live: Fdt,
    known: Known = _NOTHING,
    also: tuple[str, ...] = (),
) -> Selection:
    """Find this board's DTB in a folder and those below it.

    Args:
        fs: Has the folder.
        folder: Absolute.
        live: The running tree.
        known: What an earlier look found.
        also: More names of this board.

    Raises:
        FdtError: The file that was chosen cannot be read any more.
    """
    candidates, notes = index(fs, folder, known)
    indexed = remembered(candidates)
    board = compatible(live.root)
    name = clean(board[0], 60) if board else "this board"
    names = {board[0], *also} if board else set()
    hits = [c for c in candidates if c.compatible and c.compatible[0] in names]
    if not hits:
        return Selection(
            why=f"no DTB of {clean(folder, 60)} fits {name}",
            suggestions=_near_misses(candidates, board),
            notes=notes,
            indexed=indexed,
        )
    model = string(live.root.properties.get("model", b""))
    best, by = _narrow(hits, board, model)
    blobs = {c.path: read_file(fs, c.path) for c in best[:MAX_COMPARED]}
    if len(best) > MAX_COMPARED or len(set(blobs.values())) > 1:
        return Selection(
            why=f"{len(best)} DTBs of {clean(folder, 60)} fit {name} equally well",
            suggestions=_most_alike(blobs, live),
            notes=notes,
            indexed=indexed,
        )
    path, blob = best[0].path, blobs[best[0].path]
    # The file may have been replaced since it was indexed.
    if strings(read_root_properties(blob).get("compatible", b"")) != best[0].compatible:
        raise FdtError(f"{clean(path, 80)} has changed while it was being read")
    return Selection(path=path, blob=blob, by=by, notes=notes, indexed=indexed)


def _named(fs: FsView, path: str, folders: list[str], by: str) -> Selection:
    """Take a DTB by its path, absolute or below one of the entry's folders."""
    places = [path] if path.startswith("/") else [normalise(path, folder) for folder in folders]
    for place in places:
        if fs.is_file(place):
            return Selection(path=place, blob=read_file(fs, place), by=by)
    raise FdtError(f"{clean(path, 80)}, which the board profile names, is not there")


def _fdtfile(fs: FsView, request: TreeRequest, folders: list[str]) -> str | None:
    """Return what U-Boot's environment calls the DTB, where a folder has it."""
    for name in _fdtfiles(fs, request):
        if any(fs.is_file(normalise(name, folder)) for folder in folders):
            return name
    return None


def _fdtfiles(fs: FsView, request: TreeRequest) -> Iterator[str]:
    """Yield what U-Boot's environment calls the DTB: of the medium, then of the board itself."""
    for path in ENVIRONMENTS:
        try:
            found = _FDTFILE.search(read_text(fs, path))
        except (OSError, ConfigLimitError):
            continue
        if found is not None:
            yield found[1].lstrip("/")
    for name in (*(_stored(fs, path) for path in STORED), request.fdtfile):
        if _DTB.fullmatch(name):
            yield name.lstrip("/")


def _stored(fs: FsView, path: str) -> str:
    """Return `fdtfile` of a stored environment, or ""."""
    copies: list[ubootenv.Environment | None] = []
    for each in (path, path.replace("uboot.env", "uboot-redund.env")):
        with suppress(OSError, ConfigLimitError):
            copies.append(ubootenv.parse(fs.read(each, ubootenv.MAX_BYTES)))
    return ubootenv.fdtfile(ubootenv.newest(copies))


def _folders(fs: FsView, request: TreeRequest) -> list[str]:
    if request.devicetree_dir is not None:
        return [request.devicetree_dir]
    version = request.kernel_version
    if not version or "/" in version:
        return []
    paths = (normalise(layout.format(version=version)) for layout in LAYOUTS)
    return [path for path in paths if fs.is_dir(path)]


def _narrow(
    hits: list[IndexedTree], board: tuple[str, ...], model: str
) -> tuple[list[IndexedTree], str]:
    """Tell several hits apart; the ones that are left, and by what."""
    if len(hits) == 1:
        return hits, "first-compatible"
    whole = [c for c in hits if c.compatible == board]
    if len(whole) == 1:
        return whole, "compatible-list"
    named = [c for c in whole or hits if c.model == model]
    return (named, "model") if named else (whole or hits, "compatible-list")


def _most_alike(blobs: dict[str, bytes], live: Fdt) -> tuple[str, ...]:
    """Rank DTBs by how many nodes they share with the running tree, switched on or off alike."""
    ours = _shape(live)
    ranked: list[tuple[float, str]] = []
    for path, blob in blobs.items():
        try:
            theirs = _shape(read(blob))
        except FdtError:
            continue
        ranked.append((-len(ours & theirs) / len(ours | theirs), path))
    return tuple(path for _, path in sorted(ranked)[:MAX_SUGGESTIONS])


def _shape(fdt: Fdt) -> set[tuple[str, bytes]]:
    return {(path, node.properties.get("status", b"okay\0")) for path, node in fdt.walk()}


def _near_misses(candidates: list[IndexedTree], board: tuple[str, ...]) -> tuple[str, ...]:
    """Rank DTBs that share a later compatible string: the more specific, the earlier."""
    ranked = sorted(
        (min(board.index(text) for text in shared), len(c.compatible), c.path)
        for c in candidates
        if (shared := set(board) & set(c.compatible))
    )
    return tuple(path for _, _, path in ranked[:MAX_SUGGESTIONS])
