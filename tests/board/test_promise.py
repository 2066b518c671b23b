"""What `bootdctl explain` promises of the next kernel's tree is what that kernel then has."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from bootd.fdt import Fdt, read
from image import firmware
from image.build import Products
from tests.support.board import booted
from tests.support.libfdt_oracle import apply_overlay

pytestmark = [pytest.mark.board, pytest.mark.timeout(180)]

TITLE = "Larch Linux 6.1 with an overlay"

Tree = dict[str, bytes]

LOADERS_OWN = {
    "/chosen/bootd,loader",
    "/chosen/bootd,option",
    "/chosen/bootd,sha256",
    "/chosen/bootd,tree",
    "/chosen/kaslr-seed",
    "/chosen/linux,initrd-end",
    "/chosen/linux,initrd-start",
    "/chosen/rng-seed",
}
"""Known at the load only, or wiped by the kernel at its start; nothing else may be there."""


class Promise:
    """Everything that was said and known before the boot, and the second kernel's own words."""

    def __init__(self, products: Products, folder: Path) -> None:
        board = firmware.BOARDS["virt"]
        firmware.shipped_tree(board, folder / "shipped.dtb")
        firmware.overlay(folder / "demo.dtbo")
        merged = apply_overlay(
            (folder / "shipped.dtb").read_bytes(), (folder / "demo.dtbo").read_bytes()
        )
        assert merged is not None
        self.shipped = values(read(merged))
        with booted(products, folder, words="bootd.timeout=600") as running:
            running.wait("the option", lambda: find(running.run("bootdctl list --json")), 60)
            status, listed = running.run("bootdctl list --json")
            chosen = find((status, listed))
            (options,) = [str(o["options"]) for o in json.loads(listed) if o["id"] == chosen]
            self.cmdline = options
            told = json.loads(running.check(f"bootdctl explain {chosen} --json", 60))
            self.sha256: str = told["tree"]["sha256"]
            self.facts: list[dict[str, Any]] = told["tree"]["facts"]
            live = running.check("bootdctl dt live 2>/dev/null | base64", 60)
            self.live = values(read(base64.b64decode(live)))
            running.check(f"bootdctl boot {chosen} >/dev/null", 60)
            self.second = running.second(60)

    def expected(self) -> Tree:
        """Return every property as promised: shipped, but for the facts."""
        tree = dict(self.shipped)
        for fact in self.facts:
            place = f"{fact['path'].rstrip('/')}/{fact['property']}"
            if fact["action"] == "delete":
                tree = {
                    key: value
                    for key, value in tree.items()
                    if key != place and not (place.endswith("/") and key.startswith(place))
                }
            elif fact["action"] in {"set", "add"} and fact["property"]:
                tree[place] = self._value(fact, place)
        return tree

    def _value(self, fact: dict[str, Any], place: str) -> bytes:
        """Return the bytes that a fact promises, wherever they come from."""
        if fact["source"] == "live":
            return self.live.get(place, b"")
        own = {
            ("boot-option", "/chosen/bootargs"): self.cmdline.encode() + b"\0",
            ("policy", "/chosen/linux,booted-from-kexec"): b"",
        }
        return own[fact["source"], place]


def find(answer: tuple[int, str]) -> str | None:
    status, output = answer
    if status != 0:
        return None
    ids = [each["id"] for each in json.loads(output) if each["title"] == TITLE]
    return ids[0] if ids else None


def values(fdt: Fdt) -> Tree:
    return {
        f"{path.rstrip('/')}/{name}": value
        for path, node in fdt.walk()
        for name, value in node.properties.items()
    }


@pytest.fixture(scope="module")
def promise(products: Products, tmp_path_factory: pytest.TempPathFactory) -> Promise:
    return Promise(products, tmp_path_factory.mktemp("promise"))


def test_proc_device_tree_is_what_explain_promised(promise: Promise) -> None:
    # The kernel shows each node's name as a property of its own.
    seen = {k: v for k, v in promise.second.tree.items() if not k.endswith("/name")}
    assert differing(promise.expected(), seen) == []


def test_sys_firmware_fdt_is_what_explain_promised(promise: Promise) -> None:
    assert differing(promise.expected(), values(read(promise.second.blob))) == []


def test_the_blob_that_was_explained_is_the_one_that_was_loaded(promise: Promise) -> None:
    assert promise.second.tree["/chosen/bootd,sha256"] == promise.sha256.encode() + b"\0"


def test_reservations_are_told_or_the_loaders_own(promise: Promise) -> None:
    told = {f["property"] for f in promise.facts if f["path"] == "/memreserve/"}
    initrd = promise.second.tree.get("/chosen/linux,initrd-start", b"")
    for start, size in read(promise.second.blob).reservations:
        assert f"{start:#x}+{size:#x}" in told or start == int.from_bytes(initrd, "big")


def test_memory_comes_from_the_running_tree_and_the_greeting_from_the_overlay(
    promise: Promise,
) -> None:
    assert len(promise.facts) > 5
    assert promise.expected()["/memory@40000000/reg"] == promise.live["/memory@40000000/reg"]
    assert promise.second.tree["/bootd-overlay/greeting"] == b"from the overlay\0"


def differing(expected: Tree, seen: Tree) -> list[str]:
    """Name what differs, byte by byte; only what the loader alone can know is left out."""
    places = (set(expected) | set(seen)) - LOADERS_OWN
    return sorted(place for place in places if expected.get(place) != seen.get(place))
