"""Placement of kernels, on maps of real machines and 500 invented ones for each architecture."""

import random
from dataclasses import replace

import pytest

from bootd.errors import LoadError
from bootd.images import identify
from bootd.linux import iomem
from bootd.loaders.architecture import ARCHITECTURES
from bootd.loaders.check import check
from bootd.loaders.layout import DTB_BYTES, Demand, Layout, Rules, plan
from bootd.model.memory import MemoryMap, Range, subtract
from tests.support.images import arm64_image, bzimage, riscv_image, zimage
from tests.support.iomem import CRASH_KERNEL, RISCV_VIRT, VIRT_GICV2

MIB = 1 << 20
GIB = 1 << 30


def demand(*initrds: int, kernel: int = 40 * MIB, offset: int = 0, page: int = 4096) -> Demand:
    return Demand(text_offset=offset, kernel_bytes=kernel, initrd_bytes=initrds, page_bytes=page)


KERNELS = {
    "aarch64": arm64_image(),
    "arm": zimage(),
    "riscv64": riscv_image(),
    "x86_64": bzimage(),
}


def rules_of(architecture: str) -> Rules:
    head = KERNELS[architecture]
    return ARCHITECTURES[architecture].rules(identify(head, len(head)), head)


ARM64 = rules_of("aarch64")


def planned(
    memory: MemoryMap, wanted: Demand, kept: tuple[Range, ...] = (), rules: Rules = ARM64
) -> Layout:
    layout = plan(subtract(memory.ram, (*memory.reserved, *kept)), wanted, rules)
    check(layout.segments, memory, kept, wanted.page_bytes)
    return layout


def test_the_kernel_goes_to_the_lowest_place_that_holds_it() -> None:
    layout = planned(iomem.parse(CRASH_KERNEL), demand(60 * MIB))
    assert layout.kernel.start == 0x80000000


def test_the_text_offset_is_added_to_the_2_mib_boundary() -> None:
    layout = planned(iomem.parse(CRASH_KERNEL), demand(offset=0x80000))
    assert layout.kernel.start == 0x80080000


def test_the_tree_has_a_2_mib_block_of_its_own() -> None:
    layout = planned(iomem.parse(VIRT_GICV2), demand(60 * MIB))
    assert layout.dtb is not None
    assert (layout.dtb.start % DTB_BYTES, layout.dtb.size) == (0, DTB_BYTES)


def test_initrds_follow_each_other_from_a_64_kib_boundary() -> None:
    layout = planned(iomem.parse(VIRT_GICV2), demand(5 * MIB + 1, 3, 4096))
    first, second, third = layout.initrds
    assert first.start % (64 << 10) == 0
    assert second.start == first.start + 5 * MIB + 4096
    assert third.start == second.start + 4096


def test_a_kernel_without_initrd_has_none() -> None:
    assert planned(iomem.parse(VIRT_GICV2), demand()).initrds == ()


def test_tables_that_must_be_kept_are_avoided() -> None:
    memory = MemoryMap(ram=(Range(0x40000000, 0x60000000),))
    layout = planned(memory, demand(MIB), (Range(0x41000000, 0x41010000),))
    assert layout.kernel.start == 0x41200000


def test_an_initrd_that_fits_only_below_the_kernel_goes_there() -> None:
    memory = MemoryMap(ram=(Range(0, 120 * MIB), Range(GIB, GIB + 5 * MIB)))
    layout = planned(memory, demand(60 * MIB))
    assert layout.kernel.start == 0
    tight = MemoryMap(ram=(Range(MIB, 104 * MIB), Range(GIB, GIB + 5 * MIB)))
    assert planned(tight, demand(62 * MIB + 1)).initrds[0].start == MIB


def test_the_initrd_stays_in_a_32_gib_window_with_the_kernel() -> None:
    memory = MemoryMap(ram=(Range(GIB, GIB + 48 * MIB), Range(64 * GIB, 65 * GIB)))
    layout = planned(memory, demand(200 * MIB))
    assert layout.kernel.start >= 64 * GIB


def test_a_kernel_before_4_6_gets_nothing_below_itself() -> None:
    memory = MemoryMap(ram=(Range(MIB, 104 * MIB), Range(GIB, 2 * GIB)))
    rules = replace(ARM64, lowest_only=True)
    layout = planned(memory, demand(MIB), (Range(2 * MIB, 30 * MIB),), rules)
    assert layout.kernel.start == 30 * MIB
    assert min(segment.start for segment in layout.segments) == layout.kernel.start


def test_no_room_is_a_sentence_with_figures() -> None:
    memory = MemoryMap(ram=(Range(0, 64 * MIB),))
    with pytest.raises(LoadError, match=r"kernel \(40 MiB\) and its initrd \(60 MiB\).*64 MiB"):
        planned(memory, demand(60 * MIB))


def test_an_initrd_that_does_not_fit_below_the_kernels_limit_says_so() -> None:
    memory = MemoryMap(ram=(Range(0, 32 * MIB), Range(4 * GIB, 8 * GIB)))
    rules = replace(ARM64, initrd_ceiling=64 * MIB)
    with pytest.raises(LoadError, match="reads an initrd only below 64 MiB"):
        planned(memory, demand(60 * MIB), rules=rules)


def test_an_initrd_out_of_the_kernels_window_says_so() -> None:
    memory = MemoryMap(ram=(Range(0, 48 * MIB), Range(64 * GIB, 64 * GIB + 30 * MIB)))
    with pytest.raises(LoadError, match="have to lie within 32768 MiB of each other"):
        planned(memory, demand(28 * MIB))


def test_more_initrds_than_segments_are_refused() -> None:
    with pytest.raises(LoadError, match="14 initrds, kexec_load takes at most 13"):
        planned(iomem.parse(VIRT_GICV2), demand(*[4096] * 14))


def test_thirteen_initrds_fit_the_sixteen_segments() -> None:
    assert len(planned(iomem.parse(VIRT_GICV2), demand(*[4096] * 13)).segments) == 16


def invented(seed: int) -> tuple[MemoryMap, tuple[Range, ...], Demand]:
    """A machine with up to four banks, up to 60 reserved ranges, and something to load."""
    dice = random.Random(seed)  # noqa: S311 - repeatable, which is what a test wants
    banks, at = [], dice.choice([0, 0x40000000, 0x80000000])
    for _ in range(dice.randint(1, 4)):
        size = dice.randint(16, 2048) * MIB
        banks.append(Range(at, at + size))
        at += size + dice.randint(0, 64) * GIB
    page = dice.choice([4096, 16384, 65536])
    holes = []
    for _ in range(dice.randint(0, 60)):
        bank = dice.choice(banks)
        start = dice.randrange(bank.start, bank.end, page)
        holes.append(Range(start, start + dice.choice([page, 16 * page, 4 * MIB, 64 * MIB])))
    half = len(holes) // 2
    sizes = [dice.randint(1, 120 * MIB) for _ in range(dice.choice([0, 1, 1, 2, 5]))]
    wanted = demand(
        *sizes,
        kernel=dice.randint(1, 80 * MIB),
        offset=dice.choice([0, 0, 0x80000]),
        page=page,
    )
    return MemoryMap(ram=tuple(banks), reserved=tuple(holes[:half])), tuple(holes[half:]), wanted


def obeys(architecture: str, layout: Layout, wanted: Demand) -> None:
    """The architecture's rules again, in its documentation's words and not in the planner's."""
    kernel = layout.kernel.start
    ends = [segment.start + segment.size for segment in layout.segments]
    starts = [segment.start for segment in layout.segments]
    match architecture:
        case "aarch64":
            assert (kernel - wanted.text_offset) % (2 * MIB) == 0
            if layout.initrds:
                assert abs(kernel // GIB - layout.initrds[-1].start // GIB) < 33
        case "arm":
            assert kernel % (128 * MIB) == 0x8000
            assert min(starts) == kernel
            assert max(ends) <= kernel - 0x8000 + 640 * MIB
            assert max(ends) <= 4 * GIB
        case "riscv64":
            assert kernel % (2 * MIB) == 0
            last = -(-(kernel + layout.kernel.size) // (2 * MIB)) * 2 * MIB
            assert min(set(starts) - {kernel}) >= last, "the kernel reserves its last 2 MiB"
        case "x86_64":
            assert kernel % (2 * MIB) == 0
            assert kernel >= 16 * MIB
            assert max(ends) <= 4 * GIB
            assert all(one.start + one.size <= 2 * GIB for one in layout.initrds)
        case _:
            pytest.fail(f"nobody has written down the rules of {architecture} here")
    needs_code = architecture in {"aarch64", "x86_64"}
    assert (layout.trampoline is not None) == needs_code


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_500_invented_machines_have_no_overlap_and_few_refusals(architecture: str) -> None:
    row, rules, refused = ARCHITECTURES[architecture], rules_of(architecture), 0
    head = KERNELS[architecture]
    offset = row.text_offset(identify(head, len(head)))
    for seed in range(500):
        memory, kept, wanted = invented(seed)
        wanted = replace(
            wanted,
            text_offset=wanted.text_offset if architecture == "aarch64" else offset,
            page_bytes=wanted.page_bytes if architecture == "aarch64" else 4096,
            tree=row.needs_tree or seed % 2 == 0,
        )
        try:
            layout = planned(memory, wanted, kept, rules)
        except LoadError as error:
            assert "no room" in str(error)  # noqa: PT017 - most seeds must not raise at all
            refused += 1
            continue
        obeys(architecture, layout, wanted)
        assert (layout.dtb is not None) == wanted.tree
    assert refused < 300


def test_an_arm_kernel_lies_32_kib_above_a_128_mib_boundary_and_its_tree_beyond_it() -> None:
    memory = MemoryMap(ram=(Range(GIB, GIB + 512 * MIB),))
    wanted = replace(demand(16 * MIB, kernel=30 * MIB), text_offset=0x8000)
    layout = planned(memory, wanted, rules=rules_of("arm"))
    assert layout.kernel.start == GIB + 0x8000
    assert layout.dtb is not None
    assert layout.dtb.start >= GIB + 0x8000 + 30 * MIB
    assert layout.trampoline is None


def test_a_riscv_kernel_stays_off_the_firmware() -> None:
    layout = planned(iomem.parse(RISCV_VIRT), demand(16 * MIB), rules=rules_of("riscv64"))
    assert layout.kernel.start == 0x80200000


def test_an_x86_kernel_lies_where_it_wants_to_be_or_above() -> None:
    memory = MemoryMap(ram=(Range(0x1000, 0x9F000), Range(MIB, 768 * MIB)))
    wanted = replace(demand(16 * MIB), tree=False)
    layout = planned(memory, wanted, rules=rules_of("x86_64"))
    assert layout.kernel.start == 16 * MIB
    assert layout.dtb is None
    assert min(one.start for one in layout.segments) >= MIB
