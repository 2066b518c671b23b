"""grub.cfg: the menu of GRUB 2, by running its scripts.

Source: GNU GRUB 2.12 manual and grub-core/{script,commands,normal}; Fedora's `blscfg`. Where other
readers look for lines, this one interprets: functions, conditions, loops and included files count.
It only reads: what a script would save or start is a note.

The body of an entry runs when the whole script has, with the variables as they are then; submenus
see what was exported. Of images behind `loopback` those of ISO 9660 and ext are opened. Not
supported, and said so at the entry: other operating systems, Xen, `newc:` for files in images,
variables that only `probe`, `cpuid` or `smbios` could know. GRUB Legacy's menu.lst is no GRUB 2
configuration.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from bootd.formats.lexing import problem
from bootd.fsview import FsView
from bootd.model.option import BootOption, ScanResult
from bootd.record import replace

if TYPE_CHECKING:
    from bootd.formats.grub.run import Run
    from bootd.model.lent import LentFile

PLACES: Final = (
    "/boot/grub/grub.cfg",
    "/boot/grub2/grub.cfg",
    "/grub/grub.cfg",
    "/grub2/grub.cfg",
    "/grub.cfg",
    "/@/boot/grub/grub.cfg",  # a btrfs mounted from its top, Ubuntu's subvolume
    "/@rootfs/boot/grub/grub.cfg",  # Debian's
    "/@/boot/grub2/grub.cfg",
    "/EFI",  # a folder for each vendor
    "/efi/boot/grub.cfg",
    "/boot/efi/EFI",
    "/boot/grub/loopback.cfg",
)
"""Every one that is there is used; a file that another one has run already is not run again. The
last one is for images, and used when nothing else has entries."""

_FOLDERS: Final = ("/EFI", "/boot/efi/EFI")
_FALLBACK: Final = "/boot/grub/loopback.cfg"

MAX_VENDORS: Final = 256
"""Of one folder."""


def scan(fs: FsView, lent: "Iterable[LentFile]" = ()) -> ScanResult:
    """Collect the entries of every configuration on a file system.

    Args:
        fs: The file system.
        lent: Files of other devices that an earlier scan of it wanted.
    """
    found = ScanResult()
    opened: set[tuple[int, int, int]] = set()
    listed: set[BootOption] = set()
    for path in _files(fs):
        if path == _FALLBACK and found.options:
            continue
        try:
            if fs.identity(path) in opened:
                continue
            run = _run(fs, path, {}, lent)
        except FileNotFoundError:
            continue
        except OSError as error:
            found += ScanResult(problems=(problem(error, path),))
            continue
        result = run.result()
        opened |= run.opened
        # The same entries in a second file, such as on install media, are the same entries.
        keys = [replace(o, source="", line=None, is_default=False) for o in result.options]
        fresh = tuple(o for o, key in zip(result.options, keys, strict=True) if key not in listed)
        listed.update(keys)
        found += replace(result, options=fresh)
    return found


def scan_image(fs: FsView, place: str) -> ScanResult:
    """Collect the entries of an image that lies in a file of another file system.

    loopback.cfg is made for that; the menu that runs it sets `iso_path`
    (supergrubdisk.org, "Loopback.cfg").

    Args:
        fs: The file system in the image.
        place: Absolute path of the image.
    """
    try:
        result = _run(fs, _FALLBACK, {"iso_path": place}).result()
    except OSError:
        return scan(fs)
    return result if result.options else scan(fs)


def _files(fs: FsView) -> Iterator[str]:
    for place in PLACES:
        if place not in _FOLDERS:
            yield place
            continue
        for vendor in fs.list_dir(place)[:MAX_VENDORS]:
            yield f"{place}/{vendor}/grub.cfg"


def _run(fs: FsView, path: str, given: Mapping[str, str], lent: "Iterable[LentFile]" = ()) -> "Run":
    from bootd.formats.grub.run import Run  # noqa: PLC0415 - 10 ms, and most disks have no GRUB

    return Run(fs, path, given, lent)
