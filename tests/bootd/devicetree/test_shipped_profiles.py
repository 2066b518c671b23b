"""The rules of the profiles that bootd ships, each on a board of its kind and on Debian's DTBs."""

from fnmatch import fnmatchcase, translate
from functools import cache
from pathlib import Path
from re import fullmatch

import pytest

from bootd.devicetree.merge import merge
from bootd.devicetree.profile import BoardFile, parse
from bootd.devicetree.scene import Known
from bootd.fdt import Fdt, read
from bootd.fdt.cells import compatible
from bootd.fdt.tree import Node, copy_fdt
from bootd.model.board import Base, ProfileAction, ProfileRule
from tests.support import debian
from tests.support.trees import board, live_board, tree

pytestmark = pytest.mark.timeout(200)

FILES = [
    parse(file.read_text(), file.name)
    for file in sorted((Path(__file__).parents[3] / "etc/boards.d").glob("*.toml"))
]
RULES = [pytest.param(file, rule, id=rule.source) for file in FILES for rule in file.profile.rules]
ELSEWHERE = {
    "/clk-uart",  # the Raspberry Pi's own kernels
    "pci-host-ecam-generic",  # QEMU makes its tree itself
    "nxp,imx8mq-dcss",  # NXP's kernels
    "rockchip,rk3588-vdec*",  # kernels after 6.12
    "ti,am625-pruss",  # ditto
}
"""What rules name that Debian's kernel does not have, or not yet."""

ON_DEBIAN = [
    pytest.param(file, rule, id=rule.source)
    for file in FILES
    for rule in file.profile.rules
    if not {rule.path, rule.compatible} & ELSEWHERE
]

OLD, NEW = b"\0\0\0\1", b"\0\0\0\2"


def example(pattern: str) -> str:
    """Return a text that a pattern fits."""
    return pattern.replace("[sx]", "s").replace("*", "1")


@pytest.mark.parametrize(("file", "rule"), RULES)
def test_a_rule_does_on_its_board_what_it_says(file: BoardFile, rule: ProfileRule) -> None:
    name = example(file.compatible[0])
    path = example(rule.path) or "/block"
    base, live = tree(board(name)), tree(live_board(name))
    wanted = rule.property or "status"
    node = Node("")
    for fdt, value in ((base, OLD), (live, NEW)):
        node = fdt.root
        for part in filter(None, path.split("/")):
            node = node.add(part)
        if rule.compatible:
            node.properties["compatible"] = example(rule.compatible).encode() + b"\0"
        if rule.property:
            node.properties[wanted] = value * (4 if wanted.endswith("-map") else 1)
    if rule.action is ProfileAction.DISABLE:
        node.properties["status"] = b"fail\0"
    if wanted in {"iommu-map", "msi-map", "phys"}:
        for fdt in (base, live):
            fdt.root.add("target").properties = {
                "compatible": b"acme,target\0", "phandle": OLD, "#phy-cells": bytes(4),
            }  # fmt: skip
        where = wanted != "phys"
        node.properties[wanted] = NEW + OLD + NEW + NEW if where else OLD
        source = base.find(path)
        assert source is not None
        source.properties[wanted] = bytes(16)
    expected = b"disabled\0" if rule.action is ProfileAction.DISABLE else node.properties[wanted]
    result = merge(base, live, "", known=Known(profile=file.profile))
    assert result.fdt.get(path, wanted) == expected
    (fact,) = [f for f in result.facts if (f.path, f.property) == (path, wanted)]
    assert fact.reason == rule.reason


@cache
def dtbs() -> list[Fdt]:
    return [read(path.read_bytes()) for path in debian.dtbs()]


@pytest.mark.parametrize(("file", "rule"), ON_DEBIAN)
def test_a_rule_finds_its_node_in_a_dtb_of_debians(file: BoardFile, rule: ProfileRule) -> None:
    pattern = "/".join(translate(part)[4:-3] for part in rule.path.split("/"))
    for fdt in dtbs():
        names = compatible(fdt.root)
        if not any(fnmatchcase(text, each) for text in names for each in file.compatible):
            continue
        for path, node in fdt.walk():
            fits = not rule.path or fullmatch(pattern, path)
            texts = compatible(node)
            if fits and (
                not rule.compatible or any(fnmatchcase(t, rule.compatible) for t in texts)
            ):
                return
    pytest.fail("no DTB of these boards has such a node")


def profile(stem: str) -> Known:
    (found,) = [file.profile for file in FILES if file.profile.names == (stem,)]
    assert found.base is Base.MERGE
    return Known(profile=found)


def running(dtb: str) -> tuple[Fdt, Fdt]:
    """Return a real DTB, and the same as its firmware might have left it."""
    base = read(debian.dtb(dtb))
    live = copy_fdt(base)
    for name in [n for n in live.root.children if n.partition("@")[0] == "memory"]:
        del live.root.children[name]
    wide = live.root.properties["#address-cells"] == b"\0\0\0\2"
    reg = bytes(8) + b"\0\0\0\0\x40\0\0\0" if wide else bytes(4) + b"\x40\0\0\0"
    if live.root.properties["#size-cells"] == b"\0\0\0\1" and wide:
        reg = bytes(8) + b"\x40\0\0\0"
    live.root.add("memory@0").properties = {"device_type": b"memory\0", "reg": reg}
    return base, live


@pytest.mark.parametrize(
    ("stem", "dtb", "kind"),
    [
        ("imx8m", "freescale/imx8mp-evk.dtb", "vivante,gc"),
        ("rockchip-u-boot", "rockchip/rk3588-orangepi-5-plus.dtb", "rockchip,rk3588-mali"),
        ("ti-k3", "ti/k3-am625-sk.dtb", "img,img-axe"),
    ],
)
def test_a_fused_block_of_a_real_board_is_switched_off(stem: str, dtb: str, kind: str) -> None:
    base, live = running(dtb)
    fused = [path for path, node in live.walk() if kind in compatible(node)]
    for path in fused:
        node = live.find(path)
        assert node is not None
        node.properties["status"] = b"disabled\0"
    result = merge(base, live, "", known=profile(stem))
    assert fused
    assert [result.fdt.get(path, "status") for path in fused] == [b"disabled\0"] * len(fused)


def test_the_stream_ids_of_a_layerscape_come_along_with_the_dtbs_phandle() -> None:
    base, live = running("freescale/fsl-ls1088a-rdb.dtb")
    (path,) = [p for p, node in live.walk() if "fsl,qoriq-mc" in compatible(node)]
    node = live.find(path)
    assert node is not None
    placeholder = node.properties["iommu-map"]
    node.properties["iommu-map"] = bytes(3) + b"\x17" + placeholder[4:8] + b"\0\0\0\x17\0\0\0\x20"
    result = merge(base, live, "", known=profile("layerscape"))
    assert result.fdt.get(path, "iommu-map") == node.properties["iommu-map"]
