"""ISO images that lie on a disk as files: what is bootable in them, and what it becomes outside.

Every format looks into an image; GRUB's loopback.cfg, made for that, is preferred to its grub.cfg
(`grub.scan_image`). A file in the image is a part of it (`bootd.container.iso`). The system inside
has to find its medium again: arguments that say so are kept, those that only lack the image's path
get it, and without any a note says so. Nothing in an image is ever the default.

Not supported, and said so at the entry: containers inside an image. Not supported without a word:
images inside an image, file systems for EFI inside it, UDF.
"""

import re
from collections.abc import Iterator
from functools import partial
from typing import Final

from bootd.container.iso import MAGIC_AT, matches, open_image
from bootd.disk.volume import VolumeView
from bootd.errors import BootdError
from bootd.formats.lexing import problem
from bootd.formats.repeats import with_lent, without_repeats
from bootd.formats.table import FORMATS
from bootd.fsview import FsView
from bootd.model.option import HINTED, BootOption, FileRef, ScanResult, TreeChoice, own_fact
from bootd.model.problem import Problem
from bootd.model.text import clean
from bootd.record import dataclass, replace

MAX_IMAGES: Final = 16
"""Of one file system."""

PLACES: Final = ("/", "/boot", "/iso", "/isos", "/ISO", "/boot/iso", "/boot/isos", "/images")
"""Folders with `*.iso` files."""

_WORDS: Final = (
    "findiso", "fromiso", "from_iso", "img_loop", "iso-scan/filename", "iso_filename", "isofile",
    "isofrom", "isofrom_device", "isoloop",
)  # fmt: skip
"""Arguments with which live systems are told where their image is."""

_ARGUMENT: Final = re.compile(rf"(?:(?<=\s)|^)({'|'.join(map(re.escape, _WORDS))})=(\S*)")

_NO_DEVICE: Final = re.compile(r"((?:(?<=\s)|^)img_dev=UUID=)(?!\S)")
"""What Arch Linux has after `probe`, which only a running GRUB could answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image on a file system.

    Attributes:
        path: Absolute.
        specs: How configurations inside may name the image itself, in small letters.
    """

    path: str
    view: VolumeView
    specs: frozenset[str]


def scan(fs: FsView) -> ScanResult:
    """Collect what the formats find in each image, as seen from outside."""
    found = ScanResult()
    seen: set[tuple[int, int, int]] = set()
    for path in _candidates(fs):
        if len(seen) >= MAX_IMAGES:
            message = f"more than {MAX_IMAGES} ISO images, the others are not looked into"
            return found + ScanResult(problems=(Problem(source=clean(path), message=message),))
        try:
            identity = fs.identity(path)
            if identity in seen or not matches(fs.read_range(path, MAGIC_AT, 64)):
                continue
            seen.add(identity)
            image = _open(fs, path)
            found += _outside(image, _look(image))
        except FileNotFoundError:
            continue
        except OSError as error:
            found += ScanResult(problems=(problem(error, path),))
        except BootdError as error:
            message = clean(f"the ISO image cannot be read: {error}")
            found += ScanResult(problems=(Problem(source=clean(path), message=message),))
    return found


def _candidates(fs: FsView) -> Iterator[str]:
    for folder in PLACES:
        for name in fs.list_dir(folder):
            if name.casefold().endswith(".iso"):
                yield f"{folder.rstrip('/')}/{name}"


def _open(fs: FsView, path: str) -> Image:
    image = open_image(partial(fs.read_range, path))
    return Image(path=path, view=image.view, specs=image.specs)


def _look(image: Image) -> ScanResult:
    """Collect what all other formats find in an image."""
    results = {
        each.name: each.scan_image(image.view, image.path)
        for each in FORMATS
        if not each.last_resort and each.name != "iso"
    }
    options = without_repeats(with_lent(results))
    found = sum(results.values(), start=ScanResult())
    return ScanResult(options=tuple(options), problems=found.problems)


def _outside(image: Image, result: ScanResult) -> ScanResult:
    options = tuple(_Outside(image, option).result() for option in result.options)
    problems = tuple(
        replace(each, source=clean(f"{image.path}{each.source}")) for each in result.problems
    )
    return ScanResult(options=options, problems=problems)


class _Outside:
    """Turns an option that was read inside an image into one of the file system around it."""

    def __init__(self, image: Image, option: BootOption) -> None:
        self._image = image
        self._option = option
        self._reasons: list[str] = []

    def result(self) -> BootOption:
        image, it = self._image, self._option
        cmdline, note = self._cmdline()
        notes = [note] if it.linux is not None else []
        choices = [(each.compatible, self._file(each.devicetree)) for each in it.devicetree_choices]
        trees = it.devicetree_dir
        if trees is not None:
            notes.insert(0, "device trees in the image are not chosen from")
        option = replace(
            it,
            entry=f"{clean(image.path, 255)}!{it.format}:{it.entry}",
            format="iso",
            source=f"{image.path}{it.source}",
            linux=self._maybe(it.linux),
            initrds=tuple(map(self._file, it.initrds)),
            cmdline=cmdline,
            devicetree=self._maybe(it.devicetree),
            devicetree_choices=tuple(
                TreeChoice(compatible=name, devicetree=file) for name, file in choices
            ),
            devicetree_dir=None,
            overlays=tuple(map(self._file, it.overlays)),
            submenu=(clean(image.path.rpartition("/")[2]), *it.submenu),
            is_default=False,
            absent=(),
            notes=(*it.notes, *notes),
        )
        return replace(option, reasons=(*it.reasons, *dict.fromkeys(self._reasons)))

    def _maybe(self, ref: FileRef | None) -> FileRef | None:
        return None if ref is None else self._file(ref)

    def _file(self, ref: FileRef) -> FileRef:
        if ref.url:
            return ref
        name = clean(ref.path)
        inside = self._image.view.is_file(ref.path)
        if ref.part:
            self._reasons.append(f"{name} is a container inside the image, which is not read")
        elif ref.device is not None and not (
            inside
            or ref.device.partition(HINTED)[0].replace('"', "").casefold() in self._image.specs
        ):
            return ref
        elif not inside:
            self._reasons.append(f"the image has no file {name}")
        return FileRef(self._image.path, part=ref.path)

    def _cmdline(self) -> tuple[str, str]:
        """Return the command line with the image's path where one was left open, and a note."""
        path, cmdline = self._image.path, self._option.cmdline
        cmdline = _ARGUMENT.sub(lambda m: m[0] if m[2] else f"{m[1]}={path}", cmdline)
        cmdline = _NO_DEVICE.sub(rf"\1{own_fact('uuid')}", cmdline)
        found = _ARGUMENT.search(cmdline)
        if found is None:
            return cmdline, (
                "its command line does not say in which image its system is, so that it may not "
                "find its medium (findiso=, iso-scan/filename=)"
            )
        return cmdline, clean(f"its system looks for its image by {found[0]}")
