"""Distributions on a real btrfs: subvolumes, snapshots, and paths from everywhere."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from bootd.formats import scan
from bootd.linux.layers import LayeredView, mount_layers
from bootd.model.option import BootOption
from bootd.probe.mounter import open_device
from tests.support import loopdisk

pytestmark = pytest.mark.root

UBUNTU = "menuentry U {\nlinux /@/boot/vmlinuz root=UUID=x rootflags=subvol=@\n}"

SUSE = """btrfs_relative_path=y
export btrfs_relative_path
menuentry S { linux /boot/vmlinuz-2 root=UUID=x }
if [ -f /.snapshots/grub-snapshot.cfg ]; then source /.snapshots/grub-snapshot.cfg; fi
"""

SNAPSHOT = """submenu "Snapshots" {
  menuentry "2024-05-01" {
    btrfs_subvol=/@/.snapshots/2/snapshot
    export btrfs_subvol
    extra_cmdline="rootflags=subvol=@/.snapshots/2/snapshot"
    export extra_cmdline
    configfile /.snapshots/2/snapshot/boot/grub2/grub.cfg
  }
}
"""


@contextmanager
def disk(
    folder: Path, subvolumes: tuple[str, ...], files: Mapping[str, str], default: str = ""
) -> Iterator[str]:
    """Give the node of a loop device with these subvolumes, the parents first, and files."""
    image = loopdisk.make_empty(folder / "image", "btrfs")
    place = folder / "mounted"
    place.mkdir()
    with loopdisk.attached(image, read_only=False) as name:
        node = f"/dev/{name}"
        subprocess.run(["mount", "-t", "btrfs", node, str(place)], check=True, timeout=30)
        try:
            for each in subvolumes:
                (place / each).parent.mkdir(parents=True, exist_ok=True)
                btrfs("create", place / each)
            loopdisk.make_tree(place, files)
            if default:
                btrfs("set-default", place / default)
        finally:
            subprocess.run(["umount", str(place)], check=True, timeout=30)
        yield node


def btrfs(verb: str, path: Path) -> None:
    argv = ["btrfs", "subvolume", verb, str(path)]
    subprocess.run(argv, check=True, capture_output=True, timeout=30)


def found(node: str) -> tuple[BootOption, ...]:
    """Scan as a worker would, and see that every kernel can be opened where it is said to be."""
    view, open_file, _ = open_device(node, "btrfs")
    result = scan(view)
    assert result.problems == ()
    for option in result.options:
        assert option.linux is not None
        assert option.absent == ()
        os.close(open_file(option.linux.path))
    assert isinstance(view, LayeredView)
    for each in view._layers:
        os.close(each._fd)
    return result.options


@pytest.mark.parametrize("default", ["", "@"])
def test_ubuntu_is_found_whichever_subvolume_is_the_default(tmp_path: Path, default: str) -> None:
    files = {"/@/boot/grub/grub.cfg": UBUNTU, "/@/boot/vmlinuz": "k"}
    with disk(tmp_path, ("@", "@home"), files, default) as node:
        (option,) = found(node)
    assert option.title == "U"
    assert option.cmdline == "root=UUID=x rootflags=subvol=@"


def test_extlinux_of_debian_is_found_in_its_subvolume(tmp_path: Path) -> None:
    conf = "label l0\n\tlinux /boot/vmlinuz\n\tinitrd /boot/initrd.img\n"
    files = {
        "/@rootfs/boot/extlinux/extlinux.conf": conf,
        "/@rootfs/boot/vmlinuz": "k",
        "/@rootfs/boot/initrd.img": "i",
    }
    with disk(tmp_path, ("@rootfs",), files) as node:
        (option,) = found(node)
    assert (option.format, option.source) == ("extlinux", "/boot/extlinux/extlinux.conf")


def test_entries_of_fedora_are_found_in_its_subvolume(tmp_path: Path) -> None:
    files = {
        "/root/boot/loader/entries/a.conf": "title F\nlinux /boot/vmlinuz\noptions q\n",
        "/root/boot/vmlinuz": "k",
    }
    with disk(tmp_path, ("root", "home"), files) as node:
        (option,) = found(node)
    assert (option.format, option.title) == ("bls", "F")


def test_a_home_directory_called_root_is_no_subvolume(tmp_path: Path) -> None:
    files = {"/root/boot/loader/entries/a.conf": "title F\nlinux /k\n", "/root/k": "k"}
    with disk(tmp_path, (), files) as node:
        assert found(node) == ()


def test_snapshots_of_opensuse_boot_with_their_own_files(tmp_path: Path) -> None:
    snapshots = "@/.snapshots"
    files = {
        f"/{snapshots}/1/snapshot/boot/grub2/grub.cfg": SUSE,
        f"/{snapshots}/1/snapshot/boot/vmlinuz-2": "k",
        f"/{snapshots}/grub-snapshot.cfg": SNAPSHOT,
        f"/{snapshots}/2/snapshot/boot/grub2/grub.cfg": (
            "btrfs_relative_path=y\n"
            "menuentry S { linux /boot/vmlinuz-1 root=UUID=x ${extra_cmdline} }\n"
        ),
        f"/{snapshots}/2/snapshot/boot/vmlinuz-1": "k",
    }
    subvolumes = ("@", snapshots, f"{snapshots}/1/snapshot", f"{snapshots}/2/snapshot")
    with disk(tmp_path, subvolumes, files, f"{snapshots}/1/snapshot") as node:
        now, then = found(node)
    assert (now.title, now.submenu, now.cmdline) == ("S", (), "root=UUID=x")
    assert (then.title, then.submenu) == ("S", ("Snapshots", "2024-05-01"))
    assert then.cmdline == "root=UUID=x rootflags=subvol=@/.snapshots/2/snapshot"


def test_a_disk_that_the_system_has_mounted_is_seen(tmp_path: Path) -> None:
    files = {"/@/boot/grub/grub.cfg": UBUNTU, "/@/boot/vmlinuz": "k"}
    with disk(tmp_path, ("@",), files) as node:
        place = tmp_path / "mounted"
        subprocess.run(["mount", "-o", "subvol=@", node, str(place)], check=True, timeout=30)
        try:
            (option,) = found(node)
        finally:
            subprocess.run(["umount", str(place)], check=True, timeout=30)
    assert option.title == "U"


def test_the_default_subvolume_hides_what_others_have(tmp_path: Path) -> None:
    files = {"/@/which": "root", "/live/which": "default", "/which": "top", "/only": "top"}
    with disk(tmp_path, ("@", "live"), files, "live") as node:
        fds = mount_layers(node)
        view = LayeredView(fds, one_mount=True)
        assert (view.read("/which"), view.read("/only")) == (b"default", b"top")
        assert view.list_dir("/") == ("which",)
        assert (view.is_dir("/live"), view.is_dir("/none")) == (True, False)
        with pytest.raises(FileNotFoundError):
            view.identity("/none")
        for fd in fds:
            os.close(fd)
