"""Python in the image: the standard library, this project and what it needs, compiled.

Files go in as `.pyc` without source: half the size, and no compiling on the board. Everything of
third parties lands in Debian's `dist-packages`.
"""

import hashlib
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from image import command
from image.step import say
from image.tree import File, Tree, matches

SITE: Final = "usr/lib/python3/dist-packages"

_LAUNCHER: Final = """#!/usr/bin/python3 -IS
import sys
sys.path.append("/{site}")
from {module} import main
sys.exit(main())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file to put into the image; `level` is Python's -O level, or None to copy it as it is."""

    file: Path
    place: str
    level: int | None


def version(root: Path) -> str:
    """Return the image's Python as `3.11`."""
    return (root / "usr/bin/python3").readlink().name.removeprefix("python")


def stdlib(root: Path, without: Sequence[str]) -> list[Source]:
    """Return what of the standard library goes in; docstrings are dropped."""
    place = f"usr/lib/python{version(root)}"
    return _sources(root / place, place, without, level=2)


def site(environment: Path, names: Iterable[str], without: Sequence[str]) -> list[Source]:
    """Return what of the packages in a virtual environment goes in; docstrings are dropped.

    Raises:
        FileNotFoundError: A package is not installed, or is not pure Python.
    """
    (packages,) = environment.glob("lib/python*/site-packages")
    found: list[Source] = []
    for name in names:
        path = packages / name
        if not path.exists():
            raise FileNotFoundError(f"{name} is not in {packages}; `make setup` installs it")
        if path.is_file():
            found.append(Source(file=path, place=f"{SITE}/{name}", level=2))
            continue
        if any(path.rglob("*.so")):
            raise FileNotFoundError(
                f"{name} has compiled parts for this machine, not for the board"
            )
        found += _sources(path, f"{SITE}/{name}", without, level=2, prefix=name)
    return found


def project(top: Path) -> list[Source]:
    """Return bootd and bootmenu; their docstrings stay, since argparse may show them."""
    found = []
    for folder, name in ((top / "bootd", "bootd"), (top / "ui/bootmenu", "bootmenu")):
        found += _sources(folder, f"{SITE}/{name}", (), level=0)
    return found


def add(tree: Tree, sources: Sequence[Source], python: str, cache: Path) -> None:
    """Put the files into the tree, compiled if an interpreter of the image's version is at hand."""
    interpreter = _interpreter(python)
    if interpreter is None:
        say(f"no python{python} here: the image gets sources, and starts several times slower")
    lines = []
    cache.mkdir(parents=True, exist_ok=True)
    for source in sources:
        if interpreter is None or source.level is None:
            tree.add(source.place, File(source.file))
            continue
        made = cache / _key(source, python)
        tree.add(source.place + "c", File(made))
        if not made.exists():
            lines.append(f"{source.file}\t{made}\t/{source.place}\t{source.level}\n")
    if lines and interpreter is not None:
        say(f"compiling {len(lines)} Python files")
        todo = cache / "todo"
        todo.write_text("".join(lines))
        script = Path(__file__).with_name("compile.py")
        command.run(interpreter, "-I", script, todo)


def add_launchers(tree: Tree) -> None:
    """Put the three programs into the tree; they skip `site`, which costs start-up time."""
    for name, module in (
        ("bootd", "bootd.__main__"),
        ("bootdctl", "bootd.ctl.main"),
        ("bootmenu", "bootmenu.__main__"),
    ):
        tree.add_text(f"usr/bin/{name}", _LAUNCHER.format(site=SITE, module=module), 0o755)


def _sources(
    folder: Path, place: str, without: Sequence[str], *, level: int, prefix: str = ""
) -> list[Source]:
    found = []
    for file in sorted(folder.rglob("*")):
        name = str(file.relative_to(folder))
        full = f"{prefix}/{name}" if prefix else name
        if not file.is_file() or "__pycache__" in file.parts or matches(full, without):
            continue
        is_python = file.suffix == ".py"
        found.append(Source(file=file, place=f"{place}/{name}", level=level if is_python else None))
    return found


def _interpreter(python: str) -> str | None:
    if python == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    return shutil.which(f"python{python}")


def _key(source: Source, python: str) -> str:
    digest = hashlib.sha256(source.file.read_bytes())
    digest.update(f"{source.place}\0{source.level}\0{python}".encode())
    return digest.hexdigest() + ".pyc"
