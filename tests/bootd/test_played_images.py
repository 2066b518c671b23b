"""Disk images in the directory of `bootd --machine`: anybody may play, without root."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bootd.client import Client
from tests.support.daemon import EXTLINUX, running_daemon, write_tree
from tests.support.waiting import eventually

TITLE = "Debian GNU/Linux 12 (bookworm)"


def ext4(tree: Path, image: Path) -> Path:
    command = ["mke2fs", "-q", "-t", "ext4", "-L", "card", "-d", str(tree), str(image), "16M"]
    subprocess.run(command, check=True, timeout=30, capture_output=True)
    return image


def vfat(tree: Path, image: Path) -> Path:
    image.touch()
    os.truncate(image, 16 << 20)
    subprocess.run(["mkfs.vfat", "-n", "card", image], check=True, timeout=30, capture_output=True)
    parts = [str(path) for path in tree.iterdir()]
    environment = os.environ | {"MTOOLS_SKIP_CHECK": "1"}
    command = ["mcopy", "-s", "-i", str(image), *parts, "::"]
    subprocess.run(command, check=True, timeout=30, env=environment)
    return image


def gpt(tree: Path, image: Path) -> Path:
    """A disk with two partitions, the second of which has the file system."""
    inner = ext4(tree, image.with_suffix(".part"))
    image.touch()
    os.truncate(image, 32 << 20)
    table = "label: gpt\nstart=2048,size=2048,type=uefi\nstart=8192,size=32768,type=linux\n"
    command = ["sfdisk", "-q", str(image)]
    subprocess.run(command, check=True, timeout=30, input=table, text=True)
    with image.open("r+b") as file:
        file.seek(8192 * 512)
        file.write(inner.read_bytes())
    return image


@pytest.mark.parametrize(
    ("make", "name"), [(ext4, "card"), (vfat, "card"), (gpt, "card2")], ids=["ext4", "vfat", "gpt"]
)
async def test_an_image_is_a_disk_for_as_long_as_it_is_there(
    tmp_path: Path, make: Callable[[Path, Path], Path], name: str
) -> None:
    write_tree(tmp_path / "content", EXTLINUX)
    image = make(tmp_path / "content", tmp_path / "card.img")
    with running_daemon(tmp_path / "machine") as daemon:
        async with await Client.connect(daemon.socket) as client:
            plugged = image.rename(daemon.machine / "card.img")

            async def titles() -> list[str]:
                return [option.title for option in await client.list_options()]

            assert TITLE in await eventually(titles)
            (disk,) = (await client.snapshot()).devices
            assert (disk.name, disk.label.lower()) == (name, "card")
            option = next(o for o in await client.list_options() if o.title == TITLE)
            reply = await client.boot(option.id)
            assert (reply.loader, reply.executed) == ("dry_run", False)
            plugged.rename(tmp_path / "gone.img")

            async def is_empty() -> bool:
                return not await titles()

            await eventually(is_empty)
