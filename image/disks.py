"""Demo disks, made without root and loop devices: file systems filled from directories.

Not supported: anything but GPT with one partition.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from image import command, firmware, initramfs, second

EXT4_UUID: Final = "b007d000-0001-4000-8000-000000000001"
STICK_UUID: Final = "b007d000-0003-4000-8000-000000000003"
VFAT_ID: Final = "b007d002"

_CMDLINE: Final = "console=ttyAMA0 panic=-1"
_FIRST_SECTOR: Final = 2048

_EXTLINUX: Final = f"""\
# Demo system with a folder of device trees, and entries that cannot boot.
DEFAULT larch
TIMEOUT 100
MENU TITLE Larch Linux

LABEL larch
    MENU LABEL Larch Linux 6.1
    LINUX /boot/vmlinuz
    INITRD /boot/initrd.img
    FDTDIR /boot/dtb
    APPEND {_CMDLINE} entry=larch demo

LABEL larch-overlay
    MENU LABEL Larch Linux 6.1 with an overlay
    LINUX /boot/vmlinuz
    INITRD /boot/initrd.img
    FDTDIR /boot/dtb
    FDTOVERLAYS /boot/overlays/demo.dtbo
    APPEND {_CMDLINE} entry=larch-overlay demo

LABEL no-kernel
    MENU LABEL Larch Linux 5.10 (its kernel is gone)
    LINUX /boot/vmlinuz-5.10
    INITRD /boot/initrd.img
    APPEND {_CMDLINE} entry=no-kernel

LABEL corrupt-dtb
    MENU LABEL Larch Linux 6.1 with a corrupt device tree
    LINUX /boot/vmlinuz
    INITRD /boot/initrd.img
    FDT /boot/dtb/corrupt.dtb
    APPEND {_CMDLINE} entry=corrupt-dtb

LABEL other-board
    MENU LABEL Larch Linux 6.1 with another board's device tree
    LINUX /boot/vmlinuz
    INITRD /boot/initrd.img
    FDT /boot/dtb/rockchip/rk3399-rockpro64.dtb
    APPEND {_CMDLINE} entry=other-board
"""

_BLS: Final = {
    "fjord-6.1.conf": f"""\
title Fjord OS 12
version 6.1
machine-id 00000000000000000000000000000b00
sort-key fjord
linux /fjord/linux
initrd /fjord/initrd
options {_CMDLINE} entry=fjord demo
""",
    "fjord-rescue.conf": f"""\
title Fjord OS 12 rescue
version 6.1
machine-id 00000000000000000000000000000b00
sort-key fjord-rescue
linux /fjord/linux
initrd /fjord/initrd
options {_CMDLINE} entry=fjord-rescue
options rescue demo
""",
}

_STICK: Final = f"""\
DEFAULT stick
LABEL stick
    MENU LABEL Stick Linux
    LINUX /vmlinuz
    INITRD /initrd.img
    APPEND {_CMDLINE} entry=stick demo
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What the disks are made from: kernel, unpacked packages, folder of real boards' DTBs."""

    kernel: Path
    root: Path
    dtbs: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A demo disk: `fill` puts files into a folder, `format` makes a file system of it."""

    name: str
    fill: Callable[[Sources, Path], None]
    format: Callable[[Path, Path], None]
    partition_type: str
    size_mib: int


def make(disk: Disk, sources: Sources, target: Path) -> None:
    """Write the disk image; `target` appears only when it is complete."""
    folder = target.with_suffix(".tree")
    part = target.with_suffix(".part")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    disk.fill(sources, folder)
    part.unlink(missing_ok=True)
    _truncate(part, disk.size_mib)
    disk.format(folder, part)
    whole = target.with_suffix(".new")
    whole.unlink(missing_ok=True)
    _truncate(whole, disk.size_mib + 2)
    table = (
        f"label: gpt\nstart={_FIRST_SECTOR},size={disk.size_mib * 2048},"
        f"type={disk.partition_type},name={disk.name}\n"
    )
    command.run("sfdisk", "-q", whole, stdin=table)
    copy = ("bs=1M", "seek=1", "conv=notrunc,sparse", "status=none")
    command.run("dd", f"if={part}", f"of={whole}", *copy)
    part.unlink()
    shutil.rmtree(folder)
    whole.rename(target)


def _fill_larch(sources: Sources, folder: Path) -> None:
    boot = folder / "boot"
    shutil.copytree(sources.dtbs, boot / "dtb")
    for board in firmware.BOARDS.values():
        (boot / "dtb" / board.dtb).parent.mkdir(exist_ok=True)
        firmware.shipped_tree(board, boot / "dtb" / board.dtb)
    good = (boot / "dtb" / firmware.BOARDS["virt"].dtb).read_bytes()
    (boot / "dtb/corrupt.dtb").write_bytes(good[:1000])
    (boot / "overlays").mkdir()
    firmware.overlay(boot / "overlays/demo.dtbo")
    (boot / "extlinux").mkdir()
    (boot / "extlinux/extlinux.conf").write_text(_EXTLINUX)
    _system(sources, "Larch Linux", boot / "vmlinuz", boot / "initrd.img")


def _fill_fjord(sources: Sources, folder: Path) -> None:
    (folder / "loader/entries").mkdir(parents=True)
    for name, text in _BLS.items():
        (folder / "loader/entries" / name).write_text(text)
    (folder / "loader/loader.conf").write_text("default fjord-6.1.conf\ntimeout 10\n")
    (folder / "fjord").mkdir()
    _system(sources, "Fjord OS", folder / "fjord/linux", folder / "fjord/initrd")


def _fill_stick(sources: Sources, folder: Path) -> None:
    (folder / "extlinux").mkdir()
    (folder / "extlinux/extlinux.conf").write_text(_STICK)
    _system(sources, "Stick Linux", folder / "vmlinuz", folder / "initrd.img")


def _system(sources: Sources, name: str, kernel: Path, initrd: Path) -> None:
    shutil.copyfile(sources.kernel, kernel)
    initramfs.pack(second.build(sources.root, name), initrd)


def _ext4(uuid: str, label: str) -> Callable[[Path, Path], None]:
    def write(folder: Path, part: Path) -> None:
        kind = ("-t", "ext4", "-U", uuid, "-L", label)
        command.run("mke2fs", "-q", "-F", *kind, "-d", folder, part)

    return write


def _vfat(folder: Path, part: Path) -> None:
    command.run("mkfs.vfat", "-n", "FJORD", "-i", VFAT_ID, part)
    command.run("mcopy", "-i", part, "-s", *sorted(folder.iterdir()), "::")


def _truncate(file: Path, size_mib: int) -> None:
    with file.open("wb") as output:
        output.truncate(size_mib << 20)


DISKS: Final = (
    Disk(
        name="larch",
        fill=_fill_larch,
        format=_ext4(EXT4_UUID, "LARCH"),
        partition_type="linux",
        size_mib=64,
    ),
    Disk(name="fjord", fill=_fill_fjord, format=_vfat, partition_type="uefi", size_mib=48),
    Disk(
        name="stick",
        fill=_fill_stick,
        format=_ext4(STICK_UUID, "STICK"),
        partition_type="linux",
        size_mib=48,
    ),
)
"""The two disks of the demo, and the one that the board test plugs in."""
