"""A file system in memory that implements `FsView`, for tests of what reads configurations."""

from collections.abc import Mapping
from errno import EINVAL, ELOOP, ENOENT
from pathlib import Path
from typing import Self

from bootd.errors import ConfigLimitError
from bootd.fsview import MAX_CONFIG_BYTES, MAX_DIR_NAMES

_MAX_LINKS = 40


class MemoryFs:
    """Files and symbolic links by absolute path; directories exist by having something in them.

    Args:
        files: Content by path; text is encoded as UTF-8.
        links: Symbolic links: path to target.
        fold_case: Ignore case in look-ups, as vfat does.
    """

    def __init__(
        self,
        files: Mapping[str, str | bytes],
        links: Mapping[str, str] | None = None,
        *,
        fold_case: bool = False,
    ) -> None:
        self._fold = str.casefold if fold_case else str
        self._root: dict[str, _Node] = {}
        self._stored: dict[int, dict[str, str]] = {}
        self.opened: list[str] = []
        for path, data in files.items():
            self._add(path, data.encode() if isinstance(data, str) else data)
        for path, target in (links or {}).items():
            self._add(path, target)

    @classmethod
    def from_tree(cls, root: Path, *, fold_case: bool = False) -> Self:
        """Copy a directory of the disk; empty directories are lost."""
        files: dict[str, str | bytes] = {}
        links: dict[str, str] = {}
        for path in sorted(root.rglob("*")):
            name = "/" + path.relative_to(root).as_posix()
            if path.is_symlink():
                links[name] = str(path.readlink())
            elif path.is_file():
                files[name] = path.read_bytes()
        return cls(files, links, fold_case=fold_case)

    def read(self, path: str, limit: int = MAX_CONFIG_BYTES, /) -> bytes:
        data = self._file(path)
        if len(data) > limit:
            raise ConfigLimitError(f"has more than {limit} bytes", source=path)
        return data

    def read_head(self, path: str, size: int, /) -> bytes:
        return self._file(path)[:size]

    def read_range(self, path: str, offset: int, size: int, /) -> bytes:
        return self._file(path)[offset : offset + size]

    def list_dir(self, path: str, /) -> tuple[str, ...]:
        try:
            node = self._walk(path)
        except OSError:
            return ()
        if not isinstance(node, dict):
            return ()
        return tuple(sorted(self._stored[id(node)].values())[:MAX_DIR_NAMES])

    def is_file(self, path: str, /) -> bool:
        try:
            return isinstance(self._walk(path), bytes)
        except OSError:
            return False

    def is_dir(self, path: str, /) -> bool:
        try:
            return isinstance(self._walk(path), dict)
        except OSError:
            return False

    def identity(self, path: str, /) -> tuple[int, int, int]:
        data = self._file(path)
        return id(data), len(data), 0

    def _add(self, path: str, content: "bytes | str") -> None:
        *parents, name = path.strip("/").split("/")
        directory = self._root
        for parent in parents:
            key = self._fold(parent)
            self._stored.setdefault(id(directory), {}).setdefault(key, parent)
            child = directory.setdefault(key, {})
            assert isinstance(child, dict), f"{path}: {parent} is no directory"
            directory = child
        self._stored.setdefault(id(directory), {})[self._fold(name)] = name
        directory[self._fold(name)] = content

    def _file(self, path: str) -> bytes:
        self.opened.append(path)
        node = self._walk(path)
        if not isinstance(node, bytes):
            raise OSError(EINVAL, "not a regular file", path)
        return node

    def _walk(self, path: str) -> "_Node":
        trail: list[_Node] = [self._root]
        todo = path.split("/")[::-1]
        links = 0
        while todo:
            part = todo.pop()
            if part in {"", "."}:
                continue
            if part == "..":
                trail = trail[:-1] or trail
                continue
            here = trail[-1]
            if not isinstance(here, dict) or self._fold(part) not in here:
                raise FileNotFoundError(ENOENT, "no such file", path)
            node = here[self._fold(part)]
            if not isinstance(node, str):
                trail.append(node)
                continue
            links += 1
            if links > _MAX_LINKS:
                raise OSError(ELOOP, "too many symbolic links", path)
            trail = trail[:1] if node.startswith("/") else trail
            todo.extend(node.split("/")[::-1])
        return trail[-1]


_Node = bytes | str | dict[str, "_Node"]
"""A file's content, a link's target, or a directory."""
