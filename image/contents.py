"""What goes into the image: `contents.toml`, read into values."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CONTENTS: Final = Path(__file__).with_name("contents.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The one list of what is taken from where.

    Attributes:
        packages: Debian packages to unpack, their dependencies included.
        kernel: Metapackage whose dependency is the kernel package of the board.
        dtb_kernel: Metapackage whose dependency holds the boards' DTBs.
        files: Patterns below the unpacked root; the libraries a program needs come along.
        optional: More of them, which not every release has.
        modules: Kernel modules by name; the modules they need come along.
        stdlib_without: Patterns below the standard library that stay out.
        site: Python packages taken from the virtual environment.
        site_without: Patterns below those packages that stay out.
        dtbs: Patterns of boards' DTBs for the demo disk.
        links: Symbolic links, path to target.
        texts: Small files, path to text.
    """

    packages: tuple[str, ...]
    kernel: str
    dtb_kernel: str
    files: tuple[str, ...]
    optional: tuple[str, ...]
    modules: tuple[str, ...]
    stdlib_without: tuple[str, ...]
    site: tuple[str, ...]
    site_without: tuple[str, ...]
    dtbs: tuple[str, ...]
    links: dict[str, str]
    texts: dict[str, str]


def load(path: Path = CONTENTS) -> Contents:
    """Read the list.

    Raises:
        KeyError: A table or key is absent.
    """
    table = tomllib.loads(path.read_text())
    return Contents(
        packages=tuple(table["packages"]["names"]),
        kernel=table["packages"]["kernel"],
        dtb_kernel=table["packages"]["dtb_kernel"],
        files=tuple(table["files"]["patterns"]),
        optional=tuple(table["files"]["optional"]),
        modules=tuple(table["kernel"]["modules"]),
        stdlib_without=tuple(table["python"]["stdlib_without"]),
        site=tuple(table["python"]["site"]),
        site_without=tuple(table["python"]["site_without"]),
        dtbs=tuple(table["disks"]["dtbs"]),
        links=dict(table["links"]),
        texts=dict(table["texts"]),
    )
