import pytest

from bootd.devicetree.finish import Seeds, finish
from bootd.fdt import read
from bootd.fdt.compare import differences
from tests.support.trees import blob, board


def test_initrd_addresses_are_two_cells() -> None:
    fdt = read(finish(blob(board()), (0x48000000, 0x1_0000_0000)))
    assert fdt.get("/chosen", "linux,initrd-start") == (0x48000000).to_bytes(8, "big")
    assert fdt.get("/chosen", "linux,initrd-end") == (0x1_0000_0000).to_bytes(8, "big")


def test_reservations_are_added_once_and_sorted() -> None:
    before = blob(board(), reservations=((0x5000, 0x1000),))
    after = read(finish(before, reservations=[(0x1000, 1), (0x5000, 0x1000), (0x1000, 1)]))
    assert after.reservations == [(0x1000, 1), (0x5000, 0x1000)]


def test_seeds_are_those_given() -> None:
    fdt = read(finish(blob(board()), seeds=Seeds(kaslr=b"12345678", rng=bytes(128))))
    assert fdt.get("/chosen", "kaslr-seed") == b"12345678"
    assert fdt.get("/chosen", "rng-seed") == bytes(128)


def test_a_kaslr_seed_of_another_length_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="8 bytes"):
        Seeds(kaslr=b"")


def test_everything_else_stays_as_it_was() -> None:
    before = blob(board(), reservations=((1, 1),))
    after = finish(before, (1, 2), chosen={"bootd,tree": b"merged\0"})
    changed = {(d.path, d.property) for d in differences(read(before), read(after))}
    assert changed == {
        ("/chosen", "linux,initrd-start"),
        ("/chosen", "linux,initrd-end"),
        ("/chosen", "bootd,tree"),
    }


def test_a_tree_without_chosen_gets_one() -> None:
    assert read(finish(blob({}), chosen={"a": b"1"})).get("/chosen", "a") == b"1"
