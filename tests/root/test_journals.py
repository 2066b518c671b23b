"""Disks that were not shut down: what their journals hold is seen, and not one byte is written.

It needs a device mapper and drivers that not every machine has: `make test-faults` runs it in a
guest with a kernel of Debian's.
"""

import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from bootd.linux import dm, overlay, unwritable
from bootd.linux.block_device import OVERLAY
from bootd.linux.mount import mount_detached
from bootd.probe import mounter
from bootd.probe.mounter import FULL, Opened, open_device
from tests.support import loopdisk
from tests.support.loopdisk import closed, digest

pytestmark = pytest.mark.dm

FILES = 20
JOURNALED = ["ext3", "ext4", "xfs", "btrfs", "f2fs"]
EVERY = [*JOURNALED, "ext2", "vfat"]


@contextmanager
def mounted(image: Path, fstype: str) -> Iterator[tuple[str, Path]]:
    """Mount an image for writing, as the system on it does."""
    place = image.with_suffix(".mounted")
    place.mkdir(exist_ok=True)
    with loopdisk.attached(image, read_only=False) as name:
        subprocess.run(["mount", "-t", fstype, f"/dev/{name}", place], check=True, timeout=30)
        try:
            yield f"/dev/{name}", place
        finally:
            subprocess.run(["umount", place], check=True, timeout=30)


def dirty(folder: Path, fstype: str, files: int = FILES, size: int = 100) -> Path:
    """Return a copy of a mounted disk, taken when its files had just been synced."""
    image = loopdisk.make_empty(folder / "live", fstype)
    copy = folder / "copy"
    with mounted(image, fstype) as (_, place):
        (place / "loader").mkdir()
        subprocess.run(["sync", "-f", place], check=True, timeout=30)
        for number in range(files):
            path = place / "loader" / f"entry-{number:02}.conf"
            with path.open("wb", buffering=0) as file:
                file.write(b"title " + bytes(size))
                os.fsync(file.fileno())
        # Not the device: its cache knows nothing of what some file systems write.
        subprocess.run(["cp", "--sparse=always", image, copy], check=True, timeout=60)
    return copy


def listed(opened: Opened) -> tuple[str, ...]:
    return opened.view.list_dir("/loader")


@pytest.mark.parametrize("fstype", JOURNALED)
def test_what_was_synced_before_the_power_went_is_seen_and_the_disk_stays_as_it_is(
    tmp_path: Path, fstype: str
) -> None:
    image = dirty(tmp_path, fstype)
    before = digest(image)
    with (
        loopdisk.attached(image, read_only=False) as name,
        closed(f"/dev/{name}", fstype) as opened,
    ):
        assert listed(opened) == tuple(f"entry-{number:02}.conf" for number in range(FILES))
        assert opened.view.read("/loader/entry-19.conf").startswith(b"title")
        assert opened.notes == ()
    assert digest(image) == before


@pytest.mark.parametrize("fstype", EVERY)
def test_a_clean_disk_is_never_written(tmp_path: Path, fstype: str) -> None:
    image = loopdisk.make_empty(tmp_path / "image", fstype)
    with mounted(image, fstype) as (_, place):
        (place / "file").write_text("text")
    before = digest(image)
    with (
        loopdisk.attached(image, read_only=False) as name,
        closed(f"/dev/{name}", fstype) as opened,
    ):
        assert opened.view.read("/file") == b"text"
        assert opened.notes == ()
    assert digest(image) == before


@pytest.mark.parametrize("fstype", ["ext3", "ext4", "xfs", "f2fs", "vfat"])
def test_a_damaged_disk_is_never_written(tmp_path: Path, fstype: str) -> None:
    image = loopdisk.make_empty(tmp_path / "image", fstype)
    with mounted(image, fstype) as (_, place):
        for number in range(50):
            (place / f"file-{number}").write_text("text" * 2000)
    data = bytearray(image.read_bytes())
    for at in range(1 << 20, min(len(data), 8 << 20), 8192):
        data[at : at + 64] = os.urandom(64)
    image.write_bytes(data)
    before = digest(image)
    with loopdisk.attached(image, read_only=False) as name, never_written(f"/dev/{name}"):
        read_all(f"/dev/{name}", fstype)
    assert digest(image) == before


@contextmanager
def never_written(node: str) -> Iterator[None]:
    """Leave the flag as bootd does in an initrd; a loop device would keep it for its next user."""
    subprocess.run(["blockdev", "--setro", node], check=True)
    try:
        yield
        subprocess.run(["blockdev", "--flushbufs", node], check=True)
    finally:
        subprocess.run(["blockdev", "--setrw", node], check=True)


def read_all(node: str, fstype: str) -> None:
    """Read what can be read of a damaged disk."""
    with suppress(OSError), closed(node, fstype) as opened:
        for path in opened.view.list_dir("/"):
            with suppress(OSError):
                opened.view.read(f"/{path}")


def test_nothing_of_an_overlay_is_left_when_the_last_file_is_closed(tmp_path: Path) -> None:
    image = dirty(tmp_path, "ext4")
    with loopdisk.attached(image, read_only=False) as name:
        with closed(f"/dev/{name}", "ext4") as opened:
            kernel = opened.open_file("/loader/entry-00.conf")
            assert dm.names()
        assert os.read(kernel, 5) == b"title"
        os.close(kernel)
        loopdisk.settled(lambda: not dm.names())
        loops = subprocess.run(["losetup", "-a"], check=True, capture_output=True, text=True)
        assert "memfd" not in loops.stdout


def test_what_a_killed_process_left_is_taken_away_by_the_next(tmp_path: Path) -> None:
    image = dirty(tmp_path, "ext4")
    with loopdisk.attached(image, read_only=False) as name:
        number = Path(f"/dev/{name}").stat().st_rdev
        words = f"{os.major(number)}:{os.minor(number)} 0"
        line = dm.Target(kind="linear", start=0, length=2048, parameters=words)
        dm.create(f"{OVERLAY}4194305-7-0", (line,), read_only=True)
        with closed(f"/dev/{name}", "ext4") as opened:
            assert len(listed(opened)) == FILES
            assert [one for one in dm.names() if "4194305" in one] == []


def test_two_processes_may_look_at_a_dirty_disk(tmp_path: Path) -> None:
    image = dirty(tmp_path, "xfs")
    with loopdisk.attached(image, read_only=False) as name:
        child = os.fork()
        if child == 0:
            try:
                os._exit(len(listed(open_device(f"/dev/{name}", "xfs"))))
            finally:
                os._exit(255)
        with closed(f"/dev/{name}", "xfs") as opened:
            assert len(listed(opened)) == FILES
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == FILES


@pytest.mark.parametrize("fstype", ["ext4", "xfs"])
def test_a_journal_that_is_larger_than_the_store_makes_the_disk_unreadable(
    tmp_path: Path, fstype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = dirty(tmp_path, fstype, files=300)
    before = digest(image)
    monkeypatch.setattr(overlay, "spare_bytes", lambda: 16384)
    with loopdisk.attached(image, read_only=False) as name, pytest.raises(OSError, match=FULL):
        open_device(f"/dev/{name}", fstype)
    assert digest(image) == before


@pytest.mark.parametrize("fstype", JOURNALED)
def test_without_a_device_mapper_the_view_is_old_and_says_so(
    tmp_path: Path, fstype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = dirty(tmp_path, fstype)
    before = digest(image)
    monkeypatch.setattr(dm, "CONTROL", "/dev/mapper/nothing")
    with (
        loopdisk.attached(image, read_only=False) as name,
        closed(f"/dev/{name}", fstype) as opened,
    ):
        assert opened.notes == (mounter.STALE.format(why="this kernel has no dm-snapshot"),)
    assert digest(image) == before


def test_a_disk_that_the_system_writes_is_seen_as_it_is(tmp_path: Path) -> None:
    image = loopdisk.make_empty(tmp_path / "image", "ext4")
    with mounted(image, "ext4") as (node, place):
        (place / "file").write_text("text")
        with closed(node, "ext4") as opened:
            assert opened.view.read("/file") == b"text"
            assert opened.notes == ()
        (place / "file").write_text("still writable for the system")


def test_the_flag_is_taken_back_on_a_running_system_and_stays_in_an_initrd(tmp_path: Path) -> None:
    image = loopdisk.make_empty(tmp_path / "image", "ext4")
    with loopdisk.attached(image, read_only=False) as name:
        node = f"/dev/{name}"
        with unwritable.unwritable(node, stays=False) as guard:
            assert guard == unwritable.Guard(is_free=True, is_set=True)
            assert read_only(node)
        assert not read_only(node)
        with unwritable.unwritable(node, stays=True):
            pass
        assert read_only(node)
        os.close(mount_detached(node, "ext4"))
        unwritable.allow(node)
        assert not read_only(node)


def read_only(node: str) -> bool:
    asked = subprocess.run(["blockdev", "--getro", node], check=True, capture_output=True)
    return asked.stdout.strip() == b"1"


def test_a_digest_tells_one_changed_byte(tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(bytes(5000))
    before = digest(image)
    image.write_bytes(bytes(4999) + b"\1")
    assert digest(image) != before
    assert before == hashlib.sha256(bytes(5000)).hexdigest()
