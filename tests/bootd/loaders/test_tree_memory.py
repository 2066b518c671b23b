"""What a device tree says about memory."""

from bootd.fdt.tree import Fdt, Node
from bootd.loaders import tree_memory
from bootd.model.memory import Range


def cells(*words: int) -> bytes:
    return b"".join(word.to_bytes(4, "big") for word in words)


def tree() -> Fdt:
    root = Node("")
    root.properties |= {"#address-cells": cells(2), "#size-cells": cells(2)}
    memory = root.add("memory@40000000")
    memory.properties |= {"device_type": b"memory\0", "reg": cells(0, 0x40000000, 0, 0x20000000)}
    area = root.add("reserved-memory")
    area.properties |= {"#address-cells": cells(2), "#size-cells": cells(2)}
    area.add("atf@50000000").properties["reg"] = cells(0, 0x50000000, 0, 0x10000)
    area.add("linux,cma").properties["size"] = cells(0, 0x1000000)
    off = area.add("off@51000000")
    off.properties |= {"reg": cells(0, 0x51000000, 0, 0x1000), "status": b"disabled\0"}
    return Fdt(root=root, reservations=[(0x41000000, 0x1000), (0, 0)])


def test_reserved_is_the_block_and_the_fixed_regions_that_are_enabled() -> None:
    assert tree_memory.reserved(tree()) == (
        Range(0x41000000, 0x41001000),
        Range(0x50000000, 0x50010000),
    )


def test_foreign_memory_is_every_fixed_region_but_pools_of_the_kernel() -> None:
    found = tree()
    found.root.children["reserved-memory"].add("cma@52000000").properties |= {
        "reg": cells(0, 0x52000000, 0, 0x1000),
        "reusable": b"",
    }
    assert tree_memory.foreign(found) == (Range(0x50000000, 0x50010000),)


def test_usable_is_the_memory_nodes() -> None:
    assert tree_memory.usable(tree()) == (Range(0x40000000, 0x60000000),)


def test_a_tree_without_memory_describes_none() -> None:
    assert tree_memory.usable(Fdt(root=Node(""))) == ()


def test_a_compatible_string_is_found_anywhere() -> None:
    found = tree()
    found.root.add("its@0").properties["compatible"] = b"arm,gic-v3-its\0"
    assert tree_memory.has_node(found, b"arm,gic-v3-its")
    assert not tree_memory.has_node(tree(), b"arm,gic-v3-its")


def test_memory_is_known_from_the_tree_or_from_efis_map() -> None:
    assert tree_memory.is_known(tree())
    bare = Fdt(root=Node(""), reservations=[])
    assert not tree_memory.is_known(bare)
    bare.root.add("chosen").properties["linux,uefi-mmap-start"] = cells(0, 0x40000000)
    assert tree_memory.is_known(bare)
