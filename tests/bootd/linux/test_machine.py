"""What a machine is, read from a made-up /proc and /sys beside the real kernel."""

import gzip
import os
from pathlib import Path

import pytest

from bootd.linux import kexec, machine
from bootd.model.machine import SMBIOS, Machine


def put(root: Path, **files: bytes) -> Path:
    for name, data in files.items():
        path = root / name.replace("__", "/").replace("_", "-")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A board whose kernel has both calls: the answers of the real kernel would differ by host."""
    monkeypatch.setattr(kexec, "has_kexec_load", lambda: True)
    monkeypatch.setattr(kexec, "has_kexec_file_load", lambda: True)
    monkeypatch.setattr(kexec, "has_kexec_file_dtb", lambda: False)
    (tmp_path / "proc/sys/kernel").mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text("MemTotal:         491256 kB\n")
    return put(
        tmp_path,
        proc__device_tree__model=b"Pine64 Rock64\0",
        proc__device_tree__compatible=b"pine64,rock64\0rockchip,rk3328\0",
        proc__device_tree__serial_number=b"0123\x1b[2J\0",
    )


def for_load(board: Path) -> Machine:
    return machine.for_load(machine.read(str(board)), str(board))


def test_a_board_is_described_by_its_live_tree(board: Path) -> None:
    found = machine.read(str(board))
    assert found.model == "Pine64 Rock64"
    assert found.compatible == ("pine64,rock64", "rockchip,rk3328")
    assert found.memory_bytes == 491256 << 10
    assert found.kexec_load
    assert found.lockdown == "none"


def test_foreign_text_is_cleaned(board: Path) -> None:
    assert machine.read(str(board)).serial == "0123\\x1b[2J"


def test_lockdown_forbids_kexec_load_and_leaves_the_file_call(board: Path) -> None:
    path = board / "sys/kernel/security/lockdown"
    path.parent.mkdir(parents=True)
    path.write_text("none [integrity] confidentiality\n")
    found = machine.read(str(board))
    assert (found.lockdown, found.kexec_load, found.kexec_locked) == ("integrity", False, False)
    assert "locked down (integrity)" in found.kexec_refusal


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("kexec_load_disabled", "1", "kexec_load_disabled"),
        ("kexec_load_limit_reboot", "0", "kexec_load_limit_reboot"),
    ],
)
def test_a_switch_of_the_kernel_forbids_every_load(
    board: Path, name: str, text: str, words: str
) -> None:
    (board / "proc/sys/kernel" / name).write_text(f"{text}\n")
    found = machine.read(str(board))
    assert (found.kexec_load, found.kexec_locked) == (False, True)
    assert words in found.kexec_refusal


def test_a_kernel_without_the_call_is_said(board: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kexec, "has_kexec_load", lambda: False)
    assert "without CONFIG_KEXEC" in machine.read(str(board)).kexec_refusal


def test_interrupt_tables_in_free_memory_are_noticed(board: Path) -> None:
    record = b"6,0,0,-;GICv3: using LPI property table @0x0000000042850000\n"
    put(board, dev__kmsg=record)
    (board / "proc/iomem").write_text("40000000-5fffffff : System RAM\n")
    assert for_load(board).lpi_unreserved
    (board / "proc/iomem").write_text(
        "40000000-5fffffff : System RAM\n  42850000-4285ffff : reserved\n"
    )
    assert not for_load(board).lpi_unreserved


def test_this_machine_is_described_without_an_error() -> None:
    found = machine.read()
    assert found.architecture == os.uname().machine
    assert found.memory_bytes > 64 << 20
    assert found.page_bytes in {4096, 16384, 65536}


def test_processors_that_started_by_spin_table_cannot_be_stopped(board: Path) -> None:
    assert not for_load(board).stuck_processors
    folder = board / "proc/device-tree/cpus/cpu@1"
    folder.mkdir(parents=True)
    (folder / "enable-method").write_bytes(b"spin-table\0")
    possible = board / "sys/devices/system/cpu/possible"
    possible.parent.mkdir(parents=True)
    possible.write_text("0-3\n")
    assert for_load(board).stuck_processors
    possible.write_text("0\n")
    assert not for_load(board).stuck_processors


@pytest.mark.parametrize("place", ["boot/config-", "usr/lib/modules/{}/config"])
def test_a_kernel_that_takes_signed_ones_only_says_so_before_a_load(
    board: Path, place: str
) -> None:
    assert not for_load(board).signatures_forced
    release = os.uname().release
    file = board / (place.format(release) if "{" in place else place + release)
    file.parent.mkdir(parents=True)
    file.write_text("CONFIG_KEXEC_SIG=y\nCONFIG_KEXEC_SIG_FORCE=y\n")
    assert for_load(board).signatures_forced
    # What the kernel says itself counts more.
    (board / "proc/config.gz").write_bytes(gzip.compress(b"# CONFIG_KEXEC_SIG_FORCE is not set\n"))
    assert not for_load(board).signatures_forced


def test_a_machine_without_a_tree_is_called_what_its_firmware_says(board: Path) -> None:
    folder = board / "sys/class/dmi/id"
    folder.mkdir(parents=True)
    for name in SMBIOS:
        (folder / name).write_text(f" {name}\n")
    assert machine.read(str(board)).hardware == ()
    (board / "proc/device-tree/compatible").unlink()
    assert machine.read(str(board)).hardware == tuple(f" {name}" for name in SMBIOS)
    (folder / "board_name").unlink()
    assert machine.read(str(board)).hardware[-1] == ""
