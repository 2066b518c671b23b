"""Sources that are looked into without udev: what each one turns out to be."""

import os
import subprocess
from pathlib import Path

import pytest

from bootd.errors import ProbeError
from bootd.linux import loop
from bootd.model.device import DeviceKind
from bootd.probe import image

UUID = "5c3d1c2e-6f0b-4f3e-9a68-8e0f2a7b1c11"


def ext4(path: Path, *options: str) -> Path:
    root = path.with_suffix(".tree")
    root.mkdir()
    (root / "vmlinuz").write_text("kernel")
    argv = ["mke2fs", "-q", "-t", "ext4", "-U", UUID, *options, "-d", str(root), str(path), "16M"]
    subprocess.run(argv, check=True, capture_output=True, timeout=30)
    return path


def test_a_directory_plays_one_device(tmp_path: Path) -> None:
    (tmp_path / "vmlinuz").write_text("kernel")
    (found,) = image.find(str(tmp_path), "sda1")
    assert (found.device.name, found.device.kind) == ("sda1", DeviceKind.DIRECTORY)
    with image.opened(found) as view:
        assert view.read("/vmlinuz") == b"kernel"


def test_an_image_of_one_file_system_is_one_device(tmp_path: Path) -> None:
    (found,) = image.find(str(ext4(tmp_path / "a.img")), "sda")
    assert (found.device.uuid, found.device.fstype) == (UUID, "ext4")
    with image.opened(found) as view:
        assert view.is_file("/vmlinuz")


def test_descriptors_are_closed_at_the_end(tmp_path: Path) -> None:
    (found,) = image.find(str(ext4(tmp_path / "a.img")), "sda")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - no path is wanted
    with image.opened(found):
        pass
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - ditto


@pytest.mark.root
def test_a_block_device_is_read_like_an_image(tmp_path: Path) -> None:
    with loop.attached(str(ext4(tmp_path / "a.img"))) as node:
        (found,) = image.find(node, "loop9")
        with image.opened(found) as view:
            assert view.list_dir("/") == ("lost+found", "vmlinuz")


@pytest.mark.root
def test_what_the_reader_does_not_know_is_left_to_the_kernel(tmp_path: Path) -> None:
    path = ext4(tmp_path / "a.img", "-O", "meta_bg,^resize_inode")
    (found,) = image.find(str(path), "sda")
    with image.opened(found) as view:
        assert view.read("/vmlinuz") == b"kernel"


def test_an_empty_file_has_no_file_system(tmp_path: Path) -> None:
    path = tmp_path / "a.img"
    path.write_bytes(b"")
    (found,) = image.find(str(path), "sda")
    with pytest.raises(ProbeError, match="no partition table"), image.opened(found):
        pass


def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="is no directory"):
        image.find(str(tmp_path / "pipe"), "sda")


def test_a_truncated_file_system_is_a_problem_in_words(tmp_path: Path) -> None:
    path = ext4(tmp_path / "a.img")
    os.truncate(path, 4096)
    (found,) = image.find(str(path), "sda")
    with pytest.raises((ProbeError, OSError)), image.opened(found) as view:
        view.read("/vmlinuz")
