"""Reading boot configurations: what a worker does between mount and answer, and its import."""

import subprocess
import sys
from statistics import median
from time import perf_counter

from bootd.formats import extlinux, scan
from tests.support import golden
from tests.support.memoryfs import MemoryFs

_ROUNDS = 15

_UBUNTU = golden.ROOT / "grub" / "ubuntu-24.04" / "tree"
"""A grub.cfg of 300 lines with eight entries, and its environment block."""

_ARMBIAN = golden.ROOT / "uboot_script" / "armbian-24-rockchip64" / "tree"
"""A boot.scr of 80 lines with an environment and three overlays."""

_RASPIOS = golden.ROOT / "raspberrypi" / "raspios-bookworm-arm64" / "tree"
"""A config.txt of 60 lines, evaluated for 21 boards."""

_IMPORT = """
import pkgutil
from importlib import import_module
from time import perf_counter
start = perf_counter()
import bootd.formats
if {whole}:
    for each in pkgutil.walk_packages(bootd.formats.__path__, "bootd.formats."):
        import_module(each.name)
print((perf_counter() - start) * 1000)
"""
"""A scan imports the parsers of what is on the disk only; the goal is for all of them."""


def measure() -> dict[str, float]:
    """Return medians in milliseconds on this machine, after import."""
    entries = MemoryFs({f"/loader/entries/{i:032x}.conf": _bls_entry(i) for i in range(100)})
    labels = MemoryFs({extlinux.PLACES[0]: "".join(_extlinux_label(i) for i in range(500))})
    return {
        "bls_100_ms": _milliseconds(entries),
        "extlinux_500_ms": _milliseconds(labels),
        "uboot_script_armbian_ms": _milliseconds(MemoryFs.from_tree(_ARMBIAN)),
        "raspberrypi_ms": _milliseconds(MemoryFs.from_tree(_RASPIOS)),
        "grub_ubuntu_ms": _milliseconds(MemoryFs.from_tree(_UBUNTU)),
        "formats_import_ms": _import_milliseconds(whole=True),
        "formats_table_import_ms": _import_milliseconds(whole=False),
    }


def _bls_entry(number: int) -> str:
    return (
        f"title Fedora Linux (6.8.{number}-301.fc40.aarch64) 40 (Server Edition)\n"
        f"version 6.8.{number}-301.fc40.aarch64\nsort-key fedora\n"
        f"machine-id 6a9857a393724b7a981ebb5b8495b9ea\nlinux /vmlinuz-6.8.{number}\n"
        f"initrd /initramfs-6.8.{number}.img\noptions root=UUID=d2a3a4b5 ro rhgb quiet\n"
    )


def _extlinux_label(number: int) -> str:
    return (
        f"label l{number}\n\tmenu label Debian GNU/Linux 12 (bookworm) 6.1.0-{number}-arm64\n"
        f"\tlinux /boot/vmlinuz-6.1.0-{number}-arm64\n\tinitrd /boot/initrd.img-6.1.0-{number}\n"
        f"\tfdtdir /usr/lib/linux-image-6.1.0-{number}-arm64/\n\tappend root=UUID=5c3d ro quiet\n"
    )


def _milliseconds(fs: MemoryFs) -> float:
    times = []
    for _ in range(_ROUNDS):
        start = perf_counter()
        assert scan(fs).options
        times.append((perf_counter() - start) * 1000)
    return median(times)


def _import_milliseconds(*, whole: bool) -> float:
    script = f"import sys; sys.path.insert(0, '.')\n{_IMPORT.format(whole=whole)}"
    argv = [sys.executable, "-I", "-c", script]
    runs = [subprocess.run(argv, capture_output=True, check=True, timeout=30) for _ in range(5)]
    return median(float(run.stdout) for run in runs)
