"""What a script is told about the machine that runs GRUB: `$grub_cpu` and `$grub_platform`.

They are those of the GRUB that is installed: bootd stands in for it.
"""

from typing import Final

from bootd.fsview import FsView

PLATFORMS: Final[tuple[str, ...]] = (
    "arm64-efi",
    "arm-efi",
    "riscv64-efi",
    "loongarch64-efi",
    "x86_64-efi",
    "i386-efi",
    "arm-uboot",
    "powerpc-ieee1275",
    "i386-pc",
)
"""Directories of modules next to grub.cfg, in the order in which they are believed."""

_PROGRAMS: Final = {
    "bootaa64.efi": "arm64-efi",
    "bootriscv64.efi": "riscv64-efi",
    "bootloongarch64.efi": "loongarch64-efi",
    "bootarm.efi": "arm-efi",
    "bootx64.efi": "x86_64-efi",
}
"""EFI programs of removable media (UEFI 2.10, section 3.5.1.1)."""


def detect(fs: FsView, directory: str) -> tuple[str, str]:
    """Return the processor and the platform of the GRUB that reads `directory`."""
    names = fs.list_dir(directory)
    programs = {name.lower() for name in fs.list_dir("/EFI/BOOT")}
    found = [platform for platform in PLATFORMS if platform in names]
    found += [platform for name, platform in _PROGRAMS.items() if name in programs]
    cpu, _, platform = (found[0] if found else "arm64-efi").partition("-")
    return cpu, platform
