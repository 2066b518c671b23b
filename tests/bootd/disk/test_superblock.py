"""File systems made by their own tools are told apart as blkid does it."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.disk.superblock import Identity, identify

UUID = "5c3d1c2e-6f0b-4f3e-9a68-8e0f2a7b1c11"

TOOLS = {
    "ext2": ["mkfs.ext2", "-q", "-U", UUID, "-L", "boot"],
    "ext3": ["mkfs.ext3", "-q", "-U", UUID, "-L", "boot"],
    "ext4": ["mkfs.ext4", "-q", "-U", UUID, "-L", "boot"],
    "vfat": ["mkfs.vfat", "-F", "32", "-i", "1234abcd", "-n", "BOOT"],
    "btrfs": ["mkfs.btrfs", "-q", "-f", "-U", UUID, "-L", "boot"],
    "xfs": ["mkfs.xfs", "-q", "-m", f"uuid={UUID}", "-L", "boot"],
}


class Bytes:
    """A ByteSource in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read_at(self, offset: int, size: int, /) -> bytes:
        return self.data[offset : offset + size] if offset >= 0 and size > 0 else b""


def blkid(image: Path) -> Identity:
    argv = ["blkid", "-p", "-o", "export", str(image)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=20)
    found = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    return Identity(found["TYPE"], found.get("UUID", ""), found.get("LABEL", ""))


@pytest.mark.parametrize("fstype", TOOLS)
def test_a_file_system_is_identified_as_blkid_does(fstype: str, tmp_path: Path) -> None:
    image = tmp_path / "fs.img"
    with image.open("wb") as file:
        file.truncate((512 if fstype == "xfs" else 128) << 20)
    subprocess.run([*TOOLS[fstype], image], check=True, capture_output=True, timeout=30)
    with image.open("rb") as file:
        found = identify(Bytes(file.read(1 << 20)))
    assert found == blkid(image)
    assert found is not None
    assert found.fstype == fstype


def test_a_squashfs_is_identified(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    image = tmp_path / "fs.img"
    argv = ["mksquashfs", str(tmp_path / "tree"), str(image), "-quiet", "-no-progress"]
    subprocess.run(argv, check=True, capture_output=True, timeout=30)
    assert identify(Bytes(image.read_bytes())) == Identity("squashfs")


def made(*parts: tuple[int, bytes]) -> Bytes:
    """Return a volume with these bytes at these offsets, where no tool can make a real one."""
    data = bytearray(70_000)
    for offset, part in parts:
        data[offset : offset + len(part)] = part
    return Bytes(bytes(data))


def test_an_iso9660_is_identified_by_label_and_date() -> None:
    volume = made(
        (32768, b"\x01CD001"),
        (32768 + 40, b"Debian 12 arm64 n".ljust(32)),
        (32768 + 813, b"2023061012345600\0"),
    )
    assert identify(volume) == Identity("iso9660", "2023-06-10-12-34-56-00", "Debian 12 arm64 n")


def test_f2fs_and_erofs_are_identified() -> None:
    raw = bytes.fromhex(UUID.replace("-", ""))
    f2fs = made(
        (1024, b"\x10\x20\xf5\xf2"), (1024 + 108, raw), (1024 + 124, "kärt".encode("utf-16-le"))
    )
    erofs = made((1024, b"\xe2\xe1\xf5\xe0"), (1024 + 48, raw), (1024 + 64, b"system"))
    assert identify(f2fs) == Identity("f2fs", UUID, "kärt")
    assert identify(erofs) == Identity("erofs", UUID, "system")


def test_a_label_cannot_steer_the_terminal() -> None:
    volume = made((1024, b"\xe2\xe1\xf5\xe0"), (1024 + 64, b"\x1b[2J"))
    assert identify(volume) == Identity("erofs", "", "\\x1b[2J")


@given(st.binary(max_size=2048))
def test_any_bytes_are_something_or_nothing(data: bytes) -> None:
    found = identify(Bytes(data))
    assert found is None or found.fstype
