"""Reading /proc/iomem."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.linux import iomem, meminfo
from bootd.model.memory import Range, subtract
from tests.support.iomem import CRASH_KERNEL, HIDDEN, RISCV_VIRT, VIRT_GICV2


def test_memory_is_every_system_ram_line_at_the_top() -> None:
    assert iomem.parse(CRASH_KERNEL).ram == (
        Range(0x80000000, 0x100000000),
        Range(0x8000000000, 0x8200000000),
    )


def test_the_running_kernel_may_be_overwritten() -> None:
    memory = iomem.parse(VIRT_GICV2)
    assert subtract(memory.ram, memory.reserved)[0] == Range(0x40000000, 0x413D0000)


def test_reserved_counts_in_any_case_and_at_any_depth() -> None:
    assert iomem.parse(RISCV_VIRT).reserved == (
        Range(0x80000000, 0x80020000),
        Range(0x9F000000, 0x9F100000),
    )


def test_a_crash_kernel_is_reserved() -> None:
    memory = iomem.parse(CRASH_KERNEL)
    assert Range(0xD0000000, 0xE0000000) in memory.reserved
    assert memory.crash == (Range(0xD0000000, 0xE0000000),)


def test_hidden_addresses_are_a_permission_error(tmp_path: Path) -> None:
    file = tmp_path / "iomem"
    file.write_text(HIDDEN)
    with pytest.raises(PermissionError, match="hides the addresses"):
        iomem.read(str(file))


def test_this_machines_map_has_as_much_memory_as_meminfo_says() -> None:
    ram = sum(part.size for part in iomem.read().ram)
    assert 0 <= ram - meminfo.read()["MemTotal"] < ram / 4


@given(st.text(alphabet=" 0123456789abcdef-:SRystemRA\n", max_size=300))
def test_any_text_is_read_without_an_error(text: str) -> None:
    memory = iomem.parse(text)
    assert all(part.size > 0 for part in (*memory.ram, *memory.reserved))
