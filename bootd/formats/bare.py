"""Kernels without any boot configuration: a guess, for file systems where nothing else is found.

The newest kernel (UAPI.10 order) that has an initrd, else the newest one, with the initrd and the
folder of device trees of the same version, as distributions name them. It is never the default, and
nobody knows its command line.

Not supported: kernels whose names say neither what they are nor their version.
"""

import re
from collections.abc import Iterator
from typing import Final

from bootd.formats.version import Key
from bootd.fsview import FsView
from bootd.model.option import BootOption, FileRef, ScanResult
from bootd.model.text import clean
from bootd.record import dataclass

MAX_KERNELS: Final = 256
"""Kernels that are compared."""

PLACES: Final = ("/boot", "/", "/usr/lib/modules", "/lib/modules")
"""Folders with kernels; in the last two each version has its own folder."""

_KERNEL: Final = re.compile(
    r"(?:vmlinu[xz]|[zb]?Image|uImage|kernel|linux)(?:\.(?:gz|xz|zst|lz4|efi))?"
    r"(?:-(?P<version>[^/]{1,200}))?",
)
_BOARD_KERNEL: Final = re.compile(r"kernel(?:7l?|8|_2712)?\.img")
"""What the firmware of the Raspberry Pi looks for."""

_NO_KERNEL: Final = (
    ".bak", ".cmd", ".config", ".dpkg-bak", ".dpkg-new", ".hmac", ".map", ".old", ".p7s", ".sig",
    ".txt",
)  # fmt: skip

_INITRDS: Final = (
    "initrd.img-{v}",
    "initramfs-{v}.img",
    "initrd-{v}",
    "initrd-{v}.img",
    "initramfs-{v}",
    "initramfs-{v}.gz",
    "initramfs-{v}.cpio.gz",
    "initrd-{v}.gz",
    "uInitrd-{v}",
)
_PLAIN_INITRDS: Final = (
    "initrd.img",
    "initramfs.img",
    "initrd",
    "initrd.gz",
    "initramfs",
    "initramfs.cpio.gz",
    "initramfs8",
    "uInitrd",
)
_TREES: Final = (
    "{folder}/dtbs/{v}",
    "{folder}/dtb-{v}",
    "{folder}/dtbs-{v}",
    "{folder}/dtb/{v}",
    "/usr/lib/modules/{v}/dtb",
    "/usr/lib/linux-image-{v}",
    "/lib/firmware/{v}/device-tree",
)
_PLAIN_TREES: Final = ("{folder}/dtbs", "{folder}/dtb")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kernel:
    """A kernel.

    Attributes:
        version: What follows in its name, or "".
        initrd: The one that belongs to it, or None.
    """

    path: str
    version: str
    initrd: str | None


def scan(fs: FsView) -> ScanResult:
    """Return the best guess, if there is a kernel at all."""
    kernels = list(_kernels(fs))
    if not kernels:
        return ScanResult()
    best = max(kernels, key=_rank)
    number = len({kernel.version for kernel in kernels}) - 1
    notes = [
        "nothing on this file system says how to boot it; this is a guess",
        "its command line is unknown: add at least root= before booting it",
    ]
    if number:
        notes.append(f"it is the newest of {number + 1} kernels")
    folder = best.path.rpartition("/")[0]
    trees = _trees(fs, folder, best.version)
    name = clean(best.version or best.path.rpartition("/")[2], 80)
    option = BootOption(
        entry=clean(best.path, 255),
        format="bare",
        source=best.path,
        title=f"Linux {name} (a guess, without a configuration)",
        version=clean(best.version),
        linux=FileRef(best.path),
        initrds=(FileRef(best.initrd),) if best.initrd else (),
        devicetree_dir=FileRef(trees) if trees else None,
        notes=tuple(notes),
    )
    return ScanResult(options=(option,))


def _rank(kernel: _Kernel) -> tuple[bool, bool, bool, Key]:
    rescue = "rescue" in kernel.version
    # Names without digits (vmlinuz-linux, vmlinuz) say nothing about age.
    dated = any(char.isdigit() for char in kernel.version)
    return kernel.initrd is not None, not rescue, dated, Key(kernel.version)


def _kernels(fs: FsView) -> Iterator[_Kernel]:
    """Yield every kernel once, the versioned name of a file before its other names."""
    found = [*_in_folders(fs), *_in_modules(fs)]
    found.sort(key=lambda each: not each[1])
    seen: set[tuple[int, int, int]] = set()
    for path, version in found[:MAX_KERNELS]:
        try:
            identity = fs.identity(path)
        except OSError:
            continue
        if identity not in seen and identity[1] > 0:
            seen.add(identity)
            yield _Kernel(path=path, version=version, initrd=_initrd(fs, path, version))


def _in_folders(fs: FsView) -> Iterator[tuple[str, str]]:
    for folder in ("/boot", ""):
        for name in fs.list_dir(folder or "/"):
            match = _KERNEL.fullmatch(name)
            if name.endswith(_NO_KERNEL):
                continue
            if match is not None:
                yield f"{folder}/{name}", match["version"] or ""
            elif _BOARD_KERNEL.fullmatch(name):
                yield f"{folder}/{name}", ""


def _in_modules(fs: FsView) -> Iterator[tuple[str, str]]:
    for folder in ("/usr/lib/modules", "/lib/modules"):
        for version in fs.list_dir(folder)[:MAX_KERNELS]:
            path = f"{folder}/{version}/vmlinuz"
            if fs.is_file(path):
                yield path, version


def _initrd(fs: FsView, path: str, version: str) -> str | None:
    folder = path.rpartition("/")[0]
    patterns = [each.format(v=version) for each in _INITRDS] if version else [*_PLAIN_INITRDS]
    if folder.endswith(f"/modules/{version}"):
        places = [f"{folder}/initrd", *(f"/boot/{name}" for name in patterns)]
    else:
        places = [f"{folder}/{name}" for name in patterns]
    return next((place for place in places if fs.is_file(place)), None)


def _trees(fs: FsView, folder: str, version: str) -> str | None:
    patterns = [*(_TREES if version and "/" not in version else ()), *_PLAIN_TREES]
    places = (pattern.format(folder=folder, v=version) for pattern in patterns)
    return next((place for place in places if fs.is_dir(place)), None)
