"""ISO 9660 images, made by xorriso as live systems are."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

RESERVED = {"SOURCE_DATE_EPOCH": "1700000000"}


def make(
    folder: Path,
    files: Mapping[str, str | bytes],
    *options: str,
    links: Mapping[str, str] | None = None,
    label: str = "LIVE",
) -> bytes:
    """Return an image with `files` by path; work below `folder`, which must exist.

    Args:
        folder: Gets the tree and the image.
        files: Content by absolute path.
        options: Of mkisofs, such as `-R` and `-J`.
        links: Symbolic links: path to target.
        label: Of the volume.
    """
    tree, image = folder / "iso-tree", folder / "image.iso"
    for path, data in files.items():
        place = tree / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data.encode() if isinstance(data, str) else data)
    for path, target in (links or {}).items():
        (tree / path.lstrip("/")).symlink_to(target)
    subprocess.run(
        ["xorriso", "-as", "mkisofs", "-V", label, "-no-pad", *options, "-o", image, tree],
        check=True,
        capture_output=True,
        timeout=30,
        env=os.environ | RESERVED,
    )
    return image.read_bytes()
