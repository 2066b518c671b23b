"""The table of formats, and what must be on a file system before a format's module is imported.

Some parsers take 5 to 20 ms to import, ten times what a scan takes; most disks need two of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol, cast

from bootd.fsview import FsView
from bootd.model.option import ScanResult
from bootd.record import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bootd.model.lent import LentFile


class FormatModule(Protocol):
    """What a format's module has."""

    PLACES: tuple[str, ...]

    def scan(self, fs: FsView, /) -> ScanResult:
        """Collect its options on one file system; never raises for bad input."""
        ...


class BorrowingModule(Protocol):
    """What a format's module has when its configurations may read other devices."""

    def scan(self, fs: FsView, lent: "Iterable[LentFile]", /) -> ScanResult:
        """Collect its options, with the files that other devices lend."""
        ...


class ImageModule(Protocol):
    """What a format's module has when an image inside a file makes a difference to it."""

    def scan_image(self, fs: FsView, place: str, /) -> ScanResult:
        """Collect its options in an image that lies at `place` of another file system."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BootFormat:
    """A dialect of boot configuration.

    Attributes:
        name: As users, ids and the wire know it; also of its module.
        spec: Where it is specified.
        places: `PLACES` of its module: files or directories that it looks at, in order.
        suffixes: Its files' names end so, in small letters; only for places that are directories
            which nearly every file system has.
        last_resort: It is asked only where all others found nothing.
        knows_images: Its module is an `ImageModule` as well.
        borrows: Its module is a `BorrowingModule` as well.
    """

    name: str
    spec: str
    places: tuple[str, ...]
    suffixes: tuple[str, ...] = ()
    last_resort: bool = False
    knows_images: bool = False
    borrows: bool = False

    def load(self) -> FormatModule:
        """Return its module, imported now at the latest."""
        return cast(FormatModule, import_module(f"bootd.formats.{self.name}"))

    def scan(self, fs: FsView, lent: "Iterable[LentFile]" = ()) -> ScanResult:
        """Collect its options on one file system, with what other devices lend."""
        if not self._may_be_on(fs):
            return ScanResult()
        module = self.load()
        return cast(BorrowingModule, module).scan(fs, lent) if self.borrows else module.scan(fs)

    def scan_image(self, fs: FsView, place: str) -> ScanResult:
        """Collect its options in an image that lies at `place` of another file system."""
        if not self.knows_images:
            return self.scan(fs)
        if not self._may_be_on(fs):
            return ScanResult()
        return cast(ImageModule, self.load()).scan_image(fs, place)

    def _may_be_on(self, fs: FsView) -> bool:
        return any(self.holds(fs, each) for each in self.places)

    def holds(self, fs: FsView, place: str) -> bool:
        """Say whether there may be something of this format at a place."""
        try:
            if self.suffixes:
                return any(name.casefold().endswith(self.suffixes) for name in fs.list_dir(place))
            fs.identity(place)
        except FileNotFoundError:
            return False
        except OSError:  # a directory, or something that its module has to complain of
            return True
        return True


FORMATS: Final = (
    BootFormat(
        name="bls",
        spec="UAPI.1 Boot Loader Specification, type #1",
        places=("/loader", "/boot/loader"),
    ),
    BootFormat(
        name="uki",
        spec="UAPI.1 Boot Loader Specification, type #2; UAPI.5 Unified Kernel Image",
        places=("/EFI/Linux", "/boot/EFI/Linux"),
    ),
    BootFormat(
        name="extlinux",
        spec="U-Boot doc/README.pxe, Syslinux doc/syslinux.txt",
        places=(
            "/extlinux/extlinux.conf",
            "/boot/extlinux/extlinux.conf",
            "/syslinux/extlinux.conf",
            "/boot/syslinux/extlinux.conf",
            "/boot/syslinux/syslinux.cfg",
            "/syslinux/syslinux.cfg",
            "/syslinux.cfg",
            "/boot/extlinux.conf",
            "/extlinux.conf",
            "/boot/isolinux/isolinux.cfg",
            "/isolinux/isolinux.cfg",
            "/isolinux.cfg",
            "/EFI/syslinux/syslinux.cfg",
            "/EFI/BOOT/syslinux.cfg",
        ),
    ),
    BootFormat(
        name="uboot_script",
        spec="U-Boot doc/usage/cmd, common/cli_hush.c",
        places=(
            "/boot.scr.uimg",
            "/boot.scr",
            "/boot/boot.scr.uimg",
            "/boot/boot.scr",
            "/boot.ini",
            "/boot/boot.ini",
            "/s905_autoscript",
            "/boot.cmd",
            "/boot/boot.cmd",
            "/uEnv.txt",
            "/boot/uEnv.txt",
        ),
    ),
    BootFormat(
        name="grub",
        spec="GNU GRUB 2.12 manual, grub-core/script",
        places=(
            "/boot/grub/grub.cfg",
            "/boot/grub2/grub.cfg",
            "/grub/grub.cfg",
            "/grub2/grub.cfg",
            "/grub.cfg",
            "/@/boot/grub/grub.cfg",
            "/@rootfs/boot/grub/grub.cfg",
            "/@/boot/grub2/grub.cfg",
            "/EFI",
            "/efi/boot/grub.cfg",
            "/boot/efi/EFI",
            "/boot/grub/loopback.cfg",
        ),
        knows_images=True,
        borrows=True,
    ),
    BootFormat(
        name="raspberrypi",
        spec="Raspberry Pi documentation, config.txt",
        places=("/config.txt", "/boot/firmware/config.txt", "/boot/config.txt"),
    ),
    BootFormat(
        name="fit",
        spec="U-Boot doc/usage/fit/source_file_format.rst",
        places=("/", "/boot", "/boot/fit"),
    ),
    BootFormat(
        name="petitboot",
        spec="petitboot discover/native",
        places=("/boot/petitboot.conf", "/petitboot.conf"),
    ),
    BootFormat(
        name="kboot",
        spec="petitboot discover/kboot-parser.c",
        places=tuple(
            f"{folder}/{name}"
            for folder in ("", "/etc", "/boot", "/boot/etc", "/ETC")
            for name in ("kboot.conf", "kboot.cnf", "KBOOT.CONF", "KBOOT.CNF")
        ),
    ),
    BootFormat(
        name="yaboot",
        spec="yaboot.conf(5), petitboot discover/yaboot-parser.c",
        places=tuple(
            f"{folder}/{name}"
            for folder in ("", "/etc", "/boot", "/suseboot", "/ETC", "/SUSEBOOT")
            for name in ("yaboot.conf", "yaboot.cnf", "YABOOT.CONF", "YABOOT.CNF")
        ),
    ),
    BootFormat(
        name="android",
        spec="Android bootimg.h, header versions 0 to 4",
        places=("/", "/boot"),
        suffixes=(".img",),
    ),
    BootFormat(
        name="iso",
        spec="ECMA-119 with Rock Ridge and Joliet; loopback.cfg",
        places=("/", "/boot", "/iso", "/isos", "/ISO", "/boot/iso", "/boot/isos", "/images"),
        suffixes=(".iso",),
    ),
    BootFormat(
        name="bare",
        spec="file names that distributions use; UAPI.10 Version Format Specification",
        places=("/boot", "/", "/usr/lib/modules", "/lib/modules"),
        last_resort=True,
    ),
)
"""In menu order: an earlier format's options come first, and its timeout wins. Each configuration
keeps its own default; policy takes the first that can boot."""
