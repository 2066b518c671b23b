"""The smallest system in which bootd's loaders run: busybox, Python, bootd's code, two kernels.

Its /init reads a job (`Job`), loads the second kernel the way the product's helper does, and jumps.
The second kernel's /init says what it was given. A later archive may replace any file.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

from image import cpio, initramfs, python
from image.guests import Guest
from image.tree import Device, Directory, File, Link, Tree

SCRIPTS: Final = Path(__file__).with_name("guest")
JOB: Final = "job.json"

_WITHOUT: Final = (
    "test", "idlelib", "tkinter", "ensurepip", "lib2to3", "pydoc_data", "sqlite3", "distutils",
    "config-*", "turtledemo", "unittest", "venv", "lib-dynload/_test*", "sitecustomize.py",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What the first kernel's /init does.

    Attributes:
        cmdline: For the second kernel.
        loader: Name of the loader that must be chosen, or "" for any.
        changed: Whether the tree gets a node of its own, so that it has to be handed over.
        forced: Take that loader, whatever would be chosen.
        execute: Jump, too; else the machine is switched off after the load.
        compare: Load five times with bootd and with kexec-tools in turn, and say what it took.
        crash: Load it as a crash kernel, then load and take out an ordinary one, and panic.
        initrds: Of the second kernel.
    """

    cmdline: str
    loader: str = ""
    changed: bool = True
    forced: bool = False
    execute: bool = True
    compare: bool = False
    crash: bool = False
    initrds: tuple[str, ...] = ("/boot/initrd",)
    kernel: str = "/boot/kernel"


def build(guest: Guest, root: Path, image: Path, work: Path) -> Tree:
    """Return the tree of the first kernel's initramfs.

    Args:
        guest: Which machine.
        root: Where its packages were unpacked.
        image: The second kernel.
        work: Folder for caches.
    """
    tree = Tree()
    for folder in ("dev", "proc", "sys", "tmp", "run"):
        tree.add(folder, Directory())
    for name in ("bin", "sbin", "lib"):
        tree.add(name, Link(f"usr/{name}"))
    tree.add("dev/console", Device("c", 5, 1))
    tree.add_from(root, "usr/bin/busybox")
    tree.add_from(root, "usr/bin/python3")
    tree.add_from(root, "usr/sbin/kexec")
    _add_libraries(tree, root, guest)
    sources = python.stdlib(root, _WITHOUT) + python.project(Path(__file__).parents[1])
    python.add(tree, sources, python.version(root), work / "pyc")
    tree.add("init", File(SCRIPTS / "init", 0o755))
    tree.add("load.py", File(SCRIPTS / "load.py"))
    tree.add("boot/kernel", File(image))
    second = work / f"{guest.debian}-second.zst"
    initramfs.pack(_second(root), second, level=3)
    tree.add("boot/initrd", File(second))
    return tree


def job(what: Job, files: Mapping[str, bytes] | None = None) -> bytes:
    """Return an archive with a job, and other files, to put behind the first initramfs."""
    tree = Tree()
    tree.add(JOB, File(json.dumps(asdict(what)).encode()))
    for path, data in (files or {}).items():
        tree.add(path, File(data))
    output = BytesIO()
    cpio.write(tree, output)
    return output.getvalue()


def _second(root: Path) -> Tree:
    tree = Tree()
    for folder in ("dev", "proc", "sys"):
        tree.entries[folder] = Directory()
    tree.entries["bin"] = Directory()
    tree.entries["bin/busybox"] = File(next(root.glob("usr/bin/busybox")), 0o755)
    tree.entries["dev/console"] = Device("c", 5, 1)
    tree.entries["init"] = File(SCRIPTS / "second", 0o755)
    return tree


def _add_libraries(tree: Tree, root: Path, guest: Guest) -> None:
    folder = root / "usr/lib" / guest.triplet
    for file in sorted(folder.glob("*.so*")):
        tree.add_from(root, str(file.relative_to(root)))
    for pattern in ("usr/lib/ld-linux*", "lib64/ld*", "usr/lib64/ld*"):
        for file in root.glob(pattern):
            tree.add_from(root, str(file.relative_to(root)))


def padded(data: bytes) -> bytes:
    """Return an archive with zeros up to where the next one may start."""
    return data + bytes(-len(data) % 512)
