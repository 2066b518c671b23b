"""extlinux.conf, syslinux.cfg and isolinux.cfg: U-Boot's and Syslinux's menus.

Source: U-Boot boot/pxe_utils.c and doc/README.pxe; Syslinux 6.03 doc/syslinux.txt and doc/menu.txt.
Where the two differ, the rule is the one that loses nothing: see `entry` and `menu`.

Not supported, and said so at the entry: COM32 modules, boot sectors, disk images, LOCALBOOT, files
by URL. Not supported without a word: MENU PASSWD, colours, key maps,
message files, and menus reached through `KERNEL menu.c32` or CONFIG.
"""

from typing import Final

from bootd.errors import ConfigError
from bootd.formats.extlinux import entry, fit, menu, syntax
from bootd.formats.lexing import problem
from bootd.fsview import FsView, read_text
from bootd.model.option import BootOption, ScanResult
from bootd.model.problem import Problem
from bootd.model.text import clean

MAX_ENTRIES: Final = 256
"""Of one configuration file with all that it includes (DESIGN.md, limits)."""

PLACES: Final = (
    "/extlinux/extlinux.conf",  # U-Boot and EXTLINUX, on a boot partition
    "/boot/extlinux/extlinux.conf",  # the same on a root file system
    "/syslinux/extlinux.conf",
    "/boot/syslinux/extlinux.conf",
    "/boot/syslinux/syslinux.cfg",  # Syslinux, in its order
    "/syslinux/syslinux.cfg",
    "/syslinux.cfg",
    "/boot/extlinux.conf",  # Alpine Linux
    "/extlinux.conf",
    "/boot/isolinux/isolinux.cfg",  # ISOLINUX, in its order
    "/isolinux/isolinux.cfg",
    "/isolinux.cfg",
    "/EFI/syslinux/syslinux.cfg",  # Syslinux for UEFI
    "/EFI/BOOT/syslinux.cfg",
)
"""Every one that is there is used; one file under two names once."""


def scan(fs: FsView) -> ScanResult:
    """Collect the labels of every configuration on a file system."""
    found = ScanResult()
    seen: set[tuple[int, int, int]] = set()
    for path in PLACES:
        try:
            identity = fs.identity(path)
            if identity in seen:
                continue
            seen.add(identity)
            found += scan_text(fs, path, read_text(fs, path), path.rpartition("/")[0] or "/")
        except FileNotFoundError:
            continue
        except (ConfigError, OSError) as error:
            found += ScanResult(problems=(problem(error, path),))
    return found


def scan_text(fs: FsView, path: str, text: str, base: str) -> ScanResult:
    """Collect the labels of one configuration.

    Args:
        fs: Where files are that it includes or names.
        path: Of the configuration.
        text: Its content.
        base: Directory at which relative paths start.
    """
    problems: list[Problem] = []
    whole = menu.group(syntax.read(fs, path, text, problems, base), problems)
    stanzas, chosen = menu.visible(whole), menu.choose_default(whole)
    if menu.named_default(whole) is None:
        if implied := entry.implied(fs, whole, base, path):
            stanzas, chosen = (implied, *stanzas), implied
        elif whole.default and not whole.default.lower().endswith(".c32"):
            message = clean(f"DEFAULT names {whole.default}, which is no entry")
            problems.append(Problem(source=clean(path), message=message))
    if len(stanzas) > MAX_ENTRIES:
        message = f"{len(stanzas) + whole.dropped} entries, only the first {MAX_ENTRIES} are listed"
        problems.append(Problem(source=clean(path), message=message))
    options: list[BootOption] = []
    for stanza in stanzas[:MAX_ENTRIES]:
        try:
            option = entry.build(stanza, whole.append, base, is_default=stanza is chosen)
            options.append(fit.expand(option, fs))
        except ConfigError as error:
            problems.append(problem(error, path))
    return ScanResult(options=tuple(options), problems=tuple(problems), timeout_s=whole.timeout_s)
