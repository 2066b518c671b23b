"""Disk images with real file systems, attached to real loop devices. Needs root and mkfs."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bootd.linux import loop

_MKFS = {
    "ext4": ("mkfs.ext4", "-q", "-F", "-m0"),
    "xfs": ("mkfs.xfs", "-q", "-f"),
    "btrfs": ("mkfs.btrfs", "-q", "-f"),
}
_SIZE_MB = {"ext4": 16, "xfs": 320, "btrfs": 128}


def make_tree(root: Path, files: Mapping[str, str]) -> None:
    """Write files below a directory; keys are absolute paths within it."""
    for path, text in files.items():
        place = root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)


def make_image(image: Path, files: Mapping[str, str], *, label: str = "", uuid: str = "") -> Path:
    """Make an ext4 image that holds `files`, without mounting it."""
    tree = image.with_suffix(".tree")
    tree.mkdir()
    make_tree(tree, files)
    named = [*(["-L", label] if label else []), *(["-U", uuid] if uuid else [])]
    mkfs = [*_MKFS["ext4"], *named, "-b", "1024", "-d", str(tree), str(image), "16M"]
    subprocess.run(mkfs, check=True, capture_output=True, timeout=30)
    return image


def make_empty(image: Path, fstype: str) -> Path:
    """Make an image with an empty file system of a kind."""
    with image.open("wb") as file:
        file.truncate(_SIZE_MB[fstype] << 20)
    subprocess.run([*_MKFS[fstype], str(image)], check=True, capture_output=True, timeout=30)
    return image


@contextmanager
def attached(image: Path, *, read_only: bool = True) -> Iterator[str]:
    """Attach an image and give the kernel name of its device."""
    with loop.attached(str(image), read_only=read_only) as node:
        yield node.removeprefix("/dev/")
