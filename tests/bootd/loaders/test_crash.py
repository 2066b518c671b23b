"""What a crash kernel gets: its own memory, its command line, and its limits in the tree."""

import pytest

from bootd import fdt
from bootd.errors import LoadError
from bootd.fdt import address
from bootd.images import identify
from bootd.linux import iomem
from bootd.loaders import crash
from bootd.loaders.architecture import arm64
from bootd.loaders.layout import Demand, plan
from bootd.model.machine import Machine
from bootd.model.memory import MemoryMap, Range
from tests.support import trees
from tests.support.images import arm64_image
from tests.support.iomem import CRASH_KERNEL

MEMORY = iomem.parse(CRASH_KERNEL)
SET_ASIDE = Range(0xD0000000, 0xE0000000)


def test_it_goes_into_the_largest_stretch_that_is_set_aside() -> None:
    low = MemoryMap(ram=MEMORY.ram, crash=(Range(0x90000000, 0x98000000), *MEMORY.crash))
    assert crash.target(low) == MemoryMap(ram=(SET_ASIDE,))


def test_without_memory_it_says_what_to_do() -> None:
    with pytest.raises(LoadError, match="start the running kernel with crashkernel=256M"):
        crash.target(MemoryMap(ram=MEMORY.ram))
    assert crash.why_not(Machine(architecture="aarch64", crash_bytes=1 << 28)) is None


def test_everything_lies_in_that_memory_and_the_tree_says_so() -> None:
    image = identify(arm64_image(4096, image_size=40 << 20), 4096)
    demand = Demand(text_offset=0, kernel_bytes=40 << 20, initrd_bytes=(8 << 20,), core_bytes=400)
    layout = plan(crash.target(MEMORY).ram, demand, arm64.ROW.rules(image, b""))
    names = [one.name for one in layout.segments]
    assert names == ["kernel", "initrd", "dtb", "trampoline", "elfcorehdr"]
    for one in layout.segments:
        assert SET_ASIDE.start <= one.start
        assert one.start + one.size <= SET_ASIDE.end
    tree = fdt.read(trees.blob(trees.live_board()))
    found = crash.limits(tree, layout, MEMORY)
    cells = address.layout(tree.root)
    usable = address.decode(found["linux,usable-memory-range"], cells)
    assert usable == ((SET_ASIDE.start, SET_ASIDE.size),)
    core = layout.segments[-1]
    assert address.decode(found["linux,elfcorehdr"], cells) == ((core.start, core.size),)


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        ("root=/dev/vda1 quiet", "root=/dev/vda1 quiet reset_devices nr_cpus=1 irqpoll"),
        ("crashkernel=256M ro", "ro reset_devices nr_cpus=1 irqpoll"),
        (
            'a="b c" crashkernel=1G-:128M irqpoll',
            'a="b c" irqpoll reset_devices nr_cpus=1',
        ),
        (
            'x="a  crashkernel=no  b"  y crashkernel=2M,high',
            'x="a  crashkernel=no  b"  y reset_devices nr_cpus=1 irqpoll',
        ),
        ("", "reset_devices nr_cpus=1 irqpoll"),
    ],
)
def test_its_command_line_sets_nothing_aside_and_resets_devices(entry: str, line: str) -> None:
    assert crash.cmdline(entry) == line
