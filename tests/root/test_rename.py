"""The one write on somebody else's disk: a file of an entry gets another name."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bootd.linux.dirview import DirView
from bootd.linux.mount import mount_detached
from bootd.linux.rename import rename_below, rename_on
from bootd.linux.unwritable import unwritable
from tests.support import loopdisk

pytestmark = pytest.mark.root

FOLDER = "/loader/entries"
OLD = f"{FOLDER}/debian-6.12+3.conf"
NEW = "debian-6.12+2-1.conf"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A disk with one entry: its node and the kind of its file system.

    ext4 only: not every kernel that runs the tests has vfat. The emulated board has it, and its
    test renames there (tests/board/test_counting.py).
    """
    image = loopdisk.make_image(tmp_path / "ext4", {OLD: "title Debian\n"})
    with loopdisk.attached(image, read_only=False) as name:
        yield f"/dev/{name}", "ext4"


@contextmanager
def seen(node: str, fstype: str) -> Iterator[DirView]:
    fd = mount_detached(node, fstype)
    try:
        yield DirView(fd, one_mount=True)
    finally:
        os.close(fd)


def names(node: str, fstype: str) -> list[str]:
    with seen(node, fstype) as view:
        return list(view.list_dir(FOLDER))


def test_a_file_gets_its_new_name_and_keeps_its_content(disk: tuple[str, str]) -> None:
    rename_on(*disk, OLD, NEW)
    assert names(*disk) == [NEW]
    with seen(*disk) as view:
        assert view.read(f"{FOLDER}/{NEW}") == b"title Debian\n"


def test_the_file_system_is_clean_afterwards(disk: tuple[str, str], tmp_path: Path) -> None:
    rename_on(*disk, OLD, NEW)
    copy = tmp_path / "copy"
    copy.write_bytes(Path(disk[0]).read_bytes())
    check = ["e2fsck", "-f", "-n", str(copy)]
    done = subprocess.run(check, check=False, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_stays_mounted(disk: tuple[str, str]) -> None:
    rename_on(*disk, OLD, NEW)
    assert disk[0] not in Path("/proc/self/mountinfo").read_text()
    # An exclusive open fails while any mount is left.
    os.close(os.open(disk[0], os.O_RDONLY | os.O_EXCL))


def test_another_file_is_never_overwritten(disk: tuple[str, str]) -> None:
    rename_on(*disk, OLD, NEW)
    with pytest.raises(FileNotFoundError):
        rename_on(*disk, OLD, NEW)
    with pytest.raises(FileExistsError):
        rename_on(*disk, f"{FOLDER}/{NEW}", NEW)
    assert names(*disk) == [NEW]


def test_a_reader_that_does_not_let_go_is_said_and_nothing_is_renamed(
    disk: tuple[str, str],
) -> None:
    with seen(*disk), pytest.raises(OSError, match="in use") as caught:
        rename_on(*disk, OLD, NEW)
    assert caught.value.errno == errno.EBUSY
    assert names(*disk) == [OLD.rpartition("/")[2]]


def test_a_disk_that_a_look_at_it_has_had_refuse_writes_is_written(disk: tuple[str, str]) -> None:
    with unwritable(disk[0], stays=True):
        pass
    rename_on(*disk, OLD, NEW)
    assert names(*disk) == [NEW]


def test_kinds_that_bootd_does_not_write_are_refused(tmp_path: Path) -> None:
    image = loopdisk.make_empty(tmp_path / "image", "btrfs")
    with loopdisk.attached(image, read_only=False) as name, pytest.raises(OSError, match="never"):
        rename_on(f"/dev/{name}", "btrfs", OLD, NEW)


def test_a_link_or_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("text")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "folder").mkdir()
    fd = os.open(tmp_path, os.O_RDONLY)
    try:
        for name in ("link", "folder"):
            with pytest.raises(OSError, match="no regular file"):
                rename_below(fd, f"/{name}", "new")
        for name in ("a/b", "..", ""):
            with pytest.raises(OSError, match="no name"):
                rename_below(fd, "/real", name)
        with pytest.raises(FileNotFoundError):
            rename_below(fd, "/../../etc/hostname", "new")
    finally:
        os.close(fd)
