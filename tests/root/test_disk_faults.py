"""Disks that are damaged, lie, or are of an odd kind, and a whole daemon: nothing is written."""

import os
import random
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support import loopdisk
from tests.support.loopdisk import digest
from tests.support.rawdaemon import RawDaemon, running
from tests.support.udevd import settle, udevd

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

GOOD_MENU_S = 20.0
DAMAGED = 12


def sh(*words: str, stdin: str = "") -> str:
    done = subprocess.run(
        words, input=stdin, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


def entry(title: str) -> dict[str, str]:
    return {"/loader/entries/a.conf": f"title {title}\nlinux /vmlinuz\n", "/vmlinuz": "kernel"}


@pytest.fixture(scope="module", autouse=True)
def devices() -> Iterator[None]:
    with udevd():
        yield


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[RawDaemon]:
    async with running(tmp_path) as daemon:
        yield daemon
        assert daemon.process.poll() is None, daemon.output()
        assert "Traceback" not in daemon.output()


@pytest.mark.parametrize("fstype", ["ext4", "xfs", "btrfs"])
async def test_damaged_file_systems_are_told_and_never_written(
    daemon: RawDaemon, tmp_path: Path, fstype: str
) -> None:
    rng = random.Random(fstype)  # noqa: S311 - repeatable on purpose
    sound = loopdisk.make_empty(tmp_path / "sound", fstype)
    image = tmp_path / "damaged"
    for _ in range(DAMAGED):
        sh("cp", "--sparse=always", str(sound), str(image))
        with image.open("r+b") as file:
            for _ in range(rng.choice((3, 30, 300))):
                # Not the superblock, or nobody would know that it is a file system at all.
                file.seek(rng.choice((4096, 70_000)) + rng.randrange(2 << 20))
                file.write(rng.randbytes(rng.choice((1, 16, 512))))
        before = digest(image)
        began = time.monotonic()
        with loopdisk.attached(image, read_only=False) as name:
            sh("blockdev", "--setro", f"/dev/{name}")  # as in an initrd
            settle()
            await daemon.until(
                "looked at",
                lambda devices: name not in devices or devices[name].state != "probing",
            )
            sh("blockdev", "--setrw", f"/dev/{name}")
        await daemon.until("gone", lambda devices: not devices)
        assert time.monotonic() - began < 60
        assert digest(image) == before


async def test_sectors_of_four_kibibytes_are_no_obstacle(daemon: RawDaemon, tmp_path: Path) -> None:
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(64 << 20)
    tree = tmp_path / "tree"
    loopdisk.make_tree(tree, entry("large sectors"))
    node = sh("losetup", "--sector-size", "4096", "-f", "--show", str(image)).strip()
    try:
        sh("mkfs.ext4", "-q", "-F", "-b", "4096", "-d", str(tree), node)
        await daemon.until_titles("large sectors")
    finally:
        sh("losetup", "-d", node)


async def test_a_fifo_a_socket_and_links_out_of_it_are_no_configuration(
    daemon: RawDaemon, tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    loopdisk.make_tree(tree, entry("good"))
    (tree / "boot/grub").mkdir(parents=True)
    os.mkfifo(tree / "boot/grub/grub.cfg")
    (tree / "extlinux").mkdir()
    (tree / "extlinux/extlinux.conf").symlink_to("/proc/self/root/etc/extlinux.conf")
    (tree / "loader/entries/b.conf").symlink_to("../../../../../../etc/passwd")
    (tree / "loader/entries/c.conf").write_text("title half wri")
    os.mknod(tree / "config.txt", 0o20666, os.makedev(1, 5))
    image = tmp_path / "image"
    sh("mkfs.ext4", "-q", "-F", "-d", str(tree), str(image), "16M")
    began = time.monotonic()
    with loopdisk.attached(image, read_only=False) as name:
        await daemon.until_there("good")
        assert time.monotonic() - began < GOOD_MENU_S
        await daemon.until("scanned", lambda devices: devices[name].state == "ready")
        titles = {option.title for option in await daemon.options()}
        assert not any("root:" in title for title in titles)
