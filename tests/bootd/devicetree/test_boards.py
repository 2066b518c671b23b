"""Merges of real boards' DTBs with what their firmware would make of them.

The DTBs are Debian's; `tests.support.firmware_player` plays the firmware and knows what must come
out. libfdt says whether the next kernel will see it.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from bootd.devicetree.prepare import combine
from bootd.devicetree.risk import risks
from bootd.errors import MergeRefusedError
from bootd.fdt import Fdt, read
from bootd.fdt.address import decode, layout
from bootd.fdt.cells import from_string, phandle
from bootd.fdt.compare import differences
from bootd.fdt.tree import Node, copy_fdt
from bootd.model.tree import FactAction
from tests.support import debian
from tests.support.firmware_player import Firmware, Ranges
from tests.support.libfdt_oracle import is_valid
from tests.support.trees import fdtget

pytestmark = pytest.mark.timeout(200)

GIB = 1 << 30
CMDLINE = "root=/dev/mmcblk0p2 rw"

Player = Callable[[Firmware], Firmware]

BOARDS: dict[str, tuple[str, Player]] = {
    "U-Boot with padded memory and OP-TEE": (
        "rockchip/rk3566-quartz64-a.dtb",
        lambda f: (
            f.memory((0x200000, 0x8200000), (0x9400000, 0xE6C00000), padding=6)
            .secure_range("optee", 0x8400000, 0x1000000)
            .mac("/ethernet@fe010000", "8e:11:22:33:44:55")
            .identity("abcdef0123456789")
            .optee()
            .chosen()
            .renumber(500)
        ),
    ),
    "big.LITTLE with two fused CPUs and moved phandles": (
        "rockchip/rk3399-rockpro64.dtb",
        lambda f: (
            f.memory((0x200000, 2 * GIB))
            .fuse_off(0x100, 0x101)
            .mac("/ethernet@fe300000", "8e:00:00:00:00:01")
            .chosen()
            .framebuffer()
            .renumber(3)
        ),
    ),
    "eight CPUs, a console by an alias that the DTB does not have": (
        "rockchip/rk3588-orangepi-5-plus.dtb",
        lambda f: (
            f.memory((0x200000, 0x8200000), (0x9400000, 0xE6C00000), (4 * GIB, 12 * GIB))
            .console("/serial@feb50000", "1500000n8")
            .chosen()
            .renumber(77)
        ),
    ),
    "aliases that were numbered in another order": (
        "rockchip/rk3328-evb.dtb",
        lambda f: (
            f.memory((0x200000, GIB))
            .drift_aliases()
            .mac("/ethernet@ff540000", "8e:00:00:00:00:02")
            .mac("/ethernet@ff550000", "8e:00:00:00:00:03")
            .chosen()
        ),
    ),
    "Raspberry Pi 4 with a spin table": (
        "broadcom/bcm2711-rpi-4-b.dtb",
        lambda f: (
            f.memory((0, 0x3B400000), (GIB, 0xBC000000))
            .spin_table(0xD8)
            .mac("/scb/ethernet@7d580000", "dc:a6:32:00:00:01")
            .identity("10000000abcdef01")
            .chosen()
            .renumber(40)
        ),
    ),
    "Raspberry Pi 5 with other root cells": (
        "broadcom/bcm2712-rpi-5-b.dtb",
        lambda f: (
            f.root_cells(2, 1)
            .memory((0, 0x3FC00000), (GIB, 0xC0000000))
            .secure_range("atf", 0, 0x80000)
            .identity("0123456789abcdef")
            .chosen()
        ),
    ),
    "Raspberry Pi 3 with one-cell addresses": (
        "broadcom/bcm2837-rpi-3-b-plus.dtb",
        lambda f: (
            f.memory((0, 0x3B400000))
            .spin_table(0xD8)
            .mac("/soc/usb@7e980000/usb-port@1/usb-port@1/ethernet@1", "b8:27:eb:00:00:01")
            .chosen()
        ),
    ),
    "Amlogic with a secure monitor and renamed nodes": (
        "amlogic/meson-g12b-odroid-n2.dtb",
        lambda f: (
            f.memory((0, 0xF4E5B000))
            .secure_range("secmon", 0x5000000, 0x300000)
            .reserve(0x7000000, 0x200000)
            .rename("/soc/bus@ffd00000", "cbus@ffd00000")
            .mac("/soc/ethernet@ff3f0000", "00:1e:06:00:00:01")
            .chosen()
            .renumber(9)
        ),
    ),
    "Amlogic GXL with PSCI by another call": (
        "amlogic/meson-gxl-s905x-libretech-cc.dtb",
        lambda f: (
            f.memory((0, 0x7F800000))
            .psci("/psci", "hvc")
            .mac("/soc/ethernet@c9410000", "8e:00:00:00:00:04")
            .chosen()
        ),
    ),
    "i.MX 8M Plus with a bus of another name above the console": (
        "freescale/imx8mp-evk.dtb",
        lambda f: (
            f.memory((0x40000000, 0x16000000), (0x58000000, 0xA8000000), (4 * GIB, 2 * GIB))
            .secure_range("optee_core", 0x56000000, 0x1E00000)
            .optee()
            .rename("/soc@0/bus@30800000", "aips-bus@30800000")
            .console("/soc@0/bus@30800000/spba-bus@30800000/serial@30890000", "115200n8")
            .mac("/soc@0/bus@30800000/ethernet@30be0000", "00:04:9f:00:00:01")
            .disable("/soc@0/gpu@38000000")
            .chosen()
            .renumber(1)
        ),
    ),
    "Layerscape with eight CPUs": (
        "freescale/fsl-ls1088a-rdb.dtb",
        lambda f: (
            f.memory((0x80000000, 0x7BE00000), (0x8080000000, 0x180000000)).fuse_off(0x103).chosen()
        ),
    ),
    "Allwinner H618": (
        "allwinner/sun50i-h618-orangepi-zero3.dtb",
        lambda f: (
            f.memory((0x40000000, GIB))
            .secure_range("secmon", 0x40000000, 0x40000)
            .mac("/soc/ethernet@5020000", "02:00:00:00:00:01")
            .identity("33802000aabbccdd")
            .chosen()
        ),
    ),
    "Allwinner A64 with one-cell addresses": (
        "allwinner/sun50i-a64-pine64-plus.dtb",
        lambda f: (
            f.memory((0x40000000, 0x80000000))
            .mac("/soc/ethernet@1c30000", "02:ba:00:00:00:02")
            .chosen()
            .renumber(200)
        ),
    ),
    "TI K3 with PSCI by another call, renumbered serial ports": (
        "ti/k3-am642-sk.dtb",
        lambda f: (
            f.memory((0x80000000, 2 * GIB))
            .psci("/firmware/psci", "hvc")
            .drift_aliases()
            .secure_range("tfa", 0x701C0000, 0x20000)
            .console("/bus@f4000/serial@2800000", "115200n8")
            .chosen()
        ),
    ),
    "Tegra X1": (
        "nvidia/tegra210-p3450-0000.dtb",
        lambda f: (
            f.memory((0x80000000, 0x7EE00000), (4 * GIB, 0x7F200000))
            .secure_range("vpr", 0xD0000000, 0x8000000)
            .chosen()
            .framebuffer()
        ),
    ),
    "Marvell with two CPUs, one fused": (
        "marvell/armada-3720-espressobin.dtb",
        lambda f: (
            f.memory((0, GIB))
            .fuse_off(1)
            .mac("/soc/internal-regs@d0000000/ethernet@30000", "f0:ad:4e:00:00:01")
            .chosen()
            .renumber(10)
        ),
    ),
}

CASES = pytest.mark.parametrize(("dtb", "play"), BOARDS.values(), ids=list(BOARDS))


def test_there_are_boards_of_many_makers() -> None:
    assert len(BOARDS) >= 12
    assert len({dtb.split("/")[0] for dtb, _ in BOARDS.values()}) >= 6


@CASES
def test_the_next_kernel_gets_the_shipped_tree_and_this_boards_facts(
    dtb: str, play: Player, tmp_path: Path
) -> None:
    firmware = play(Firmware(debian.dtb(dtb)))
    blob, merged = combine(firmware.shipped, firmware.live, CMDLINE)
    result, expected = read(blob), firmware.expected
    assert is_valid(blob)
    assert ram(result) == expected.memory
    assert set(result.reservations) == expected.entries
    assert expected.reserved <= reserved(result)
    assert reserved(firmware.shipped) <= reserved(result)
    wanted = expected_tree(firmware)
    found = [
        (d.path, d.property)
        for d in differences(wanted, result)
        if not d.path.startswith(("/memory", "/reserved-memory"))
    ]
    assert found == []
    assert phandles(result) == phandles(firmware.shipped)
    (tmp_path / "merged.dtb").write_bytes(blob)
    for path, name in [*expected.values, ("/chosen", "bootargs")]:
        seen = fdtget(tmp_path / "merged.dtb", path, name)
        value = expected.values.get((path, name), from_string(CMDLINE))
        assert seen is not None, (path, name)
        assert bytes(int(word, 16) for word in seen.split()) == value
    told = {(f.path, f.property) for f in merged.facts if f.action is not FactAction.REFUSE}
    assert told >= {
        key for key, value in expected.values.items() if value != shipped(firmware, key)
    }


@CASES
def test_the_running_tree_of_another_board_is_refused(dtb: str, play: Player) -> None:
    firmware = play(Firmware(debian.dtb(dtb)))
    firmware.live.root.properties["compatible"] = from_string("acme,other-board")
    with pytest.raises(MergeRefusedError, match="DTB is for another board"):
        combine(firmware.shipped, firmware.live, CMDLINE)


def expected_tree(firmware: Firmware) -> Fdt:
    """Return the shipped tree with what the firmware did, but for what it left in /chosen."""
    wanted = copy_fdt(firmware.shipped)
    chosen = wanted.root.add("chosen")
    kept = {"stdout-path", "#address-cells", "#size-cells", "ranges", "phandle"}
    chosen.properties = {k: v for k, v in chosen.properties.items() if k in kept}
    chosen.properties |= {"bootargs": from_string(CMDLINE), "linux,booted-from-kexec": b""}
    for (path, name), value in firmware.expected.values.items():
        node = wanted.root
        for part in filter(None, path.split("/")):
            node = node.add(part)
        node.properties[name] = value
    # A console that the DTB names in its own words stays in these.
    stdout = firmware.expected.values.get(("/chosen", "stdout-path"))
    ours = firmware.shipped.get("/chosen", "stdout-path")
    if (
        stdout is not None
        and ours is not None
        and means(firmware.shipped, ours) == means(firmware.shipped, stdout)
    ):
        chosen.properties["stdout-path"] = ours
        firmware.expected.values["/chosen", "stdout-path"] = ours
    return wanted


def means(fdt: Fdt, stdout: bytes) -> bytes:
    """Return the path of a console, of an alias too."""
    name = stdout.rstrip(b"\0").partition(b":")[0]
    full = fdt.get("/aliases", name.decode())
    return name if full is None else full.rstrip(b"\0")


def shipped(firmware: Firmware, key: tuple[str, str]) -> bytes | None:
    return firmware.shipped.get(*key)


def ram(fdt: Fdt) -> Ranges:
    nodes = fdt.root.children.values()
    memory = [n for n in nodes if n.properties.get("device_type") == b"memory\0"]
    return {e for n in memory for e in decode(n.properties["reg"], layout(fdt.root)) if e[1]}


def reserved(fdt: Fdt) -> Ranges:
    holder = fdt.root.children.get("reserved-memory", Node(""))
    found: Ranges = set()
    for node in holder.children.values():
        if "reg" in node.properties:
            found |= set(decode(node.properties["reg"], layout(holder)))
    return found


def phandles(fdt: Fdt) -> dict[str, int]:
    return {path: p for path, node in fdt.walk() if (p := phandle(node)) is not None}


def test_boards_that_nobody_looked_at_are_merged_and_nothing_is_called_dangerous() -> None:
    files = debian.dtbs()[::10]
    for file in files:
        firmware = Firmware(file.read_bytes()).memory((GIB, GIB)).chosen()
        blob, merged = combine(firmware.shipped, firmware.live, CMDLINE)
        assert is_valid(blob), file.name
        assert ram(read(blob)) == {(GIB, GIB)}, file.name
        assert phandles(read(blob)) == phandles(firmware.shipped), file.name
        assert not list(risks(firmware.shipped, firmware.live)), file.name
        assert {fact.rule for fact in merged.told} <= {"display", "console"}, file.name
    assert len(files) > 90
