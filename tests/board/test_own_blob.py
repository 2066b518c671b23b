"""Firmware that reserved the memory of its own tree: the next kernel gets that memory back."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from bootd.fdt import read, write
from image import qemu
from image.build import Products
from image.firmware import BOARDS
from tests.support.board import started, with_shell

pytestmark = [pytest.mark.board, pytest.mark.timeout(180)]

SECURE = (0x5000_0000, 0x1_0000)
"""What such firmware reserves besides."""

_WHERE = """python3 -c '
import json
from bootd.linux import iomem, kcore
blob = open("/sys/firmware/fdt", "rb").read()
for found in iomem.read().reserved:
    seen = kcore.read_physical(found.start, found.size) or b""
    at = seen.find(blob)
    if at >= 0:
        print(json.dumps([found.start + at, len(blob)]))
'"""


def test_the_running_trees_own_reservation_is_not_handed_on(
    products: Products, tmp_path: Path
) -> None:
    guest = qemu.of(products, BOARDS["virt"], ("larch",))
    initramfs = with_shell(products, tmp_path)
    with started(tmp_path, guest, initramfs) as board:
        start, size = json.loads(board.check(_WHERE, 60))

    fdt = read(guest.firmware.read_bytes())
    # The entries make the blob longer by 32 bytes, or by twice that where QEMU leaves room.
    pages = (size + 64 + 0xFFF) & ~0xFFF
    fdt.reservations = [(start, pages), SECURE]
    firmware = tmp_path / "firmware.dtb"
    firmware.write_bytes(write(fdt))
    with started(tmp_path, replace(guest, firmware=firmware), initramfs) as board:
        assert json.loads(board.check(_WHERE, 60))[0] == start, "QEMU put the tree elsewhere"
        (option,) = [
            each["id"]
            for each in json.loads(board.check("bootdctl list --json", 60))
            if re.search("an overlay$", each["title"])
        ]
        told = json.loads(board.check(f"bootdctl explain {option} --json", 60))
        board.check(f"bootdctl boot {option} >/dev/null", 60)
        second = board.second(60)
    reserved = read(second.blob).reservations
    assert SECURE in reserved
    # The next kernel's initrd may lie there now, and has an entry of its own.
    assert (start, pages) not in reserved
    assert any("held the running tree" in note for note in told["tree"]["notes"])
