"""Disk images with real file systems, attached to real loop devices. Needs root and mkfs."""

import hashlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bootd.linux import loop
from bootd.linux.dirview import DirView
from bootd.linux.layers import LayeredView
from bootd.probe.mounter import Opened, open_device

_MKFS = {
    "ext2": ("mkfs.ext2", "-q", "-F", "-m0"),
    "ext3": ("mkfs.ext3", "-q", "-F", "-m0"),
    "ext4": ("mkfs.ext4", "-q", "-F", "-m0"),
    "vfat": ("mkfs.vfat",),
    "f2fs": ("mkfs.f2fs", "-q", "-f"),
    "xfs": ("mkfs.xfs", "-q", "-f"),
    "btrfs": ("mkfs.btrfs", "-q", "-f"),
}
_SIZE_MB = {"xfs": 320, "btrfs": 128, "f2fs": 64}


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
        file.truncate(_SIZE_MB.get(fstype, 16) << 20)
    subprocess.run([*_MKFS[fstype], str(image)], check=True, capture_output=True, timeout=30)
    return image


@contextmanager
def attached(image: Path, *, read_only: bool = True) -> Iterator[str]:
    """Attach an image and give the kernel name of its device."""
    with loop.attached(str(image), read_only=read_only) as node:
        yield node.removeprefix("/dev/")


def digest(image: Path) -> str:
    """Return the SHA-256 of all of an image."""
    with image.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def closed(node: str, fstype: str) -> Iterator[Opened]:
    """Open a device as a worker does and let its mount go, as the worker's end would."""
    opened = open_device(node, fstype)
    view = opened.view
    assert isinstance(view, DirView | LayeredView)
    try:
        yield opened
    finally:
        for each in view._layers if isinstance(view, LayeredView) else (view,):
            os.close(each._fd)


def settled(is_so: Callable[[], bool], within_s: float = 10.0) -> None:
    """Wait for something that the kernel or udev does soon."""
    end = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)
