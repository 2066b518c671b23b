"""Device trees of real boards: every DTB and overlay of Debian's newest stable arm64 kernel.

They come through this machine's own package sources and are kept below build/cache, never in the
repository. The release is fixed, since the number of DTBs is part of what is proved (bookworm's
kernel 6.1 has 577). Where the network cannot be had the tests are skipped with the reason, in CI
(CI=true) they fail.
"""

import fcntl
import os
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from image import command
from image.apt import Apt, AptError
from image.command import CommandError

RELEASE: Final = "trixie"
CACHE: Final = Path(__file__).parents[2] / "build" / "cache" / RELEASE

_PACKAGES: Final = (
    ("linux-image-", "./usr/lib/linux-image-*"),
    ("raspi-firmware", "./usr/lib/raspi-firmware/overlays/*"),
)
"""Beginning of the package's name, and what of it is unpacked."""


@cache
def folder() -> Path:
    """Return where the device trees are, fetched when they are not there."""
    CACHE.mkdir(parents=True, exist_ok=True)
    # Tests run in several processes: one fetches, the others wait.
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (CACHE / "trees.stamp").exists():
            _fetch()
    return CACHE / "trees"


def _fetch() -> None:
    root = CACHE / "trees"
    apt = Apt(CACHE / "apt", RELEASE, ("main", "non-free-firmware"))
    try:
        apt.prepare()
        kernel = apt.dependency("linux-image-arm64", "linux-image-")
        root.mkdir(parents=True, exist_ok=True)
        for name, (_, members) in zip((kernel, "raspi-firmware"), _PACKAGES, strict=True):
            command.unpack(apt.single(name), root, "--wildcards", members)
        (CACHE / "trees.stamp").write_text(f"{kernel}\n")
    except (AptError, CommandError, OSError) as error:
        missing(f"Debian's arm64 device trees cannot be fetched: {error}")


def missing(reason: str) -> None:
    """Skip a test for want of something outside the repository; fail in CI."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def dtbs() -> list[Path]:
    """Return every DTB of the kernel package, sorted."""
    return sorted(folder().rglob("*.dtb"))


def overlays() -> list[Path]:
    """Return every overlay of the kernel and raspi-firmware packages, sorted."""
    return sorted(folder().rglob("*.dtbo"))


def dtb(name: str) -> bytes:
    """Return one DTB by the end of its path, such as `rockchip/rk3566-quartz64-a.dtb`."""
    (found,) = [path for path in dtbs() if path.as_posix().endswith(f"/{name}")]
    return found.read_bytes()
