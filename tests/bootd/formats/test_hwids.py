"""The `.hwids` of unified kernel images."""

import struct
from collections.abc import Sequence
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.errors import ImageError
from bootd.formats import hwids, uki
from bootd.model.device import BlockDevice
from bootd.model.option import BootOption, FileRef, HardwareId
from bootd.policy.chid import calculate
from bootd.policy.resolve import resolve
from tests.support.efi import uki as make
from tests.support.memoryfs import MemoryFs
from tests.support.trees import blob, board

LAPTOP = ("ACME", "Books", "Book 14", "B14-8G", "ACME", "B14-MB")
CHID = calculate(LAPTOP)[0]
OTHER = "01234567-89ab-5def-8123-456789abcdef"
TREE, FIRMWARE = 0x1000001C, 0x2000001C


def section(rows: Sequence[tuple[int, str, str]]) -> bytes:
    """Lay rows (kind, id, compatible) out as ukify does."""
    head, strings = b"", b""
    base = 28 * (len(rows) + 1)
    for kind, chid, compatible in rows:
        name = base + len(strings)
        strings += b"A computer\0"
        head += struct.pack("<I16sII", kind, UUID(chid).bytes_le, name, base + len(strings))
        strings += compatible.encode() + b"\0"
    return head + bytes(28) + strings


def test_ids_are_gathered_by_compatible_string() -> None:
    data = section([(TREE, CHID, "acme,b"), (TREE, OTHER, "acme,c"), (TREE, OTHER, "acme,b")])
    assert hwids.parse(data, {"acme,b", "acme,c"}) == (
        HardwareId(compatible="acme,b", chids=(CHID, OTHER)),
        HardwareId(compatible="acme,c", chids=(OTHER,)),
    )
    assert hwids.parse(data, {"other"}) == ()


def test_rows_for_firmware_are_left_out() -> None:
    data = section([(FIRMWARE, CHID, "acme,b"), (TREE, OTHER, "acme,b")])
    assert hwids.parse(data, {"acme,b"})[0].chids == (OTHER,)


@pytest.mark.parametrize(
    "data",
    [
        section([(0x3000001C, CHID, "acme,b")]),
        section([(TREE, CHID, "acme,b")])[:20],
        struct.pack("<I16sII", TREE, bytes(16), 0, 9999),
        section([(TREE, CHID, "acme,b")])[:-1],
        section([(TREE, CHID, "")] * hwids.MAX_ROWS),
    ],
    ids=["kind", "short", "outside", "endless", "many"],
)
def test_damaged_rows_are_refused(data: bytes) -> None:
    with pytest.raises(ImageError, match=r"its \.hwids"):
        hwids.parse(data, {"acme,b"})


@given(st.binary(max_size=200))
def test_any_bytes_have_ids_or_are_refused(data: bytes) -> None:
    try:
        hwids.parse(data, {""})
    except ImageError:
        return


def image(rows: bytes) -> BootOption:
    sections: list[tuple[str, str | bytes]] = [
        (".linux", "kernel"),
        (".dtbauto", blob(board("acme,a"))),
        (".dtbauto", blob(board("acme,b"))),
        (".hwids", rows),
    ]
    (option,) = uki.scan(MemoryFs({"/EFI/Linux/x.efi": make(sections)})).options
    return option


def tree_of(
    option: BootOption, board: tuple[str, ...], hardware: tuple[str, ...]
) -> FileRef | None:
    device = BlockDevice(name="sda1", node="/dev/sda1")
    return resolve(option, device, {"sda1": device}, "aarch64", board, hardware).option.devicetree


def test_a_machine_without_a_tree_gets_the_one_for_its_ids() -> None:
    option = image(section([(TREE, OTHER, "acme,a"), (TREE, CHID, "acme,b")]))
    second = FileRef("/EFI/Linux/x.efi", part=".dtbauto:1")
    assert tree_of(option, (), LAPTOP) == second
    assert tree_of(option, (), ("ACME", "", "Desk", "", "", "")) is None


def test_a_board_with_a_tree_is_known_by_that() -> None:
    option = image(section([(TREE, CHID, "acme,b")]))
    assert tree_of(option, ("acme,a",), LAPTOP) == FileRef("/EFI/Linux/x.efi", part=".dtbauto")


def test_damaged_ids_cost_only_themselves() -> None:
    option = image(section([(TREE, CHID, "acme,b")])[:-1])
    assert option.notes == ("its .hwids name a string that is not there",)
    assert (len(option.devicetree_choices), option.hardware_ids) == (2, ())
