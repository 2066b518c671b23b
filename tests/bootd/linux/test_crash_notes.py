"""Where a crashing kernel leaves its notes, out of a played sysfs."""

from pathlib import Path

import pytest

from bootd.errors import LoadError
from bootd.linux import crash_notes
from bootd.model.memory import Range


def put(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_processors_come_in_order_and_then_vmcoreinfo(tmp_path: Path) -> None:
    for number, start in ((0, "5f7a1000"), (2, "5f7a3000"), (10, "5f7a2000")):
        put(tmp_path, f"sys/devices/system/cpu/cpu{number}/crash_notes", f"{start}\n")
        put(tmp_path, f"sys/devices/system/cpu/cpu{number}/crash_notes_size", "424\n")
    put(tmp_path, "sys/devices/system/cpu/cpuidle/current_driver", "none\n")
    put(tmp_path, "sys/kernel/vmcoreinfo", "0x5d000000 1000\n")
    assert crash_notes.read(str(tmp_path)) == (
        Range(0x5F7A1000, 0x5F7A1000 + 424),
        Range(0x5F7A3000, 0x5F7A3000 + 424),
        Range(0x5F7A2000, 0x5F7A2000 + 424),
        Range(0x5D000000, 0x5D001000),
    )


def test_a_processor_without_notes_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "sys/devices/system/cpu/cpu0").mkdir(parents=True)
    put(tmp_path, "sys/kernel/vmcoreinfo", "5d000000 1000\n")
    assert crash_notes.read(str(tmp_path)) == (Range(0x5D000000, 0x5D001000),)


def test_a_kernel_that_leaves_nothing_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "sys/devices/system/cpu").mkdir(parents=True)
    with pytest.raises(LoadError, match="CONFIG_CRASH_DUMP"):
        crash_notes.read(str(tmp_path))
