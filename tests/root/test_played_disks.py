"""Disk images in the directory of `bootd --machine`: attached, listed, booted from, detached."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from bootd.client import Client
from tests.support.daemon import EXTLINUX, running_daemon, write_tree
from tests.support.waiting import eventually

pytestmark = pytest.mark.root


@pytest.fixture
def image(tmp_path: Path) -> Path:
    write_tree(tmp_path / "content", EXTLINUX)
    path = tmp_path / "card.img"
    command = [
        "mke2fs",
        "-q",
        "-t",
        "ext4",
        "-L",
        "card",
        "-d",
        str(tmp_path / "content"),
        str(path),
    ]
    subprocess.run([*command, "16M"], check=True, timeout=30, capture_output=True)
    return path


def move(path: Path, target: Path) -> Path:
    return path.rename(target)


def loops(path: Path) -> str:
    command = ["losetup", "-j", str(path)]
    return subprocess.run(command, check=True, timeout=10, capture_output=True, text=True).stdout


async def test_an_image_is_a_disk_for_as_long_as_it_is_there(tmp_path: Path, image: Path) -> None:
    with running_daemon(tmp_path / "machine") as daemon:
        async with await Client.connect(daemon.socket) as client:
            plugged = move(image, daemon.machine / "card.img")

            async def titles() -> list[str]:
                return [option.title for option in await client.list_options()]

            assert "Debian GNU/Linux 12 (bookworm)" in await eventually(titles)
            (disk,) = (await client.snapshot()).devices
            assert (disk.name, disk.fstype, disk.label) == ("card", "ext4", "card")
            gone = move(plugged, tmp_path / "gone.img")

            async def is_empty() -> bool:
                return not await titles()

            await eventually(is_empty)
            assert await eventually(lambda: asyncio.to_thread(lambda: not loops(gone)))


def test_nothing_stays_attached_after_the_daemon(tmp_path: Path, image: Path) -> None:
    machine = tmp_path / "machine"
    machine.mkdir()
    plugged = image.rename(machine / "card.img")
    with running_daemon(machine):
        assert "card.img" in loops(plugged)
    assert loops(plugged) == ""
