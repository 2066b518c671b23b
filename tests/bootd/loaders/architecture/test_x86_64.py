"""Boot parameters of an x86 kernel, and the code in front of it, read by another reader."""

import re
import struct
import subprocess
from pathlib import Path

import pytest

from bootd.errors import LoadError
from bootd.images import bzimage, identify
from bootd.linux import x86
from bootd.loaders.architecture import Inputs
from bootd.loaders.architecture.x86_64 import ROW, boot_params, code
from bootd.loaders.layout import DTB_BYTES, Layout
from bootd.model.load import Segment
from tests.support.images import bzimage as made

HEAD = made()
RAM, ACPI = 1, 3
MAP = x86.FirmwareMap(
    entries=((0, 0x9FC00, RAM), (0x100000, 0x2FFE0000, RAM), (0x2FFE0000, 0x30000000, ACPI)),
    acpi_root=0x7FE014,
)
LAYOUT = Layout(
    kernel=Segment(name="kernel", start=0x1000000, size=0x2000000),
    initrds=(Segment(name="initrd", start=0x4000000, size=0x1000),),
    dtb=Segment(name="dtb", start=0x5000000, size=DTB_BYTES),
    trampoline=Segment(name="trampoline", start=0x6000000, size=16 * 4096),
)


@pytest.fixture
def firmware(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(x86, "firmware_map", lambda: MAP)
    monkeypatch.setattr(x86, "boot_params", lambda: bytes(4096))


def filled() -> bytes:
    inputs = Inputs(head=HEAD, blob=b"tree", cmdline=b"quiet root=/dev/vda1",
                    initrd=(0x4000000, 0x4000800))  # fmt: skip
    area = ROW.fill(LAYOUT, inputs)
    return area["trampoline"] + area["dtb"]


def chain(area: bytes) -> list[tuple[int, bytes]]:
    """Follow the setup data from the boot parameters on: type and content of each."""
    (at,) = struct.unpack_from("<Q", area, 4096 + 0x250)
    found = []
    while at:
        base = at - 0x5000000 + 16 * 4096 if at < 0x6000000 else at - 0x6000000
        at, kind, length = struct.unpack_from("<QII", area, base)
        found.append((kind, area[base + 16 : base + 16 + length]))
    return found


@pytest.mark.usefixtures("firmware")
def test_the_parameters_say_where_command_line_and_initrd_are() -> None:
    area = filled()
    params = area[4096:8192]
    assert struct.unpack_from("<II", params, 0x218) == (0x4000000, 0x800)
    (cmdline,) = struct.unpack_from("<I", params, 0x228)
    place = cmdline - 0x6000000
    assert area[place : area.index(b"\0", place)] == b"quiet root=/dev/vda1"
    assert params[0x210] == 0xD0
    assert params[0x1EF] == 0, "the sentinel: a loader that knows what it fills in"


@pytest.mark.usefixtures("firmware")
def test_the_tree_and_fresh_entropy_are_handed_over_as_setup_data() -> None:
    (tree_kind, tree), (seed_kind, seed) = chain(filled())
    assert (tree_kind, tree) == (2, b"tree")
    assert (seed_kind, len(seed)) == (9, 32)
    assert seed != chain(filled())[1][1]


@pytest.mark.usefixtures("firmware")
def test_a_long_memory_map_goes_on_in_the_setup_data(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = tuple((index << 20, (index << 20) + 4096, RAM) for index in range(200))
    monkeypatch.setattr(x86, "firmware_map", lambda: x86.FirmwareMap(entries=entries))
    area = filled()
    assert area[4096 + 0x1E8] == 128
    kind, table = chain(area)[2]
    assert (kind, len(table)) == (1, 72 * 20)
    assert struct.unpack_from("<QQI", table, 71 * 20) == (199 << 20, 4096, RAM)


def test_the_firmwares_memory_map_and_acpis_root_are_in_the_parameters() -> None:
    params = boot_params(bzimage.parse(HEAD), b"\x55" * 4096, MAP)
    assert params[0x1E8] == 3
    assert struct.unpack_from("<QQI", params, 0x2D0 + 40) == (0x2FFE0000, 0x20000, ACPI)
    assert struct.unpack_from("<Q", params, 0x70) == (0x7FE014,)
    assert params[0x202:0x206] == b"HdrS"
    assert params[:0x40] == b"\x55" * 0x40, "the screen stays as it is"
    assert params[0x1C0:0x1E0] == bytes(32), "no EFI without its memory map"


def test_the_code_is_what_a_disassembler_reads_in_it(tmp_path: Path) -> None:
    file = tmp_path / "code"
    page = code(0x6000000, 0x6001000, 0x1000200)
    file.write_bytes(page)
    assert len(page) == 4096
    command = [
        "objdump",
        "-D",
        "-b",
        "binary",
        "-m",
        "i386:x86-64",
        "-M",
        "intel",
        "--stop-address=0x6000051",
    ]
    done = subprocess.run(
        [*command, "--adjust-vma=0x6000000", file], capture_output=True, text=True, check=True
    )
    lines = re.findall(r"^ +([0-9a-f]+):\t[0-9a-f ]+\t(.*?) *$", done.stdout, re.MULTILINE)
    words = [re.sub(r" +", " ", text) for _, text in lines]
    assert words[:11] == [
        "movabs rax,0x60000a8",
        "lgdt [rax]",
        "mov eax,0x18",
        "mov ds,eax",
        "mov es,eax",
        "mov ss,eax",
        "mov fs,eax",
        "mov gs,eax",
        "movabs rsp,0x6001000",
        "push 0x10",
        f"movabs rax,0x{lines[13][0]}",
    ]
    assert words[11:13] == ["push rax", "retfq"]
    assert words[13:15] == ["movabs rsi,0x6001000", "movabs rax,0x1000200"]
    assert words[-1] == "jmp rax"


def test_a_kernel_that_has_to_lie_in_one_place_is_refused() -> None:
    head = bytearray(HEAD)
    head[0x234] = 0
    with pytest.raises(LoadError, match="not relocatable"):
        ROW.rules(identify(HEAD, len(HEAD)), bytes(head))
