"""Make a directory that plays an arm64 board: `demo_machine.py DIR`, for `bootd --machine DIR`.

Three disks from the golden trees, kernels that are headers only (nothing is executed), a live tree
as firmware leaves it, and a shipped DTB that knows more devices than the firmware does.
"""

import json
import os
import shutil
import struct
import sys
from pathlib import Path
from typing import Final

from bootd.fdt import Fdt, Node, write
from bootd.fdt.cells import from_cells, from_string
from bootd.formats import scan
from bootd.linux.dirview import DirView

GOLDEN: Final = Path(__file__).parent.parent / "tests" / "golden"
BOARD: Final = "pine64,rockpro64"
MODEL: Final = "Pine64 RockPro64"
DISKS: Final = {
    "nvme0n1p1": "bls/fedora-40-aarch64",
    "mmcblk0p1": "extlinux/debian-12-u-boot-menu",
    "sda1": "extlinux/nixos-23.11",
}
INCOMPLETE: Final = "mmcblk0p1"
"""Its older kernel stays missing, as on a disk that somebody has cleaned up by hand."""


def main(directory: Path) -> None:
    """Write the machine into a directory that does not exist yet."""
    for name, golden in DISKS.items():
        shutil.copytree(GOLDEN / golden / "tree", directory / name)
        _fill(directory / name, add=name != INCOMPLETE)
    for dtb in directory.rglob("rk3399-rockpro64.dtb"):
        dtb.write_bytes(write(shipped_tree()))
    (directory / "live.dtb").write_bytes(write(live_tree()))
    machine = {
        "architecture": "aarch64",
        "model": MODEL,
        "compatible": [BOARD, "rockchip,rk3399"],
        "serial": "b2f0c4a51d7e",
        "kernel": "6.12.0",
        "memoryBytes": 4 << 30,
        "kexecLoad": True,
    }
    (directory / ".machine").mkdir()
    (directory / ".machine" / "machine.json").write_text(json.dumps(machine, indent=1))


def _fill(disk: Path, *, add: bool) -> None:
    """Give the files that the disk's entries name their content."""
    fd = os.open(disk, os.O_PATH | os.O_DIRECTORY)
    options = scan(DirView(fd)).options
    os.close(fd)
    for option in options:
        contents = {each: bytes(512) for each in option.initrds}
        contents |= {option.linux: arm64_image()} if option.linux else {}
        contents |= {option.devicetree: write(shipped_tree())} if option.devicetree else {}
        for ref, content in contents.items():
            file = disk / ref.path.lstrip("/")
            if add or file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)


def arm64_image() -> bytes:
    """Return an Image of a header only (Documentation/arch/arm64/booting.rst): 4 KiB pages."""
    size = 1 << 20
    header = struct.pack("<IIQQQQQQ4sI", 0x14000010, 0, 0, size, 0b1010, 0, 0, 0, b"ARM\x64", 0)
    return header.ljust(size, b"\0")


def shipped_tree() -> Fdt:
    """Return a tree as a kernel ships it: all devices, a placeholder for memory."""
    root = _board()
    _add(root, "memory@0", device_type=from_string("memory"), reg=from_cells([0, 0, 0, 0]))
    _add(
        root,
        "gpu@ff9a0000",
        compatible=from_string("arm,mali-t860"),
        reg=_range(0xFF9A0000, 0x10000),
    )
    _add(root, "chosen", **{"stdout-path": from_string("serial2:1500000n8")})
    return Fdt(root=root)


def live_tree() -> Fdt:
    """Return the tree of the running kernel: memory, MAC address and serial number are known."""
    root = _board()
    root.properties["serial-number"] = from_string("b2f0c4a51d7e")
    _add(root, "memory@200000", device_type=from_string("memory"), reg=_range(0x200000, 0xF7E00000))
    root.children["ethernet@fe300000"].properties["local-mac-address"] = bytes.fromhex(
        "02ba1234cafe"
    )
    _add(
        root,
        "chosen",
        **{
            "stdout-path": from_string("serial2:1500000n8"),
            "kaslr-seed": bytes(8),
            "bootargs": from_string("console=ttyS2,1500000"),
        },
    )
    return Fdt(root=root, reservations=[(0xEDF00000, 0x90000)])


def _board() -> Node:
    root = Node("")
    root.properties |= {
        "compatible": from_string(BOARD) + from_string("rockchip,rk3399"),
        "model": from_string(MODEL),
        "#address-cells": from_cells([2]),
        "#size-cells": from_cells([2]),
    }
    aliases = {
        "serial2": from_string("/serial@ff1a0000"),
        "ethernet0": from_string("/ethernet@fe300000"),
    }
    _add(root, "aliases", **aliases)
    _add(root, "psci", compatible=from_string("arm,psci-1.0"), method=from_string("smc"))
    cpus = _add(root, "cpus", **{"#address-cells": from_cells([2]), "#size-cells": from_cells([0])})
    for number in range(2):
        _add(
            cpus,
            f"cpu@{number}",
            device_type=from_string("cpu"),
            compatible=from_string("arm,cortex-a53"),
            reg=from_cells([0, number]),
            **{"enable-method": from_string("psci")},
        )
    _add(
        root,
        "serial@ff1a0000",
        compatible=from_string("snps,dw-apb-uart"),
        reg=_range(0xFF1A0000, 0x100),
    )
    _add(
        root,
        "ethernet@fe300000",
        compatible=from_string("rockchip,rk3399-gmac"),
        reg=_range(0xFE300000, 0x10000),
    )
    return root


def _add(parent: Node, name: str, **properties: bytes) -> Node:
    node = parent.add(name)
    node.properties |= properties
    return node


def _range(start: int, size: int) -> bytes:
    return from_cells([start >> 32, start & 0xFFFFFFFF, size >> 32, size & 0xFFFFFFFF])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
