"""What is remembered on a state partition: real file systems on loop devices.

vfat is tried in a guest (tests/boards/test_power_cuts.py): not every kernel that runs these has it.
"""

import subprocess
import threading
import time
from pathlib import Path
from zlib import crc32

import pytest

from bootd.linux.unwritable import unwritable
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


def test_a_partition_that_a_look_made_unwritable_is_written_all_the_same(tmp_path: Path) -> None:
    image = make_empty(tmp_path / "image", "ext4")
    with attached(image, read_only=False) as device:
        with unwritable(f"/dev/{device}", stays=True):
            pass
        assert Path(f"/sys/class/block/{device}/ro").read_text() == "1\n"
        ask(device, "ext4", text("one"))
        assert ask(device, "ext4") == text("one")


def test_an_environment_on_a_block_device_is_written(tmp_path: Path) -> None:
    image = tmp_path / "card"
    body = b"board=acme\0\0".ljust(0x3FB, b"\0")
    image.write_bytes((crc32(body).to_bytes(4, "little") + b"\1" + body) * 2 + bytes(1 << 20))
    (tmp_path / "etc").mkdir()
    with attached(image, read_only=False) as device, unwritable(f"/dev/{device}", stays=True):
        lines = [f"/dev/{device} {offset:#x} 0x400\n" for offset in (0, 0x400)]
        (tmp_path / "etc/fw_env.config").write_text("".join(lines))
        (tmp_path / "dev").symlink_to("/dev")
        at = to_json(KeptAt(kind=Kind.UBOOT, path=str(tmp_path)))
        remember(None, {"at": at, "text": text("one")}, [])
        assert remember(None, {"at": at, "text": None}, [])[0] == text("one").strip()


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
