"""Guests of every architecture that bootd loads kernels on: Debian's kernel and Python, in QEMU.

What runs in them is in `image.loadtest`. The board of the product, with systemd and disks, is
`image.qemu`; these are as small as can be and there to try loaders.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from image import kernel
from image.apt import Apt, unpack

PACKAGES: Final = ("busybox-static", "python3-minimal", "libpython3-stdlib", "kexec-tools")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """An emulated machine.

    Attributes:
        name: For tests, and the folder below build/guests.
        debian: Debian's name of the architecture.
        triplet: Folder of its libraries.
        release: Debian release; "" for this machine's own.
        kernel: Metapackage of the kernel.
        qemu: Command line of the machine.
        console: Name of its serial line.
    """

    name: str
    debian: str
    triplet: str
    release: str
    kernel: str
    qemu: tuple[str, ...]
    console: str


_ARM64: Final = ("qemu-system-aarch64", "-cpu", "cortex-a57", "-smp", "2", "-m", "512")


def _arm64(name: str, *words: str) -> Guest:
    return Guest(
        name=name,
        debian="arm64",
        triplet="aarch64-linux-gnu",
        release="bookworm",
        kernel="linux-image-cloud-arm64",
        qemu=(*_ARM64, *words),
        console="ttyAMA0",
    )


GUESTS: Final = {
    guest.name: guest
    for guest in (
        _arm64("arm64", "-M", "virt,gic-version=3"),
        _arm64("arm64-el2", "-M", "virt,virtualization=on,gic-version=3"),
        _arm64(
            "arm64-uefi",
            *("-M", "virt,acpi=off,gic-version=3"),
            *("-bios", "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd"),
        ),
        Guest(
            name="arm",
            debian="armhf",
            triplet="arm-linux-gnueabihf",
            release="bookworm",
            kernel="linux-image-armmp",
            qemu=(
                *("qemu-system-arm", "-M", "virt,highmem=off", "-cpu", "cortex-a15"),
                *("-smp", "2", "-m", "512"),
            ),
            console="ttyAMA0",
        ),
        # Of the releases with riscv64 the one with the newest Python, 3.14.
        Guest(
            name="riscv64",
            debian="riscv64",
            triplet="riscv64-linux-gnu",
            release="forky",
            kernel="linux-image-riscv64",
            qemu=("qemu-system-riscv64", "-M", "virt", "-cpu", "rv64", "-smp", "2", "-m", "512"),
            console="ttyS0",
        ),
        Guest(
            name="ppc64le",
            debian="ppc64el",
            triplet="powerpc64le-linux-gnu",
            release="bookworm",
            kernel="linux-image-powerpc64le",
            qemu=(
                *("qemu-system-ppc64", "-M", "pseries", "-cpu", "power9"),
                *("-smp", "2", "-m", "1024"),
            ),
            console="hvc0",
        ),
        Guest(
            name="x86_64",
            debian="amd64",
            triplet="x86_64-linux-gnu",
            release="bookworm",
            kernel="linux-image-cloud-amd64",
            # Debian's kernels panic on QEMU's default processors when they are emulated.
            qemu=(
                *("qemu-system-x86_64", "-M", "q35,accel=tcg", "-cpu", "Nehalem"),
                *("-smp", "2", "-m", "768"),
            ),
            console="ttyS0",
        ),
    )
}


def argv(guest: Guest, image: Path, initramfs: Path, words: str = "") -> list[str]:
    """Return the command line that starts a guest; a panic, and its end, end QEMU."""
    line = f"console={guest.console} panic=-1 quiet {words}".strip()
    options = ("-nographic", "-no-reboot", "-nic", "none")
    files = ("-kernel", str(image), "-initrd", str(initramfs), "-append", line)
    return [*guest.qemu, *options, *files]


def fetch(guest: Guest, work: Path) -> Path:
    """Download and unpack what a guest consists of; return the folder.

    Raises:
        AptError: The network, or this machine's package sources, do not have it.
    """
    apt = Apt(work / guest.debian / "apt", guest.release, architecture=guest.debian)
    root = work / guest.debian / "root"
    if (work / guest.debian / "stamp").exists():
        return root
    apt.prepare()
    package = apt.dependency(guest.kernel, "linux-image-")
    # Newer packages keep the kernel apart from what is signed about it.
    listed = apt.depends(package)
    names = [name for name in listed if name.startswith("linux-binary-")] or [package]
    unpack([*apt.closure(PACKAGES), apt.single(names[0])], root)
    (work / guest.debian / "stamp").touch()
    return root


def image(root: Path) -> Path:
    """Return the kernel of an unpacked guest."""
    version = kernel.release(root)
    folder = root / "usr/lib/modules" / version
    names = (f"boot/vmlinuz-{version}", f"boot/vmlinux-{version}")
    places = (*(root / name for name in names), folder / "vmlinuz", folder / "vmlinuz.unsigned")
    return next(place for place in places if place.is_file())
