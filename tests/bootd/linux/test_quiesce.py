"""Quietening a machine: sysfs is played, file systems are real (tests/root/test_quiesce.py)."""

import subprocess
from pathlib import Path

import pytest

from bootd.linux import quiesce
from bootd.model.board import Quiesce


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    driver = tmp_path / "sys/bus/pci/drivers/nvme"
    driver.mkdir(parents=True)
    for name in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / name).mkdir()
        (driver / name).symlink_to(tmp_path / name)
    (driver / "module").symlink_to(tmp_path)
    (driver / "new_id").touch()
    for number in range(3):
        cpu = tmp_path / f"sys/devices/system/cpu/cpu{number}"
        cpu.mkdir(parents=True)
        (cpu / "online").write_text("1")
    (tmp_path / "sys/devices/system/cpu/cpuidle").mkdir()
    (tmp_path / "mounts").write_text("proc /proc proc rw 0 0\n/dev/vda1 / ext4 ro,nodev 0 0\n")
    return tmp_path


def quieten(machine: Path, profile: Quiesce) -> quiesce.Done:
    return quiesce.quiesce(profile, str(machine), str(machine / "mounts"))


def online(machine: Path) -> list[str]:
    folder = machine / "sys/devices/system/cpu"
    return [(folder / f"cpu{number}/online").read_text() for number in range(3)]


def test_a_board_without_a_profile_needs_nothing(machine: Path) -> None:
    assert quieten(machine, Quiesce()) == quiesce.Done()


def test_drivers_let_go_of_their_devices_and_can_take_them_back(machine: Path) -> None:
    driver = machine / "sys/bus/pci/drivers/nvme"
    done = quieten(machine, Quiesce(unbind=("pci/nvme", "pci/absent")))
    assert (driver / "unbind").read_text() == "0000:02:00.0"
    assert [text for _, text in done.writes] == ["0000:01:00.0", "0000:02:00.0"]
    assert quiesce.undo(done) == ()
    assert (driver / "bind").read_text() == "0000:01:00.0"


def test_all_processors_but_the_first_go_offline_and_come_back(machine: Path) -> None:
    done = quieten(machine, Quiesce(offline_cpus=True))
    assert online(machine) == ["1", "0", "0"]
    assert quiesce.undo(done) == ()
    assert online(machine) == ["1", "1", "1"]


def test_what_fails_is_told_and_the_rest_is_done(machine: Path) -> None:
    driver = machine / "sys/bus/pci/drivers/nvme"
    (driver / "unbind").mkdir()
    done = quieten(machine, Quiesce(unbind=("pci/nvme",), offline_cpus=True))
    assert len(done.failures) == 2
    assert done.failures[0].endswith("unbind (0000:01:00.0): Is a directory")
    assert online(machine) == ["1", "0", "0"]


SCRIPT = Path(__file__).parents[3] / "units/bootd.shutdown"


def test_what_systemd_is_to_leave_to_the_end_is_done_by_its_script(
    machine: Path, tmp_path: Path
) -> None:
    steps = tmp_path / "run/before-kexec"
    profile = Quiesce(unbind=("pci/nvme",), offline_cpus=True, delay_ms=1)
    done = quiesce.quiesce_later(profile, str(machine), str(steps))
    assert done == quiesce.Done(later=str(steps))
    assert online(machine) == ["1", "1", "1"]
    script = SCRIPT.read_text().replace(quiesce.LATER, str(steps))
    assert str(steps) in script
    for verb in ("reboot", "kexec"):
        subprocess.run(["sh", "-eu", "-c", script, "bootd.shutdown", verb], check=True)
        assert online(machine) == (["1"] * 3 if verb == "reboot" else ["1", "0\n", "0\n"])
    unbind = machine / "sys/bus/pci/drivers/nvme/unbind"
    assert unbind.read_text() == "0000:02:00.0\n"
    assert quiesce.undo(done) == ()
    assert not steps.exists()


def test_a_profile_that_wants_nothing_leaves_nothing_for_later(tmp_path: Path) -> None:
    steps = tmp_path / "before-kexec"
    assert quiesce.quiesce_later(Quiesce(), str(tmp_path), str(steps)) == quiesce.Done()
    assert not steps.exists()
