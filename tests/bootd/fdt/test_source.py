import pytest

from bootd.fdt import read
from bootd.fdt.compare import differences
from bootd.fdt.source import render, render_value
from tests.support.trees import board, compile_dts, tree


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"", ""),
        (b"okay\0", '"okay"'),
        (b"a\0b\0", '"a", "b"'),
        (b'say "hi" \\\0', '"say \\"hi\\" \\\\"'),
        (b"\0\0\0\x10\0\0\0\1", "<0x10 0x1>"),
        (b"\xff\1", "[ff 01]"),
        (b"a\0\0", "[61 00 00]"),
        (b"a\x1b[2J\0", "[61 1b 5b 32 4a 00]"),
    ],
)
def test_a_value_is_shown_as_what_it_can_be(value: bytes, text: str) -> None:
    assert render_value(value) == text


def test_dtc_compiles_the_source_to_the_same_tree() -> None:
    odd = {"quote": b'"\\\0', "bytes": b"\xff\1\2", "flag": b"", "same": 1, "child": {"same": {}}}
    fdt = tree(board(**odd), reservations=((0x1000, 0x2000),))
    again = read(compile_dts(render(fdt)))
    assert list(differences(fdt, again)) == []
    assert again.reservations == fdt.reservations
