"""What is remembered on a state partition: real file systems on loop devices.

vfat is tried in a guest (tests/boards/test_power_cuts.py): not every kernel that runs these has it.
"""

import subprocess
import threading
import time
from pathlib import Path

import pytest

from bootd.model.remembered import Remembered
from bootd.probe.remembering import KeptAt, Kind, remember
from bootd.protocol import memory
from bootd.protocol.codec import Json, to_json
from tests.support.loopdisk import attached, closed, digest, make_empty

pytestmark = pytest.mark.root


def text(name: str) -> str:
    return memory.write(Remembered(default=name)).decode()


def ask(device: str, fstype: str, new: str | None = None) -> Json:
    at = KeptAt(kind=Kind.PARTITION, path=f"/dev/{device}", fstype=fstype)
    return remember(None, {"at": to_json(at), "text": new}, [])[0]


@pytest.mark.parametrize("fstype", ["ext4", "ext2"])
def test_a_partition_keeps_what_was_written(tmp_path: Path, fstype: str) -> None:
    image = make_empty(tmp_path / "image", fstype)
    with attached(image, read_only=False) as device:
        assert ask(device, fstype) is None
        for name in ("one", "two", "three"):
            ask(device, fstype, text(name))
            assert ask(device, fstype) == text(name)
        assert device not in Path("/proc/mounts").read_text()
    with attached(image) as device:  # somebody else, later, on a card that cannot be written
        assert ask(device, fstype) == text("three")
        with pytest.raises(OSError, match=r"(?i)read.only|written"):
            ask(device, fstype, text("four"))


def test_the_file_system_is_sound_afterwards(tmp_path: Path) -> None:
    image = make_empty(tmp_path / "image", "ext4")
    with attached(image, read_only=False) as device:
        for number in range(20):
            ask(device, "ext4", text("x" * number * 100))
    check = ["e2fsck", "-f", "-n", str(image)]
    subprocess.run(check, check=True, capture_output=True, timeout=30)


def test_a_worker_that_looks_at_the_partition_is_waited_for(tmp_path: Path) -> None:
    image = make_empty(tmp_path / "image", "ext4")
    with attached(image, read_only=False) as device:
        held = threading.Event()

        def look() -> None:
            with closed(f"/dev/{device}", "ext4"):
                held.set()
                time.sleep(0.5)

        worker = threading.Thread(target=look)
        worker.start()
        held.wait(10)
        ask(device, "ext4", text("one"))
        worker.join()
        assert ask(device, "ext4") == text("one")


def test_reading_an_ext4_that_was_not_unmounted_replays_its_journal(tmp_path: Path) -> None:
    image, copy = make_empty(tmp_path / "image", "ext4"), tmp_path / "copy"
    with attached(image, read_only=False) as device:
        ask(device, "ext4", text("one"))
        # What is on the medium while it is mounted and synced is what a power cut leaves.
        mounted = tmp_path / "mounted"
        mounted.mkdir()
        subprocess.run(["mount", f"/dev/{device}", str(mounted)], check=True, timeout=30)
        try:
            at = KeptAt(kind=Kind.FOLDER, path=str(mounted))
            remember(None, {"at": to_json(at), "text": text("two")}, [])
            copy.write_bytes(image.read_bytes())
        finally:
            subprocess.run(["umount", str(mounted)], check=True, timeout=30)
    with attached(copy, read_only=False) as device:
        assert ask(device, "ext4") == text("two")


def test_no_other_file_system_is_ever_written(tmp_path: Path) -> None:
    image = make_empty(tmp_path / "image", "ext4")
    before = digest(image)
    with (
        attached(image, read_only=False) as device,
        pytest.raises(OSError, match="xfs file systems are never written"),
    ):
        ask(device, "xfs", text("one"))
    assert digest(image) == before
