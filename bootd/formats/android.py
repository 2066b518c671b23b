"""Android boot images: boot.img with vendor_boot.img and init_boot.img, as files or partitions.

Source: the Boot Image Header, Vendor Boot and Bootconfig pages of source.android.com; what is read
of an image: `bootd.container.android`. Ramdisks are concatenated as Android's boot loaders do it:
the vendor's first, then the one of init_boot or boot. Bootconfig parameters go on the command line,
where Android's init looks for them as well.

Of two slots the default is the one that Android would start (`bootd.formats.androidslots`), else
the first image.

Not supported, and said so at the entry: a second-stage boot loader, recovery_dtbo. Not supported
without a word: verified boot.
"""

import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

from bootd.container import read_part
from bootd.container.android import Android, load
from bootd.errors import ConfigError, ImageError
from bootd.formats import androidslots
from bootd.formats.androidslots import Slot
from bootd.formats.lexing import check_cmdline, problem
from bootd.formats.treechoice import Trees
from bootd.fsview import FsView
from bootd.model.option import BootOption, FileRef, ScanResult, TreeChoice
from bootd.model.problem import Problem
from bootd.model.text import clean
from bootd.record import dataclass, replace

MAX_IMAGES: Final = 32
"""Of one file system."""

PLACES: Final = ("/", "/boot")
"""Folders with `boot*.img` and `recovery*.img`."""

_NAME: Final = re.compile(r"(boot|recovery)((?:[-_.][^/]{0,200})?\.img)", re.IGNORECASE)
_SLOT: Final = re.compile(r"(_[ab])\.img")
_MAGIC: Final = b"ANDROID!"
_RECOVERY: Final = 2
"""Kind of a vendor ramdisk that is for recovery only."""

_MAX_CONFIG_BYTES: Final = 32 << 10
"""BOOTCONFIG_PARAMS limit of the kernel (include/linux/bootconfig.h, XBC_DATA_MAX)."""

_UNUSED: Final = ("second", "recovery_dtbo")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Vendor:
    """What a vendor_boot image adds."""

    cmdline: str = ""
    config: str = ""
    initrds: tuple[FileRef, ...] = ()
    choices: tuple[TreeChoice, ...] = ()
    notes: tuple[str, ...] = ()


def scan(fs: FsView) -> ScanResult:
    """Collect every boot image."""
    options: list[BootOption] = []
    problems: list[Problem] = []
    seen: set[tuple[int, int, int]] = set()
    for path, kind, rest in _candidates(fs):
        if len(seen) >= MAX_IMAGES:
            message = f"more than {MAX_IMAGES} Android images, the others are not read"
            problems.append(Problem(source=clean(path), message=message))
            break
        try:
            if fs.read_head(path, 8) != _MAGIC or fs.identity(path) in seen:
                continue
            seen.add(fs.identity(path))
            options.append(_option(fs, path, rest, recovery=kind == "recovery"))
        except ImageError as error:
            problems.append(Problem(source=clean(path), message=clean(str(error))))
        except (ConfigError, OSError) as error:
            problems.append(problem(error, path))
    slots = androidslots.read(fs) if options else ()
    ending = f"{androidslots.active(slots)}.img" if slots else ""
    systems = (o for o in options if "recovery" not in o.entry.casefold())
    first = next((o for o in systems if o.source.endswith(ending)), None)
    marked = (replace(o, is_default=True) if o is first else o for o in options)
    return ScanResult(options=tuple(_slotted(marked, slots)), problems=tuple(problems))


def _slotted(options: Iterable[BootOption], slots: tuple[Slot, ...]) -> Iterator[BootOption]:
    """Note at each option that its slot has failed, as the boot loader would see it."""
    failed = tuple(f"{each.name}.img" for each in slots if not each.usable)
    for option in options:
        if failed and option.source.endswith(failed):
            note = "its slot has no tries left, or was found changed; Android starts the other one"
            option = replace(option, notes=(*option.notes, note))  # noqa: PLW2901 - what is yielded
        yield option


def _candidates(fs: FsView) -> Iterator[tuple[str, str, str]]:
    for folder in PLACES:
        for name in fs.list_dir(folder):
            match = _NAME.fullmatch(name)
            if match is not None:
                yield f"{folder.rstrip('/')}/{name}", match[1].casefold(), match[2]


def _option(fs: FsView, path: str, rest: str, *, recovery: bool) -> BootOption:
    image = load(partial(fs.read_range, path))
    folder, _, name = path.rpartition("/")
    vendor = _vendor(fs, f"{folder}/vendor_boot{rest}", recovery=recovery)
    if image.version >= 3 and not vendor.initrds:
        vendor = replace(vendor, notes=(f"there is no vendor_boot{clean(rest)} beside it",))
    ramdisk = _ramdisk(fs, path, image, f"{folder}/init_boot{rest}")
    trees = [part for part in image.parts if part.startswith("dtb")]
    inside = Trees(fs, path)
    choices = (*inside.choices(trees), *vendor.choices)
    given = (vendor.cmdline.strip(), image.cmdline.strip(), vendor.config, _slot(rest, image))
    cmdline = " ".join(filter(None, given))
    product = clean(image.name)
    return BootOption(
        entry=clean(path, 255),
        format="android",
        source=path,
        title=clean(f"Android {product} ({name})" if product else f"Android ({name})"),
        linux=FileRef(path, part="kernel") if "kernel" in image.parts else None,
        initrds=(*vendor.initrds, *ramdisk),
        cmdline=check_cmdline(cmdline, path, 1),
        devicetree=choices[0].devicetree if len(choices) == 1 else None,
        devicetree_choices=choices if len(choices) > 1 else (),
        notes=(*vendor.notes, *inside.notes(trees), *_unused(image)),
    )


def _slot(rest: str, image: Android) -> str:
    """Return what Android's boot loaders say of the slot that an image is in."""
    slot = _SLOT.fullmatch(rest)
    if slot is None or "androidboot.slot_suffix=" in image.cmdline:
        return ""
    return f"androidboot.slot_suffix={slot[1]}"


def _unused(image: Android) -> Iterator[str]:
    for part in _UNUSED:
        if part in image.parts:
            yield f"the part {part} of the image is not used"


def _ramdisk(fs: FsView, path: str, image: Android, init_boot: str) -> tuple[FileRef, ...]:
    """Return the generic ramdisk: of init_boot, when the boot image has none."""
    if "ramdisk" in image.parts:
        return (FileRef(path, part="ramdisk"),)
    if image.version >= 3 and fs.is_file(init_boot):
        return (FileRef(init_boot, part="ramdisk"),)
    return ()


def _vendor(fs: FsView, path: str, *, recovery: bool) -> _Vendor:
    """Read the vendor_boot image beside a boot image; empty when there is none."""
    if not fs.is_file(path):
        return _Vendor()
    try:
        image = load(partial(fs.read_range, path))
        config, notes = _bootconfig(fs, path, image)
    except ImageError as error:
        return _Vendor(notes=(clean(f"{path} is not used: {error}"),))
    trees = [part for part in image.parts if part.startswith("dtb")]
    inside = Trees(fs, path)
    return _Vendor(
        cmdline=image.cmdline,
        config=config,
        initrds=tuple(_vendor_ramdisks(path, image, recovery=recovery)),
        choices=inside.choices(trees),
        notes=(*notes, *inside.notes(trees)),
    )


def _vendor_ramdisks(path: str, image: Android, *, recovery: bool) -> Iterator[FileRef]:
    """Yield the ramdisks of the table, or without one the whole of it."""
    for number, fragment in enumerate(image.fragments):
        if recovery or fragment.kind != _RECOVERY:
            yield FileRef(path, part=f"vendor_ramdisk:{number}")
    if not image.fragments and "vendor_ramdisk" in image.parts:
        yield FileRef(path, part="vendor_ramdisk")


def _bootconfig(fs: FsView, path: str, image: Android) -> tuple[str, tuple[str, ...]]:
    """Return bootconfig parameters as words of the command line, and what to say about them."""
    if "bootconfig" not in image.parts:
        return "", ()
    text = read_part(fs, path, "bootconfig", _MAX_CONFIG_BYTES)
    lines = text.partition(b"\0")[0].decode("utf-8", "surrogateescape").split("\n")
    words = (line.strip() for line in lines if line.strip() and not line.startswith("#"))
    note = "the bootconfig parameters of vendor_boot are put on the command line"
    return " ".join(words), (note,)
