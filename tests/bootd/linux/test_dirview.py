"""`DirView` on plain directories: no root needed."""

import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootd.errors import ConfigLimitError
from bootd.fsview import MAX_DIR_NAMES
from bootd.linux import openat2
from bootd.linux.dirview import DirView


def count_open() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("of the host")
    disk = tmp_path / "disk"
    (disk / "boot/grub").mkdir(parents=True)
    (disk / "boot/vmlinuz-6").write_bytes(b"kernel")
    (disk / "boot/grub/grub.cfg").write_text("menuentry")
    return disk


@pytest.fixture(params=[437, 9999], ids=["openat2", "in steps"])
def fs(
    root: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DirView]:
    # A number that no kernel knows is what openat2's is to a kernel before 5.6.
    monkeypatch.setattr(openat2, "_NR_OPENAT2", request.param)
    fd = os.open(root, os.O_PATH)
    yield DirView(fd)
    os.close(fd)


def test_a_file_is_read_whole(fs: DirView) -> None:
    assert fs.read("/boot/grub/grub.cfg") == b"menuentry"


def test_the_head_of_a_file_is_cut(fs: DirView) -> None:
    assert fs.read_head("/boot/vmlinuz-6", 3) == b"ker"


def test_a_file_past_the_limit_is_not_read(fs: DirView) -> None:
    with pytest.raises(ConfigLimitError, match="more than 8 bytes"):
        fs.read("/boot/grub/grub.cfg", 8)


def test_a_file_at_the_limit_is_read(fs: DirView) -> None:
    assert fs.read("/boot/grub/grub.cfg", 9) == b"menuentry"


def test_names_of_a_directory_are_sorted(fs: DirView) -> None:
    assert fs.list_dir("/boot") == ("grub", "vmlinuz-6")


@pytest.mark.parametrize("path", ["/nowhere", "/boot/vmlinuz-6", "/boot/vmlinuz-6/x"])
def test_what_is_no_directory_has_no_names(fs: DirView, path: str) -> None:
    assert fs.list_dir(path) == ()


def test_names_beyond_the_limit_are_not_looked_at(root: Path, fs: DirView) -> None:
    many = root / "many"
    many.mkdir()
    for number in range(MAX_DIR_NAMES + 5):
        os.close(os.open(many / str(number), os.O_CREAT | os.O_WRONLY))
    assert len(fs.list_dir("/many")) == MAX_DIR_NAMES


def test_kinds_are_told_apart(fs: DirView) -> None:
    assert [fs.is_file("/boot"), fs.is_dir("/boot")] == [False, True]
    assert [fs.is_file("/boot/vmlinuz-6"), fs.is_dir("/boot/vmlinuz-6")] == [True, False]
    assert [fs.is_file("/none"), fs.is_dir("/none")] == [False, False]


@pytest.mark.parametrize("path", ["/none", "/boot/vmlinuz-6/below", "/" + "x" * 300])
def test_a_path_to_nothing_is_file_not_found(fs: DirView, path: str) -> None:
    with pytest.raises(FileNotFoundError, match="no such file"):
        fs.read(path)


def test_an_absolute_link_stays_on_the_disk(root: Path, fs: DirView) -> None:
    (root / "vmlinuz").symlink_to("/boot/vmlinuz-6")
    assert fs.read("/vmlinuz") == b"kernel"


@pytest.mark.parametrize(
    "target", ["../secret", "/../secret", "../../../../../../../../etc/passwd", "/etc/passwd"]
)
def test_a_link_out_of_the_disk_leads_nowhere(root: Path, fs: DirView, target: str) -> None:
    (root / "link").symlink_to(target)
    with pytest.raises(FileNotFoundError):
        fs.read("/link")


def test_dots_stop_at_the_root(fs: DirView) -> None:
    with pytest.raises(FileNotFoundError):
        fs.read("/../secret")


def test_a_link_to_a_directory_above_gives_the_root(root: Path, fs: DirView) -> None:
    (root / "up").symlink_to("../../..")
    assert fs.list_dir("/up") == fs.list_dir("/")


def test_a_circle_of_links_is_refused_in_words(root: Path, fs: DirView) -> None:
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    with pytest.raises(OSError, match="round in circles"):
        fs.read("/a")
    assert not fs.is_file("/a")


def test_a_magic_link_is_refused() -> None:
    fd = os.open("/proc", os.O_PATH)
    try:
        with pytest.raises(OSError, match="through /proc"):
            DirView(fd).read("/self/root/etc/passwd")
    finally:
        os.close(fd)


def test_a_fifo_is_refused_without_waiting_for_a_writer(root: Path, fs: DirView) -> None:
    os.mkfifo(root / "fifo")
    with pytest.raises(OSError, match="is a FIFO"):
        fs.read("/fifo")


def test_a_socket_is_refused(root: Path, fs: DirView) -> None:
    here = os.open(root, os.O_PATH)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"/proc/self/fd/{here}/socket")
    os.close(here)
    with pytest.raises(OSError, match="is a socket"):
        fs.read("/socket")


@pytest.mark.root
def test_a_device_node_is_refused_and_never_opened(root: Path, fs: DirView) -> None:
    # Major 10, minor 130 is /dev/watchdog: opening it would arm it; ENODEV where there is none.
    os.mknod(root / "watchdog", 0o20600, os.makedev(10, 130))
    with pytest.raises(OSError, match="is a character device") as caught:
        fs.read("/watchdog")
    assert caught.value.errno == errno.EINVAL


def test_a_directory_is_no_file(fs: DirView) -> None:
    with pytest.raises(IsADirectoryError):
        fs.read("/boot")


def test_a_nul_in_a_path_is_refused(fs: DirView) -> None:
    with pytest.raises(OSError, match="NUL"):
        fs.read("/boot/vmlinuz-6\0.txt")
    assert not fs.is_file("/boot/vmlinuz-6\0.txt")


def test_a_name_that_is_not_utf8_can_be_read(root: Path, fs: DirView) -> None:
    (Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9"))).write_bytes(b"latin")
    (name,) = [name for name in fs.list_dir("/") if name.startswith("caf")]
    assert fs.read(f"/{name}") == b"latin"


def test_an_open_file_is_for_reading_only(fs: DirView) -> None:
    fd = fs.open_file("/boot/vmlinuz-6")
    try:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.write(fd, b"x")
        assert not os.get_inheritable(fd)
    finally:
        os.close(fd)


def test_identity_changes_with_the_content(root: Path, fs: DirView) -> None:
    before = fs.identity("/boot/vmlinuz-6")
    assert fs.identity("/boot/vmlinuz-6") == before
    (root / "boot/vmlinuz-6").write_bytes(b"another kernel")
    assert fs.identity("/boot/vmlinuz-6") != before


def test_no_descriptor_is_left_open(root: Path, fs: DirView) -> None:
    os.mkfifo(root / "fifo")
    before = count_open()
    fs.read("/boot/vmlinuz-6")
    fs.list_dir("/boot")
    fs.identity("/boot/vmlinuz-6")
    for path in ("/boot", "/fifo", "/none"):
        with pytest.raises(OSError, match=r"."):
            fs.read(path)
    assert count_open() == before


@pytest.mark.root
def test_another_mount_is_refused_when_asked_for_one() -> None:
    fd = os.open("/", os.O_PATH)
    try:
        assert DirView(fd).is_dir("/proc/self")
        with pytest.raises(OSError, match="another file system"):
            DirView(fd, one_mount=True).read("/proc/version")
    finally:
        os.close(fd)
