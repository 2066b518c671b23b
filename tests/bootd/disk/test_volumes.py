"""Images made by the real tools come back file for file; damaged ones are refused in words."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootd.disk.ext import ExtVolume
from bootd.disk.fat import FatVolume
from bootd.disk.volume import Volume, VolumeView
from bootd.errors import ConfigLimitError

FILES = {
    "extlinux/extlinux.conf": b"label a\n",
    "EFI/Linux/a very long file name for fat.efi": bytes(range(256)) * 300,
    "loader/entries/debian.conf": b"title Debian\n",
    "empty": b"",
    "README.TXT": b"upper\n",
}


class Bytes:
    """A ByteSource in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read_at(self, offset: int, size: int, /) -> bytes:
        return self.data[offset : offset + size] if offset >= 0 and size > 0 else b""


def tree(root: Path) -> Path:
    for name, data in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def make_fat(tmp: Path, size: int, *options: str) -> bytes:
    image = tmp / "fat.img"
    image.write_bytes(b"")
    os.truncate(image, size)
    subprocess.run(["mkfs.vfat", *options, image], check=True, capture_output=True)
    root = tree(tmp / "tree")
    parts = [str(path) for path in root.iterdir()]
    env = os.environ | {"MTOOLS_SKIP_CHECK": "1"}
    subprocess.run(["mcopy", "-s", "-i", image, *parts, "::"], check=True, env=env)
    return image.read_bytes()


def make_ext(tmp: Path, kind: str, *options: str) -> bytes:
    image, root = tmp / "ext.img", tree(tmp / "tree")
    (root / "vmlinuz").symlink_to("/EFI/Linux/a very long file name for fat.efi")
    (root / "up").symlink_to("../../../../extlinux/extlinux.conf")
    (root / "loop").symlink_to("loop")
    (root / "outside").symlink_to("/etc/passwd")
    os.mkfifo(root / "fifo")
    for number in range(400):
        (root / "extlinux" / f"entry-{number:04}-with-a-long-name").write_bytes(b"x" * number)
    with (root / "sparse").open("wb") as file:
        file.seek(3_000_000)
        file.write(b"end")
    subprocess.run(
        ["mke2fs", "-q", "-t", kind, *options, "-d", root, image, "24M"],
        check=True,
        capture_output=True,
    )
    return image.read_bytes()


FATS = {
    "fat12": (2 << 20, ("-F", "12")),
    "fat16": (24 << 20, ("-F", "16")),
    "fat32": (64 << 20, ("-F", "32", "-s", "1")),
    "fat32-4k": (300 << 20, ("-F", "32", "-S", "4096")),
}
EXTS = {
    "ext2": ("ext2", ()),
    "ext3-1k": ("ext3", ("-b", "1024")),
    "ext4": ("ext4", ()),
    "ext4-64bit-4k": ("ext4", ("-b", "4096", "-O", "64bit,metadata_csum")),
    "ext4-inline": ("ext4", ("-O", "inline_data", "-I", "256")),
}


def check_files(view: VolumeView) -> None:
    for name, data in FILES.items():
        assert view.read(f"/{name}") == data
        assert view.is_file(f"/{name}")
        assert view.identity(f"/{name}")[1] == len(data)
    assert {"EFI", "extlinux", "loader", "empty", "README.TXT"} <= set(view.list_dir("/"))
    assert view.list_dir("/nowhere") == ()
    assert view.is_dir("/EFI/Linux")
    with pytest.raises(FileNotFoundError):
        view.read("/EFI/missing")
    with pytest.raises(OSError, match="not a regular file"):
        view.read("/EFI")


@pytest.mark.parametrize("case", FATS)
def test_every_file_of_a_fat_volume_is_read_back(case: str, tmp_path: Path) -> None:
    size, options = FATS[case]
    view = VolumeView(FatVolume(Bytes(make_fat(tmp_path, size, *options))))
    check_files(view)
    assert (
        view.read("/Efi/LINUX/A very long file name for FAT.efi")
        == FILES["EFI/Linux/a very long file name for fat.efi"]
    )


@pytest.mark.parametrize("case", EXTS)
def test_every_file_of_an_ext_volume_is_read_back(case: str, tmp_path: Path) -> None:
    kind, options = EXTS[case]
    view = VolumeView(ExtVolume(Bytes(make_ext(tmp_path, kind, *options))))
    check_files(view)
    assert view.read("/vmlinuz") == FILES["EFI/Linux/a very long file name for fat.efi"]
    assert view.read("/up") == FILES["extlinux/extlinux.conf"]
    assert view.read("/sparse", 4 << 20) == bytes(3_000_000) + b"end"
    assert view.read_head("/sparse", 10) == bytes(10)
    assert view.read("/extlinux/entry-0399-with-a-long-name") == b"x" * 399
    assert len(view.list_dir("/extlinux")) == 401


def test_links_and_special_files_never_lead_out_of_an_ext_volume(tmp_path: Path) -> None:
    view = VolumeView(ExtVolume(Bytes(make_ext(tmp_path, "ext4"))))
    with pytest.raises(FileNotFoundError):
        view.read("/outside")
    with pytest.raises(OSError, match="too many symbolic links"):
        view.read("/loop")
    with pytest.raises(OSError, match="not a regular file"):
        view.read("/fifo")
    with pytest.raises(ConfigLimitError, match="more than the 100 allowed"):
        view.read("/sparse", 100)


def test_a_feature_that_changes_the_layout_is_refused_by_name(tmp_path: Path) -> None:
    data = bytearray(make_ext(tmp_path, "ext4"))
    data[1024 + 96 + 2] |= 0x02
    with pytest.raises(OSError, match="feature casefold is not supported"):
        ExtVolume(Bytes(bytes(data)))


@pytest.fixture(scope="module")
def small_images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    one, two = tmp_path_factory.mktemp("fat"), tmp_path_factory.mktemp("ext")
    return {"fat": make_fat(one, 2 << 20, "-F", "12"), "ext": make_ext(two, "ext4")}


def walk(make: Callable[[Bytes], Volume], data: bytes) -> None:
    """Read everything that can be read; only the errors of the contract may come out."""
    try:
        view = VolumeView(make(Bytes(data)))
        for name in view.list_dir("/")[:50]:
            try:
                view.read(f"/{name}")
            except (OSError, ConfigLimitError):
                view.list_dir(f"/{name}")
    except OSError:
        return


@pytest.mark.parametrize("kind", ["fat", "ext"])
@settings(
    max_examples=150, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    changes=st.lists(
        st.tuples(st.integers(0, 64 << 10), st.integers(0, 255)), min_size=1, max_size=40
    ),
    cut=st.integers(0, 2 << 20) | st.none(),
)
def test_a_damaged_volume_is_an_error_never_a_crash(
    small_images: dict[str, bytes], kind: str, changes: list[tuple[int, int]], cut: int | None
) -> None:
    data = bytearray(small_images[kind])
    for offset, value in changes:
        data[offset] = value
    readers: dict[str, Callable[[Bytes], Volume]] = {"fat": FatVolume, "ext": ExtVolume}
    walk(readers[kind], bytes(data[:cut]))
