import contextlib
import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.errors import FdtError
from bootd.fdt import read, read_root_properties, write
from bootd.fdt.tree import MAX_DEPTH
from tests.support import trees
from tests.support.trees import BEGIN_ROOT, END, END_NODE, NOP, begin, compile_dts, prop, raw_blob

SOURCE = """/dts-v1/;
/memreserve/ 0x1000 0x2000;
/ { compatible = "acme,board", "acme,soc"; flag; same = "property";
    soc { #address-cells = <1>; uart: serial@1000 { reg = <0x1000>; bytes = [01 02 03]; }; };
    same { same; }; same@1 { same; };
};"""


def test_a_blob_of_dtc_is_read_in_its_order() -> None:
    fdt = read(compile_dts(SOURCE))
    assert fdt.reservations == [(0x1000, 0x2000)]
    assert list(fdt.root.properties) == ["compatible", "flag", "same"]
    assert fdt.root.properties["compatible"] == b"acme,board\0acme,soc\0"
    assert list(fdt.root.children) == ["soc", "same", "same@1"]
    assert fdt.get("/soc/serial@1000", "bytes") == b"\1\2\3"


def test_what_was_written_reads_back_the_same() -> None:
    fdt = read(compile_dts(SOURCE))
    again = read(write(fdt))
    assert [(p, n.properties) for p, n in fdt.walk()] == [
        (p, n.properties) for p, n in again.walk()
    ]
    assert again.reservations == fdt.reservations
    assert write(again) == write(fdt)


def test_only_the_root_is_decoded_for_an_index() -> None:
    blob = compile_dts(SOURCE)
    assert read_root_properties(blob) == read(blob).root.properties


def test_nops_are_dropped_wherever_they_may_be() -> None:
    structure = (
        NOP + BEGIN_ROOT + NOP + prop(0) + NOP + begin("a") + NOP + END_NODE + NOP + END_NODE
    )
    fdt = read(raw_blob(structure + END, b"p\0"))
    assert list(fdt.root.properties) == ["p"]
    assert list(fdt.root.children) == ["a"]


def test_a_version_16_blob_without_a_structure_size_is_read() -> None:
    structure = BEGIN_ROOT + prop(0, b"v") + END_NODE + END
    blob = struct.pack(
        ">9I", 0xD00DFEED, 56 + len(structure) + 2, 56, 56 + len(structure), 40, 16, 16, 0, 2
    )
    assert read(blob + bytes(4) + bytes(16) + structure + b"p\0").root.properties == {"p": b"v"}


def test_bytes_after_the_blob_are_ignored() -> None:
    assert read(raw_blob(BEGIN_ROOT + END_NODE + END) + b"trailing").root.children == {}


ROOT = BEGIN_ROOT + END_NODE + END
HOSTILE = {
    "empty file": b"",
    "no magic": bytes(100),
    "truncated": raw_blob(ROOT)[:-1],
    "version 3": raw_blob(ROOT, version=3, last_compatible=2),
    "version 18": raw_blob(ROOT, version=18),
    "reader too old": raw_blob(ROOT, last_compatible=18),
    "unterminated reservations": raw_blob(ROOT, reserve=struct.pack(">QQ", 1, 1)),
    "no end token": raw_blob(BEGIN_ROOT + END_NODE),
    "no end of the root": raw_blob(BEGIN_ROOT + END),
    "two roots": raw_blob(BEGIN_ROOT + END_NODE + BEGIN_ROOT + END_NODE + END),
    "named root": raw_blob(begin("root") + END_NODE + END),
    "nop after the root": raw_blob(BEGIN_ROOT + END_NODE + NOP + END),
    "property outside the root": raw_blob(prop(0) + ROOT, b"p\0"),
    "property after a child": raw_blob(
        BEGIN_ROOT + begin("a") + END_NODE + prop(0) + END_NODE + END, b"p\0"
    ),
    "property twice": raw_blob(BEGIN_ROOT + prop(0) + prop(0) + END_NODE + END, b"p\0"),
    "node twice": raw_blob(BEGIN_ROOT + (begin("a") + END_NODE) * 2 + END_NODE + END),
    "node without name": raw_blob(BEGIN_ROOT + begin("") + END_NODE + END_NODE + END),
    "node with a slash": raw_blob(BEGIN_ROOT + begin("a/b") + END_NODE + END_NODE + END),
    "node with two addresses": raw_blob(BEGIN_ROOT + begin("a@1@2") + END_NODE + END_NODE + END),
    "node with an escape": raw_blob(BEGIN_ROOT + begin("a\x1b[2J") + END_NODE + END_NODE + END),
    "node name too long": raw_blob(BEGIN_ROOT + begin("a" * 256) + END_NODE + END_NODE + END),
    "property name empty": raw_blob(BEGIN_ROOT + prop(0) + END_NODE + END, b"\0"),
    "property name outside": raw_blob(BEGIN_ROOT + prop(9) + END_NODE + END, b"p\0"),
    "property name unterminated": raw_blob(BEGIN_ROOT + prop(0) + END_NODE + END, b"p"),
    "property name with a slash": raw_blob(BEGIN_ROOT + prop(0) + END_NODE + END, b"a/\0"),
    "property longer than the block": raw_blob(
        BEGIN_ROOT + struct.pack(">III", 3, 1 << 20, 0) + END_NODE + END, b"p\0"
    ),
    "property as long as can be": raw_blob(
        BEGIN_ROOT + struct.pack(">III", 3, 0xFFFFFFFF, 0) + END_NODE + END, b"p\0"
    ),
    "unknown token": raw_blob(BEGIN_ROOT + struct.pack(">I", 5) + END_NODE + END),
    "end inside the root": raw_blob(BEGIN_ROOT + END + END_NODE + END),
    "nested too deep": raw_blob(
        BEGIN_ROOT + begin("a") * MAX_DEPTH + END_NODE * (MAX_DEPTH + 1) + END
    ),
}


@pytest.mark.parametrize("blob", HOSTILE.values(), ids=HOSTILE)
def test_a_malformed_blob_is_refused(blob: bytes) -> None:
    with pytest.raises(FdtError):
        read(blob)


@pytest.mark.parametrize("field", [2, 3, 4, 8, 9])
@pytest.mark.parametrize("value", [0, 4, 41, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_block_outside_the_blob_or_over_another_is_refused(field: int, value: int) -> None:
    blob = bytearray(raw_blob(BEGIN_ROOT + prop(0) + END_NODE + END, b"p\0"))
    blob[field * 4 : field * 4 + 4] = struct.pack(">I", value)
    with pytest.raises(FdtError):
        read(bytes(blob))


def test_a_tree_of_the_deepest_level_is_read() -> None:
    levels = MAX_DEPTH - 1
    fdt = read(raw_blob(BEGIN_ROOT + begin("a") * levels + END_NODE * (levels + 1) + END))
    assert sum(1 for _ in fdt.walk()) == MAX_DEPTH


def _bombs() -> dict[str, bytes]:
    names = b"".join(b"p%d\0" % i for i in range(20_000))
    offsets = [0]
    for i in range(19_999):
        offsets.append(offsets[-1] + len(b"p%d\0" % i))
    long = b"x" * 200_000 + b"\0"
    return {
        "20,000 properties": raw_blob(
            BEGIN_ROOT + b"".join(prop(o) for o in offsets) + END_NODE + END, names
        ),
        "60,000 nodes": raw_blob(
            BEGIN_ROOT + b"".join(begin(f"n{i}") + END_NODE for i in range(60_000)) + END_NODE + END
        ),
        "100,000 reservations": raw_blob(
            ROOT, reserve=struct.pack(">QQ", 1, 1) * 100_000 + bytes(16)
        ),
        "500,000 nops": raw_blob(BEGIN_ROOT + NOP * 500_000 + END_NODE + END),
        "4,000 names in one string": raw_blob(
            BEGIN_ROOT + b"".join(prop(i) for i in range(4_000)) + END_NODE + END, long
        ),
    }


BOMBS = _bombs()


@pytest.mark.parametrize("blob", BOMBS.values(), ids=BOMBS)
def test_a_bomb_costs_less_than_a_second(blob: bytes) -> None:
    start = time.process_time()
    with contextlib.suppress(FdtError):
        read(blob)
    assert time.process_time() - start < 0.7


@given(st.binary(max_size=300))
def test_any_bytes_are_a_tree_or_an_error(data: bytes) -> None:
    for candidate in (data, raw_blob(data, b"a\0b\0"), raw_blob(BEGIN_ROOT + data, b"a\0b\0")):
        try:
            fdt = read(candidate)
        except FdtError:
            continue
        assert read(write(fdt)).root.properties == fdt.root.properties


@given(st.data())
def test_a_mutated_blob_is_a_tree_or_an_error(data: st.DataObject) -> None:
    blob = bytearray(trees.blob(trees.live_board()))
    for _ in range(data.draw(st.integers(1, 4))):
        blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.integers(0, 255))
    try:
        fdt = read(bytes(blob))
    except FdtError:
        return
    assert write(read(write(fdt))) == write(fdt)
