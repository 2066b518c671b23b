"""QEMU's command line for the emulated board, the same for `make run` and the board test."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from image.build import Products
from image.firmware import MEMORY_MIB, PROCESSORS, Board

KERNEL_WORDS: Final = "console=ttyAMA0 panic=-1 quiet"
"""Command line of the first kernel; a panic ends QEMU because of -no-reboot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """One start of the board.

    Attributes:
        board: Which one.
        kernel: The first kernel.
        initramfs: Its initramfs.
        firmware: The device tree that it gets.
        disks: Disk images by id; they are never written.
        words: More of the first kernel's command line.
        extra: More of QEMU's options, such as where the serial line goes.
    """

    board: Board
    kernel: Path
    initramfs: Path
    firmware: Path
    disks: dict[str, Path]
    words: str = ""
    extra: Sequence[str] = ()


def of(products: Products, board: Board, disks: Sequence[str]) -> Guest:
    """Return the product on a board with demo disks."""
    return Guest(
        board=board,
        kernel=products.kernel,
        initramfs=products.initramfs,
        firmware=products.firmware(board.name),
        disks={name: products.disk(name) for name in disks},
    )


def argv(guest: Guest) -> list[str]:
    """Return the command line."""
    words = ["qemu-system-aarch64", "-M", guest.board.machine, "-cpu", "cortex-a57"]
    words += ["-smp", str(PROCESSORS), "-m", str(MEMORY_MIB), "-nic", "none", "-no-reboot"]
    words += ["-display", "none", "-kernel", str(guest.kernel), "-initrd", str(guest.initramfs)]
    words += ["-dtb", str(guest.firmware), "-append", f"{KERNEL_WORDS} {guest.words}".strip()]
    # On SCSI a disk can be pulled out without the five seconds that PCI gives a person to object.
    words += ["-device", "virtio-scsi-device,id=scsi"]
    # Linux finds the last one on the virtio-mmio bus first.
    for name, image in reversed(guest.disks.items()):
        words += ["-drive", f"if=none,id={name},format={_format(image)},snapshot=on,file={image}"]
        words += ["-device", f"virtio-blk-device,drive={name},serial={name}"]
    return [*words, *guest.extra]


def _format(image: Path) -> str:
    with image.open("rb") as file:
        return "qcow2" if file.read(4) == b"QFI\xfb" else "raw"
