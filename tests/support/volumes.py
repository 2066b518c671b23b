"""Small volumes by the real tools, of the kinds that bootd reads without a mount."""

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.support.loopdisk import make_tree

_FILES = {"/loader/entries/a.conf": "title A\nlinux /vmlinuz\n", "/vmlinuz": "kernel " * 400}


def small_volumes() -> Mapping[str, tuple[bytes, int]]:
    """Return volumes by name, and how many of their first bytes are worth damaging."""
    with tempfile.TemporaryDirectory() as folder:
        tree, image = Path(folder) / "tree", Path(folder) / "image"
        make_tree(tree, _FILES)

        def made(size: int, *command: str) -> bytes:
            image.write_bytes(bytes(size))
            subprocess.run(command, check=True, capture_output=True, timeout=30)
            return image.read_bytes()

        mke2fs = ("mke2fs", "-q", "-F", "-d", str(tree), "-b", "1024", "-N", "32")
        fat = made(160 << 10, "mkfs.vfat", "-F", "12", str(image))
        copy = ["mcopy", "-s", "-i", str(image), *map(str, tree.iterdir()), "::"]
        subprocess.run(copy, check=True, capture_output=True, timeout=30)
        fat = image.read_bytes()
        image.unlink()
        iso = made(
            0, "xorriso", "-as", "mkisofs", "-quiet", "-R", "-J", "-o", str(image), str(tree)
        )
        return {
            "fat12": (fat, 16 << 10),
            "ext2": (made(256 << 10, *mke2fs, "-t", "ext2", str(image)), 32 << 10),
            "ext4": (
                made(512 << 10, *mke2fs, "-t", "ext4", "-O", "^has_journal", str(image)),
                32 << 10,
            ),
            "iso": (iso[: 512 << 10], 64 << 10),
        }
