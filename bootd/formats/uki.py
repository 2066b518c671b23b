"""Boot Loader Specification, type #2: unified kernel images in /EFI/Linux.

Source: UAPI.1, section "Type #2 EFI Unified Kernel Images"; UAPI.5; systemd-stub(7) for the add-ons
beside an image, whose command lines and initrds come behind its own. What is read of an image:
`bootd.formats.ukifile`.

Not supported, and said so at the entry: add-ons with device trees, credentials and extension images
beside an image. Not supported without a word: add-ons for all images (/loader/addons).
"""

from collections.abc import Iterator
from typing import Final

from bootd.errors import BootdError, ConfigError
from bootd.formats import loaderconf, ukifile
from bootd.formats.entryfile import split_counter
from bootd.formats.lexing import check_cmdline, problem
from bootd.fsview import FsView
from bootd.model.option import BootOption, FileRef, ScanResult
from bootd.model.problem import Problem
from bootd.model.text import clean, escape
from bootd.record import replace

MAX_IMAGES: Final = 128
"""Of one directory."""

MAX_ADDONS: Final = 16
"""Of one image."""

_ROOTS: Final = ("", "/boot")

PLACES: Final = tuple(f"{root}/EFI/Linux" for root in _ROOTS)
"""Directories with images; the second where $BOOT is a directory of the root file system."""


def scan(fs: FsView) -> ScanResult:
    """Collect the profiles of every image, in the order of the specification."""
    found = ScanResult()
    for root in _ROOTS:
        found += _scan_directory(fs, root)
    return found


def _scan_directory(fs: FsView, root: str) -> ScanResult:
    directory = f"{root}/EFI/Linux"
    names = [name for name in fs.list_dir(directory) if _is_image(name)]
    if not names:
        return ScanResult()
    problems: list[Problem] = []
    if len(names) > MAX_IMAGES:
        message = f"{len(names)} images, only the last {MAX_IMAGES} by name are read"
        problems.append(Problem(source=directory, message=message))
    options: list[BootOption] = []
    kernels: dict[str, str] = {}
    for name in names[-MAX_IMAGES:]:
        path = f"{directory}/{name}"
        try:
            image = ukifile.read(fs, path)
            kernels[path] = image.kernel_version
            options += _options(fs, path, image)
        except (ConfigError, OSError) as error:
            problems.append(problem(error, path))
        except BootdError as error:
            problems.append(Problem(source=clean(path), message=clean(str(error))))
    settings = loaderconf.read(fs, f"{root}/loader/loader.conf")
    # systemd-boot has one list of both types; the entries of type #1 are the upper part here.
    alone = not any(n.casefold().endswith(".conf") for n in fs.list_dir(f"{root}/loader/entries"))
    marked = loaderconf.mark_default(loaderconf.sort(options), settings.default, first=alone)
    marked = [replace(o, version=o.version or kernels[o.source]) for o in marked]
    return ScanResult(options=tuple(marked), problems=tuple(problems), timeout_s=settings.timeout_s)


def _is_image(name: str) -> bool:
    return name.casefold().endswith(".efi") and not name.casefold().endswith(".addon.efi")


def _options(fs: FsView, path: str, image: ukifile.Uki) -> Iterator[BootOption]:
    file = path.rpartition("/")[2]
    stem, left, done = split_counter(file[:-4])
    cmdline, initrds, notes = _addons(fs, f"{path}.extra.d")
    for each in image.profiles:
        title = image.title or clean(stem)
        yield BootOption(
            # As systemd-boot names it: the first profile is the image itself.
            entry=escape(f"{stem}.efi") + (f"@{each.id or each.number}" if each.number else ""),
            format="uki",
            source=path,
            title=clean(f"{title} ({each.name})") if each.name else title,
            version=image.version,
            linux=each.linux,
            initrds=(*each.initrds, *initrds),
            cmdline=check_cmdline(" ".join(filter(None, (each.cmdline, cmdline))), path, 1),
            devicetree=each.devicetree,
            devicetree_choices=each.choices,
            hardware_ids=each.hardware_ids,
            sort_key=image.sort_key,
            architecture=image.architecture,
            tries_left=left,
            tries_done=done,
            notes=(*each.notes, *notes),
        )


def _addons(fs: FsView, folder: str) -> tuple[str, tuple[FileRef, ...], tuple[str, ...]]:
    """Return what the files beside an image add: command line, initrds, notes."""
    cmdlines: list[str] = []
    initrds: list[FileRef] = []
    notes: list[str] = []
    names = fs.list_dir(folder)
    if len(names) > MAX_ADDONS:
        notes.append(clean(f"only the first {MAX_ADDONS} files of {folder} are looked at"))
    for name in names[:MAX_ADDONS]:
        path = f"{folder}/{name}"
        if not name.casefold().endswith(".addon.efi"):
            notes.append(clean(f"{path} is not used"))
            continue
        try:
            addon = ukifile.read_addon(fs, path)
        except (BootdError, OSError) as error:
            notes.append(ukifile.why_not(error, path))
            continue
        cmdlines += [addon.cmdline] if addon.cmdline else []
        initrds += addon.initrds
        if addon.has_tree:
            notes.append(clean(f"the device tree in {path} is not used"))
    return " ".join(cmdlines), tuple(initrds), tuple(notes)
