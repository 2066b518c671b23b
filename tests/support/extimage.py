"""ext images of given files, made by mke2fs."""

import subprocess
from collections.abc import Mapping
from pathlib import Path


def make(folder: Path, files: Mapping[str, bytes], *options: str, label: str = "") -> bytes:
    """Return an image; files are in pieces where the block map has its own blocks between them.

    Args:
        folder: For temporary files.
        files: Content by absolute path.
        options: For mke2fs, such as `-t ext2`.
        label: Of the file system.
    """
    root, image = folder / "ext-tree", folder / "ext.img"
    for path, data in files.items():
        (root / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        (root / path.lstrip("/")).write_bytes(data)
    argv = ["mke2fs", "-q", "-F", *options, "-L", label, "-d", str(root), str(image), "8M"]
    subprocess.run(argv, check=True, capture_output=True, timeout=30)
    return image.read_bytes()
