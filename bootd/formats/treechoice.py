"""For which board a device tree inside a container is."""

from collections.abc import Sequence
from typing import Final

from bootd.container import read_part
from bootd.errors import FdtError, ImageError
from bootd.fdt import MAX_BLOB_BYTES, read_root_properties
from bootd.fdt.cells import strings
from bootd.fsview import FsView
from bootd.model.option import FileRef, TreeChoice
from bootd.model.text import clean

MAX_TREES: Final = 128
"""Device trees of one container that are read."""


class Trees:
    """The device trees in one file; each is read once."""

    def __init__(self, fs: FsView, path: str) -> None:
        self._fs = fs
        self._path = path
        self._boards: dict[str, str | None] = {}
        self._notes: dict[str, str] = {}

    def choices(self, parts: Sequence[str]) -> tuple[TreeChoice, ...]:
        """Return the trees that say for which board they are, in order.

        Raises:
            OSError: The medium failed.
        """
        found = [(self._board(part), FileRef(self._path, part=part)) for part in parts]
        return tuple(TreeChoice(compatible=b, devicetree=ref) for b, ref in found if b is not None)

    def notes(self, parts: Sequence[str]) -> tuple[str, ...]:
        """Return why some of the trees are not among `choices`."""
        notes = (self._notes[part] for part in parts if part in self._notes)
        return tuple(dict.fromkeys(notes))

    def _board(self, part: str) -> str | None:
        if part in self._boards:
            return self._boards[part]
        self._boards[part] = None
        if len(self._boards) > MAX_TREES:
            self._notes[part] = f"only the first {MAX_TREES} device trees are looked at"
            return None
        try:
            blob = read_part(self._fs, self._path, part, MAX_BLOB_BYTES)
            named = strings(read_root_properties(blob).get("compatible", b""))
        except (FdtError, ImageError) as error:
            self._notes[part] = clean(f"its device tree {part} cannot be used: {error}")
            return None
        self._boards[part] = clean(named[0]) if named else None
        return self._boards[part]
