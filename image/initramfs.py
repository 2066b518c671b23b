"""The board's initramfs: Debian's systemd and Python, bootd and bootmenu, and nothing else."""

import subprocess
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Final

from image import cpio, elf, kernel, python
from image.contents import Contents
from image.step import say
from image.tree import Device, Directory, File, Link, Tree

LIBRARIES: Final = (
    "usr/lib/aarch64-linux-gnu",
    "usr/lib/aarch64-linux-gnu/systemd",
    "usr/lib/systemd",
    "usr/lib",
)

_DEBIAN_PYTHON: Final = ("systemd", "zstandard")
"""Packages with compiled parts, which come from Debian; `contents.toml` names those parts."""


def build(contents: Contents, top: Path, root: Path, work: Path) -> Tree:
    """Return the product's tree.

    Args:
        contents: The list of what goes in.
        top: The project.
        root: Where the packages were unpacked.
        work: Folder for caches.
    """
    tree = Tree()
    for folder in ("dev", "proc", "run", "sys", "tmp", "var", "root", "sysroot"):
        tree.add(folder, Directory())
    tree.add("dev/console", Device("c", 5, 1))
    tree.add("dev/null", Device("c", 1, 3, 0o666))
    for path, target in contents.links.items():
        tree.add(path, Link(target))
    for path, text in contents.texts.items():
        tree.add_text(path, text)
    tree.add_matching(root, contents.optional)
    for pattern in tree.add_matching(root, contents.files):
        say(f"note: these packages have no {pattern}")
    for name in kernel.add_modules(tree, root, contents.modules, work / "modules"):
        say(f"note: this kernel has no module {name}")
    _add_python(tree, contents, top, root, work)
    _add_units(tree, top / "units")
    for profile in sorted((top / "etc/boards.d").glob("*.toml")):
        tree.add(f"usr/lib/bootd/boards.d/{profile.name}", File(profile))
    add_libraries(tree, root)
    return tree


def pack(tree: Tree, target: Path, *, level: int = 10) -> None:
    """Write the tree as a zstd-compressed cpio archive."""
    command = ["zstd", "-q", "-f", f"-{level}", "-T0", "-o", str(target)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None  # noqa: S101 - PIPE was asked for
        cpio.write(tree, process.stdin)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command)


def add_libraries(tree: Tree, root: Path) -> None:
    """Put the libraries into the tree that its programs and libraries need."""
    seen: set[str] = set()
    while waiting := [path for path in _programs(tree) if path not in seen]:
        for path in waiting:
            seen.add(path)
            entry = tree.entries[path]
            if isinstance(entry, File):
                for name in elf.needed(entry.read()):
                    tree.add_from(root, _find(root, name))


def _add_python(tree: Tree, contents: Contents, top: Path, root: Path, work: Path) -> None:
    sources = python.stdlib(root, contents.stdlib_without)
    sources += python.site(top / ".venv", contents.site, contents.site_without)
    sources += python.project(top)
    sources += [
        python.Source(file=file, place=f"{python.SITE}/{name}/{file.name}", level=2)
        for name in _DEBIAN_PYTHON
        for file in sorted((root / python.SITE / name).glob("*.py"))
    ]
    python.add(tree, sources, python.version(root), work / "pyc")
    python.add_launchers(tree)


def _add_units(tree: Tree, units: Path) -> None:
    """Add the units, but for the gateway's: the image has no TLS."""
    for file in sorted(units.iterdir()) if units.is_dir() else ():
        if file.name.startswith("bootd-remote."):
            continue
        if file.suffix in (".service", ".socket", ".target"):
            tree.add(f"usr/lib/systemd/system/{file.name}", File(file))
        elif file.suffix == ".rules":
            tree.add(f"usr/lib/udev/rules.d/{file.name}", File(file))


def _programs(tree: Tree) -> Iterable[str]:
    for path, entry in list(tree.entries.items()):
        if isinstance(entry, File) and (entry.mode & 0o111 or ".so" in PurePosixPath(path).name):
            yield path


def _find(root: Path, name: str) -> str:
    if "/" in name:
        return name
    for folder in LIBRARIES:
        if (root / folder / name).exists() or (root / folder / name).is_symlink():
            return f"{folder}/{name}"
    raise FileNotFoundError(f"no unpacked package has the library {name}")
