"""Previews: images read without a mount, by real workers of a real zygote; no root is needed."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bootd.errors import ProbeError
from bootd.linux.mount import FILE_SYSTEMS
from bootd.model.device import BlockDevice
from bootd.probe import preview, waiting
from bootd.probe.prober import Prober
from bootd.probe.tasks import tables
from bootd.protocol.codec import Json
from bootd.record import replace
from tests.support import loopdisk

UUID = "0f0e0d0c-0b0a-4909-8807-060504030201"
CONFIG = "default linux\nlabel linux\n  kernel /vmlinuz\n  append root=/dev/vda1\n"
GOOD = {"/extlinux/extlinux.conf": CONFIG, "/vmlinuz": "kernel"}
TYPES = (*FILE_SYSTEMS,)
S_STATE_AND_INCOMPAT = 1024 + 0x60
"""s_feature_incompat of the ext4 superblock; bit 2 says that the journal waits."""


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return loopdisk.make_image(tmp_path / "image", GOOD, uuid=UUID)


def read(image: Path, types: tuple[str, ...] = TYPES) -> Json:
    fd = os.open(image, os.O_RDONLY)
    try:
        return preview.read(fd, types)
    finally:
        os.close(fd)


def test_a_device_is_read_and_identified(image: Path) -> None:
    seen = read(image)
    assert isinstance(seen, dict)
    assert (seen["fstype"], seen["uuid"]) == ("ext4", UUID)


def test_a_file_system_that_may_not_be_looked_at_is_not(image: Path) -> None:
    assert read(image, ("vfat",)) is None


def test_a_file_system_without_a_reader_waits_for_its_mount(tmp_path: Path) -> None:
    assert read(loopdisk.make_empty(tmp_path / "xfs", "xfs")) is None


def test_a_waiting_journal_waits_for_the_mount(image: Path) -> None:
    with image.open("r+b") as file:
        file.seek(S_STATE_AND_INCOMPAT)
        flags = file.read(1)[0]
        file.seek(S_STATE_AND_INCOMPAT)
        file.write(bytes([flags | 4]))
    assert read(image) is None


@pytest.mark.parametrize(
    "files",
    [{"/file": "text"}, {**GOOD, "/loader/entries/a.conf": "linux\n"}],
    ids=["no options", "a problem"],
)
def test_what_is_doubtful_waits_for_the_mount(tmp_path: Path, files: dict[str, str]) -> None:
    assert read(loopdisk.make_image(tmp_path / "image", files)) is None


def test_a_member_of_an_array_is_not_believed(image: Path) -> None:
    seen = read(image)
    device = BlockDevice(name="sda1", node="/dev/sda1", fstype="ext4", uuid=UUID)
    assert preview.believe(seen, device) is not None
    for other in ("linux_raid_member", "crypto_LUKS", "LVM2_member"):
        assert preview.believe(seen, replace(device, fstype=other)) is None


@pytest_asyncio.fixture
async def prober() -> AsyncIterator[Prober]:
    made = Prober.start(tables())
    await made.early_devices()
    yield made
    await made.close()


def device(image: Path, node: str = "") -> BlockDevice:
    """Describe the image; with a node that is not there only a preview can have read it."""
    return BlockDevice(name="sda1", node=node or str(image), fstype="ext4", uuid=UUID)


async def begin(prober: Prober, image: Path) -> None:
    """Start a preview as soon as there is a spare worker."""
    deadline = time.monotonic() + 20
    while not prober.preview("sda1", str(image), TYPES):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_a_scan_takes_what_the_preview_has_read(prober: Prober, image: Path) -> None:
    await begin(prober, image)
    result = await prober.scan(device(image, node="/dev/none"))
    assert [option.title for option in result.options] == ["linux"]
    assert not result.problems


async def test_it_is_what_a_scan_finds(prober: Prober, image: Path) -> None:
    await begin(prober, image)
    assert await prober.scan(device(image, node="/dev/none")) == await prober.scan(device(image))


async def test_another_file_system_than_udev_names_is_scanned(prober: Prober, image: Path) -> None:
    other = loopdisk.make_image(image.with_name("other"), {"/file": "text"})
    await begin(prober, other)
    assert len((await prober.scan(device(image))).options) == 1


async def test_a_preview_is_used_once(prober: Prober, image: Path) -> None:
    await begin(prober, image)
    await prober.scan(device(image, node="/dev/none"))
    with pytest.raises(ProbeError):
        await prober.scan(device(image, node="/dev/none"))


async def test_a_device_that_changes_meanwhile_is_scanned(prober: Prober, image: Path) -> None:
    await begin(prober, image)
    assert not prober.preview("sda1", str(image), TYPES)
    with pytest.raises(ProbeError):
        await prober.scan(device(image, node="/dev/none"))


async def test_a_preview_that_fails_costs_nothing(prober: Prober, image: Path) -> None:
    await begin(prober, image.with_name("missing"))
    assert len((await prober.scan(device(image))).options) == 1


async def test_nobody_asking_ends_its_worker(
    prober: Prober, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "KEPT_S", 0.05)
    await begin(prober, image)
    await asyncio.sleep(0.5)
    assert len((await prober.scan(device(image))).options) == 1
    assert prober.lost == 0
