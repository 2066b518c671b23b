import pytest

from bootd.errors import FdtError
from bootd.fdt import address
from bootd.fdt.address import Layout
from bootd.fdt.cells import cells, compatible, is_enabled, number, phandle, string, strings, u32
from bootd.fdt.tree import chain
from tests.support.trees import node, tree


def test_a_reg_is_split_by_the_parents_cells() -> None:
    assert address.decode(bytes(7) + b"\1" + bytes(3) + b"\2", Layout(address=2, size=1)) == (
        (1, 2),
    )


def test_a_reg_that_does_not_divide_is_refused() -> None:
    with pytest.raises(FdtError, match="12-byte"):
        address.decode(bytes(10), Layout(address=2, size=1))


def test_a_range_that_needs_more_cells_is_refused() -> None:
    with pytest.raises(FdtError, match="does not fit"):
        address.encode([(1 << 32, 1)], Layout(address=1, size=1))


def test_an_address_is_translated_through_every_bus() -> None:
    fdt = tree(
        {
            "#address-cells": 2,
            "#size-cells": 2,
            "soc": {
                "#address-cells": 1,
                "#size-cells": 1,
                "ranges": [0, 1, 0, 0x1000],
                "bus": {
                    "#address-cells": 1,
                    "#size-cells": 1,
                    "ranges": [0x10, 0x100, 0x100],
                    "uart@20": {"reg": [0x20, 8]},
                },
                "dead": {"#address-cells": 1, "#size-cells": 0, "eeprom@50": {"reg": 0x50}},
            },
        }
    )
    assert address.translate(chain(fdt, "/soc/bus/uart@20")) == ((1 << 32) + 0x110, 8)
    assert address.translate(chain(fdt, "/soc/dead/eeprom@50")) is None
    assert address.translate(chain(fdt, "/soc")) is None


def test_values_are_read_as_their_types() -> None:
    assert cells(b"\0\0\0\1\0\0\0\2") == (1, 2)
    assert u32(b"\0\0\0\5") == 5
    assert number(bytes(7) + b"\5") == 5
    assert string(b"a\0b\0") == "a"
    assert strings(b"a\0\0b\0") == ("a", "b")
    assert compatible(node("n", {"compatible": ["a", "b"]})) == ("a", "b")


@pytest.mark.parametrize("value", [b"", b"\0\0\0", bytes(5)])
def test_a_value_of_the_wrong_length_is_no_number(value: bytes) -> None:
    with pytest.raises(FdtError):
        u32(value)
    with pytest.raises(FdtError):
        number(value)


def test_reserved_numbers_are_no_phandles() -> None:
    assert phandle(node("n", {"phandle": 7})) == 7
    assert phandle(node("n", {"linux,phandle": 7})) == 7
    assert phandle(node("n", {"phandle": 0})) is None
    assert phandle(node("n", {"phandle": 0xFFFFFFFF})) is None


def test_a_node_is_enabled_unless_its_status_says_otherwise() -> None:
    assert is_enabled(node("n", {}))
    assert is_enabled(node("n", {"status": "okay"}))
    assert not is_enabled(node("n", {"status": "disabled"}))
    assert not is_enabled(node("n", {"status": "fail-fused"}))
