"""Detached mounts of real file systems on real loop devices."""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from bootd.fsview import FsView
from bootd.linux import dm
from bootd.linux.dirview import DirView
from bootd.linux.layers import LayeredView
from bootd.linux.mount import mount_detached
from bootd.probe.mounter import STALE, open_device
from tests.support import loopdisk

pytestmark = pytest.mark.root


def close_view(view: FsView) -> None:
    """Let a mount go, as the end of its worker would."""
    assert isinstance(view, DirView | LayeredView)
    for each in view._layers if isinstance(view, LayeredView) else (view,):
        os.close(each._fd)


@pytest.mark.parametrize("fstype", ["ext4", "xfs", "btrfs"])
def test_a_file_system_is_mounted_where_nobody_sees_it(tmp_path: Path, fstype: str) -> None:
    image = loopdisk.make_empty(tmp_path / "image", fstype)
    with loopdisk.attached(image) as name:
        fd = mount_detached(f"/dev/{name}", fstype)
        try:
            assert DirView(fd, one_mount=True).is_dir("/")
            assert name not in Path("/proc/self/mountinfo").read_text()
        finally:
            os.close(fd)


def test_nothing_can_be_written_run_or_used_as_a_device(tmp_path: Path) -> None:
    image = loopdisk.make_image(tmp_path / "image", {"/file": "text"})
    with loopdisk.attached(image, read_only=False) as name:
        fd = mount_detached(f"/dev/{name}", "ext4")
        try:
            flags = os.fstatvfs(fd).f_flag
        finally:
            os.close(fd)
    assert flags & os.ST_RDONLY
    assert flags & os.ST_NODEV
    assert flags & os.ST_NOSUID
    assert flags & os.ST_NOEXEC


@pytest.mark.parametrize("fstype", ["ext4", "xfs", "btrfs"])
def test_a_disk_that_was_not_shut_down_is_read_and_never_written(
    tmp_path: Path, fstype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dm, "CONTROL", "/dev/mapper/nothing")  # tests/root/test_journals.py has one
    image = make_dirty(tmp_path, fstype)
    before = hashlib.sha256(image.read_bytes()).digest()
    with loopdisk.attached(image, read_only=False) as name:
        view, _, notes = open_device(f"/dev/{name}", fstype)
        view.list_dir("/")
        close_view(view)
    assert hashlib.sha256(image.read_bytes()).digest() == before
    assert notes == (STALE.format(why="this kernel has no dm-snapshot"),)


def make_dirty(tmp_path: Path, fstype: str) -> Path:
    """Copy the image of a file system that is in use, with a journal that was just written."""
    image = loopdisk.make_empty(tmp_path / "live", fstype)
    place = tmp_path / "mounted"
    place.mkdir()
    with loopdisk.attached(image, read_only=False) as name:
        subprocess.run(["mount", "-t", fstype, f"/dev/{name}", str(place)], check=True)
        try:
            written = os.open(place / "file", os.O_CREAT | os.O_WRONLY)
            os.write(written, b"x" * 8192)
            os.fsync(written)
            os.close(written)
            copy = tmp_path / "copy"
            copy.write_bytes(Path(f"/dev/{name}").read_bytes())
        finally:
            subprocess.run(["umount", str(place)], check=True)
    return copy


def test_a_clean_disk_has_no_note(tmp_path: Path) -> None:
    image = loopdisk.make_image(tmp_path / "image", {"/file": "text"})
    with loopdisk.attached(image) as name:
        view, _, notes = open_device(f"/dev/{name}", "ext4")
        assert view.read("/file") == b"text"
        close_view(view)
    assert notes == ()


def test_a_disk_that_the_system_has_mounted_is_seen_read_only(tmp_path: Path) -> None:
    image = loopdisk.make_image(tmp_path / "image", {"/file": "text"})
    place = tmp_path / "a place"
    place.mkdir()
    with loopdisk.attached(image, read_only=False) as name:
        subprocess.run(["mount", f"/dev/{name}", str(place)], check=True)
        try:
            fd = mount_detached(f"/dev/{name}", "ext4")
            assert DirView(fd, one_mount=True).read("/file") == b"text"
            with pytest.raises(OSError, match="Read-only"):
                os.open("new", os.O_CREAT | os.O_WRONLY, dir_fd=fd)
            os.close(fd)
            (place / "file").write_text("still writable for the system")
        finally:
            subprocess.run(["umount", str(place)], check=True)


def test_a_device_node_on_a_disk_is_never_opened(tmp_path: Path) -> None:
    image = loopdisk.make_image(tmp_path / "image", {"/file": "text"})
    place = tmp_path / "mounted"
    place.mkdir()
    with loopdisk.attached(image, read_only=False) as name:
        subprocess.run(["mount", f"/dev/{name}", str(place)], check=True)
        os.mknod(place / "grub.cfg", 0o20600, os.makedev(1, 5))
        subprocess.run(["umount", str(place)], check=True)
        fd = mount_detached(f"/dev/{name}", "ext4")
        try:
            with pytest.raises(OSError, match="is a character device"):
                DirView(fd, one_mount=True).read("/grub.cfg")
        finally:
            os.close(fd)


@pytest.mark.parametrize(
    ("fstype", "words"),
    [
        ("xfs", "is damaged, or of a version"),
        ("squashfs", "is damaged, or of a version"),
        ("ntfs", "ntfs file systems are not looked at"),
        ("", "unknown file systems are not looked at"),
    ],
)
def test_a_failure_is_told_in_words(tmp_path: Path, fstype: str, words: str) -> None:
    image = loopdisk.make_image(tmp_path / "image", {"/file": "text"})
    with loopdisk.attached(image) as name, pytest.raises(OSError, match=words) as caught:
        mount_detached(f"/dev/{name}", fstype)
    assert caught.value.filename == f"/dev/{name}"


def test_a_device_that_is_gone_is_told_in_words() -> None:
    with pytest.raises(OSError, match="the device is gone"):
        mount_detached("/dev/nothing-here", "ext4")


def test_a_failed_mount_leaves_no_descriptor(tmp_path: Path) -> None:
    image = loopdisk.make_image(tmp_path / "image", {"/file": "text"})
    with loopdisk.attached(image) as name:
        before = len(list(Path("/proc/self/fd").iterdir()))
        with pytest.raises(OSError, match="damaged"):
            mount_detached(f"/dev/{name}", "xfs")
        assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_file_of_the_disk_stays_readable_after_the_mount_is_let_go(tmp_path: Path) -> None:
    image = loopdisk.make_image(tmp_path / "image", {"/vmlinuz": "kernel"})
    with loopdisk.attached(image) as name:
        view, open_file, _ = open_device(f"/dev/{name}", "ext4")
        kernel = open_file("/vmlinuz")
        close_view(view)
    assert os.read(kernel, 100) == b"kernel"
    os.close(kernel)


def test_an_image_that_only_the_kernel_can_read_is_attached_for_its_mount(tmp_path: Path) -> None:
    image = loopdisk.make_empty(tmp_path / "image", "xfs")
    view, _, _ = open_device(str(image), "xfs")
    assert view.is_dir("/")
    close_view(view)
    attached = subprocess.run(["losetup", "-a"], check=True, capture_output=True, text=True)
    assert str(image) not in attached.stdout
