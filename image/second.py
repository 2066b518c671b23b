"""The demo systems' own initrd: a static busybox and an /init that shows what it was given."""

from pathlib import Path
from typing import Final

from image.tree import Device, Directory, File, Tree

SCRIPTS: Final = Path(__file__).with_name("demo")


def build(root: Path, system: str) -> Tree:
    """Return the initrd's tree.

    Args:
        root: Where the packages were unpacked.
        system: What this system calls itself.
    """
    tree = Tree()
    for folder in ("dev", "proc", "run", "sys"):
        tree.entries[folder] = Directory()
    tree.entries["bin"] = Directory()
    tree.entries["bin/busybox"] = File(busybox(root), 0o755)
    tree.entries["dev/console"] = Device("c", 5, 1)
    tree.entries["init"] = File(SCRIPTS / "init", 0o755)
    tree.entries["bin/report"] = File(SCRIPTS / "report", 0o755)
    tree.entries["system"] = File(f"{system}\n".encode())
    return tree


def busybox(root: Path) -> Path:
    """Return the static busybox of the unpacked packages."""
    return next(root.glob("usr/bin/busybox"))
