"""The tree of an initramfs as a value: what stands at each path, and where its bytes come from."""

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

_MERGED: Final = ("bin", "sbin", "lib")


@dataclass(frozen=True, slots=True)
class File:
    """A regular file; `source` is a file of this machine, or the bytes themselves."""

    source: Path | bytes
    mode: int = 0o644

    def read(self) -> bytes:
        """Return the content."""
        return self.source if isinstance(self.source, bytes) else self.source.read_bytes()


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link."""

    target: str


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory."""

    mode: int = 0o755


@dataclass(frozen=True, slots=True)
class Device:
    """A device node; `kind` is `c` or `b`."""

    kind: str
    major: int
    minor: int
    mode: int = 0o600


Entry = File | Link | Directory | Device


@dataclass(slots=True)
class Tree:
    """Paths without a leading slash, and what stands there; parents are made as needed."""

    entries: dict[str, Entry] = field(default_factory=dict)

    def add(self, path: str, entry: Entry) -> None:
        """Put an entry at a path, replacing what was there; /bin, /sbin and /lib mean /usr/…."""
        place = merged(path) if not isinstance(entry, Link) or "/" in path else path
        for parent in reversed(PurePosixPath(place).parents[:-1]):
            self.entries.setdefault(str(parent), Directory())
        self.entries[place] = entry

    def add_text(self, path: str, text: str, mode: int = 0o644) -> None:
        """Put a small file there."""
        self.add(path, File(text.lstrip("\n").encode(), mode))

    def add_from(self, root: Path, path: str) -> None:
        """Take a file of an unpacked root; a symbolic link comes with what it points to."""
        place = merged(path)
        file = root / place
        if place in self.entries and not isinstance(self.entries[place], Directory):
            return
        if file.is_symlink():
            target = str(file.readlink())
            self.add(place, Link(target))
            base = PurePosixPath("/") if target.startswith("/") else PurePosixPath("/") / place
            self.add_from(
                root, _normal(base.parent / target if base.name else PurePosixPath(target))
            )
        elif file.is_file():
            self.add(place, File(file, file.stat().st_mode & 0o777))
        else:
            raise FileNotFoundError(f"{place} is not among the unpacked packages")

    def add_matching(self, root: Path, patterns: Iterable[str]) -> list[str]:
        """Take every file that matches; return the patterns that nothing matched."""
        unmatched = []
        for pattern in patterns:
            names = sorted(str(file.relative_to(root)) for file in root.glob(pattern))
            for name in names:
                self.add_from(root, name)
            if not names:
                unmatched.append(pattern)
        return unmatched


def merged(path: str) -> str:
    """Return the path in a merged-/usr tree."""
    plain = path.lstrip("/")
    return f"usr/{plain}" if plain.partition("/")[0] in _MERGED else plain


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Tell whether a path, or a directory it lies in, matches one of the patterns."""
    parts = PurePosixPath(path).parts
    heads = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    return any(fnmatch.fnmatchcase(head, pattern) for head in heads for pattern in patterns)


def _normal(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts[1:]:
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
