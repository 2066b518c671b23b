"""Kernel modules for the image: those on the list, and those they need."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from image import command
from image.tree import File, Tree


def release(root: Path) -> str:
    """Return the release of the one kernel that was unpacked below `root`."""
    (folder,) = (root / "usr/lib/modules").iterdir()
    return folder.name


def image(root: Path) -> Path:
    """Return the kernel image; Debian's newer packages keep it beside the modules."""
    version = release(root)
    places = (root / f"boot/vmlinuz-{version}", root / f"usr/lib/modules/{version}/vmlinuz")
    return next(place for place in places if place.is_file())


def add_modules(tree: Tree, root: Path, names: Iterable[str], scratch: Path) -> list[str]:
    """Put modules, and the indexes that modprobe and udev search, into the tree.

    Args:
        tree: Where they go.
        root: Where a kernel package was unpacked.
        names: The modules wanted, with `-` or `_`.
        scratch: Folder that depmod may fill; made anew.

    Returns:
        The names that this kernel has neither as a module nor built in.
    """
    version = release(root)
    base = root / "usr/lib/modules" / version
    command.run("depmod", "-b", root, version)
    needs = _dependencies(base / "modules.dep")
    built_in = {_name(line) for line in (base / "modules.builtin").read_text().split()}
    wanted = [_name(name) for name in names]
    indexes = ("modules.builtin", "modules.builtin.modinfo", "modules.order")
    folder = scratch / "lib/modules" / version
    shutil.rmtree(scratch, ignore_errors=True)
    for file in {file for name in wanted for file in needs.get(name, ())} | set(indexes):
        place = folder / file
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(base / file, place)
    command.run("depmod", "-b", scratch, version)
    for made in sorted(folder.rglob("*")):
        if made.is_file() and _is_used(made.name):
            tree.add(f"usr/lib/modules/{version}/{made.relative_to(folder)}", File(made))
    return [name for name in wanted if name not in needs and name not in built_in]


def module_files(root: Path, name: str) -> list[Path]:
    """Return the files of a module in the order in which insmod must load them."""
    base = root / "usr/lib/modules" / release(root)
    own, *others = _dependencies(base / "modules.dep")[_name(name)]
    return [base / file for file in (*reversed(others), own)]


def _dependencies(index: Path) -> dict[str, tuple[str, ...]]:
    found = {}
    for line in index.read_text().splitlines():
        file, _, others = line.partition(":")
        found[_name(file)] = (file, *others.split())
    return found


def _name(file: str) -> str:
    return Path(file).name.partition(".")[0].replace("-", "_")


def _is_used(name: str) -> bool:
    """The text forms are for people and old tools; libkmod reads the binary ones."""
    return ".ko" in name or name.endswith(".bin") or name in ("modules.dep", "modules.softdep")
