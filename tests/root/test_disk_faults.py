"""Disks that die, are pulled out, lie or are of an odd kind; a whole daemon, and no other suffers.

In a guest, see tests/support/disksguest.py: the device mapper plays the broken disks. The times are
those of an emulated processor, ten times slower than a board.
"""

import os
import random
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support import loopdisk
from tests.support.loopdisk import digest
from tests.support.rawdaemon import RawDaemon, running
from tests.support.udevd import settle

pytestmark = [pytest.mark.dm, pytest.mark.timeout(300)]

GOOD_MENU_S = 20.0
DEAD = 4
GOOD = 3
CUTS = 40
DAMAGED = 12


def sh(*words: str, stdin: str = "") -> str:
    done = subprocess.run(
        words, input=stdin, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


def entry(title: str) -> dict[str, str]:
    return {"/loader/entries/a.conf": f"title {title}\nlinux /vmlinuz\n", "/vmlinuz": "kernel"}


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[RawDaemon]:
    async with running(tmp_path) as daemon:
        yield daemon
        assert daemon.process.poll() is None, daemon.output()
        assert "Traceback" not in daemon.output()


@contextmanager
def mapped(name: str, *lines: str) -> Iterator[str]:
    """Make a device of the device mapper's and give its kernel name."""
    sh("dmsetup", "create", name, stdin="\n".join(lines))
    try:
        yield Path(f"/dev/mapper/{name}").resolve().name
    finally:
        sh("dmsetup", "remove", "--retry", name)


@contextmanager
def disk(folder: Path, title: str) -> Iterator[tuple[str, int]]:
    """Attach a disk with one entry; give its node and its sectors."""
    image = loopdisk.make_image(folder / f"{title}.image", entry(title))
    with loopdisk.attached(image, read_only=False) as name:
        yield f"/dev/{name}", image.stat().st_size // 512


@contextmanager
def dead(folder: Path, title: str) -> Iterator[str]:
    """Attach a disk that stops to answer right after udev has looked at it."""
    with (
        disk(folder, title) as (node, sectors),
        mapped(title, f"0 {sectors} linear {node} 0") as name,
    ):
        settle()
        sh("dmsetup", "suspend", "--nolockfs", title)
        try:
            yield name
        finally:
            sh("dmsetup", "resume", title)


def process_state(pid: int) -> str:
    """Return the letter that ps(1) shows, D for who waits in the kernel."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


async def test_dead_disks_keep_nobody_from_the_others(tmp_path: Path) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(dead(tmp_path, f"dead{n}")) for n in range(DEAD)]
        good = [stack.enter_context(disk(tmp_path, f"good{n}"))[0] for n in range(GOOD)]
        settle()
        began = time.monotonic()
        async with running(tmp_path) as daemon:
            for number in range(GOOD):
                await daemon.until_there(f"good{number}")
            assert time.monotonic() - began < GOOD_MENU_S
            await daemon.until(
                "all dead disks told",
                lambda devices: all(devices[name].state == "failed" for name in silent),
            )
            said = [(await daemon.devices())[name].problems[0].message for name in silent]
            assert {text.split(":")[0] for text in said} <= {
                "does not answer", "was not read within 5 s",
            }  # fmt: skip
            assert process_state(daemon.process.pid) != "D"
            late = stack.enter_context(disk(tmp_path, "late"))
            await daemon.until_there("late")
        assert good
        assert late


async def test_a_disk_that_comes_back_to_life_is_shown(daemon: RawDaemon, tmp_path: Path) -> None:
    with (
        disk(tmp_path, "slow") as (node, sectors),
        mapped("slow", f"0 {sectors} linear {node} 0") as name,
    ):
        await daemon.until_there("slow")
        sh("dmsetup", "suspend", "--nolockfs", "slow")
        await daemon.client.rescan()
        await daemon.until("told", lambda devices: devices[name].state == "failed")
        sh("dmsetup", "resume", "slow")
        await daemon.client.rescan()
        await daemon.until("shown", lambda devices: devices[name].state == "ready")


async def test_a_disk_that_is_pulled_in_the_middle_of_a_scan_leaves_nothing(
    daemon: RawDaemon, tmp_path: Path
) -> None:
    rng = random.Random(5)  # noqa: S311 - repeatable on purpose
    with disk(tmp_path, "cut") as (node, sectors):
        for _ in range(CUTS):
            cut = rng.randrange(8, sectors)
            lines = (f"0 {cut} linear {node} 0", f"{cut} {sectors - cut} error")
            with mapped("cut", *lines) as name:
                await daemon.until(
                    "looked at",
                    lambda devices: name not in devices or devices[name].state != "probing",
                )
            await daemon.until("gone", lambda devices: name not in devices)
    await daemon.until("all gone", lambda devices: not devices)
    assert await daemon.options() == ()


@pytest.mark.parametrize("fstype", ["ext4", "vfat", "xfs", "btrfs", "f2fs"])
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
    assert "BUG:" not in sh("dmesg")


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


async def test_a_medium_that_cannot_be_written_shows_what_its_journal_holds(
    daemon: RawDaemon, tmp_path: Path
) -> None:
    live, copy = loopdisk.make_image(tmp_path / "live", entry("old")), tmp_path / "copy"
    place = tmp_path / "place"
    place.mkdir()
    with loopdisk.attached(live, read_only=False) as name:
        sh("mount", f"/dev/{name}", str(place))
        with (place / "loader/entries/b.conf").open("wb", buffering=0) as file:
            file.write(b"title new\nlinux /vmlinuz\n")
            os.fsync(file.fileno())
        copy.write_bytes(live.read_bytes())
        sh("umount", str(place))
    await daemon.until("gone", lambda devices: not devices)
    with loopdisk.attached(copy, read_only=True):
        await daemon.until_titles("old", "new")
