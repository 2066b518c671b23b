"""The line from a real udev event to boot options: udevd, zygote, workers, mounts, formats."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bootd.linux.udev import UdevSource
from bootd.probe.prober import Prober
from bootd.probe.spawn import spawn
from bootd.probe.task import Tables
from bootd.probe.tasks import tables
from bootd.services.discovery import Discovery
from tests.support import loopdisk, probing
from tests.support.sinks import RecordingSink
from tests.support.udevd import settle, udevd

pytestmark = pytest.mark.root

EXTLINUX = """\
default linux
label linux
    menu label Linux on {name}
    kernel /vmlinuz
    append root=/dev/vda1 quiet
"""


@pytest.fixture(scope="module", autouse=True)
def _udevd() -> Iterator[None]:
    with udevd():
        yield


@dataclass(frozen=True, kw_only=True)
class Rig:
    sink: RecordingSink
    prober: Prober


@asynccontextmanager
async def running(made: Tables, *, early: bool = False) -> AsyncIterator[Rig]:
    prober = Prober.adopt(spawn(lambda: made, early=early), early=early)
    source = UdevSource(await prober.early_devices())
    sink = RecordingSink()
    task = asyncio.get_running_loop().create_task(Discovery(source, prober, sink).run())
    yield Rig(sink=sink, prober=prober)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await prober.close()


def bootable(tmp_path: Path, name: str) -> Path:
    files = {"/extlinux/extlinux.conf": EXTLINUX.format(name=name), "/vmlinuz": "kernel"}
    return loopdisk.make_image(tmp_path / name, files, label=name)


@pytest.mark.parametrize("early", [False, True], ids=["late", "early"])
async def test_options_of_disks_that_are_there_are_found(tmp_path: Path, *, early: bool) -> None:
    with ExitStack() as stack:
        names = {
            stack.enter_context(loopdisk.attached(bootable(tmp_path, f"disk{number}"))): number
            for number in range(6)
        }
        settle()
        async with running(tables(), early=early) as rig:
            await rig.sink.until(lambda: names.keys() <= rig.sink.scanned.keys())
            for name, number in names.items():
                (option,) = rig.sink.scanned[name].options
                assert option.title == f"Linux on disk{number}"
                assert rig.sink.calls.count(f"scanned {name}") == 1


async def test_a_disk_is_found_when_plugged_and_forgotten_when_unplugged(tmp_path: Path) -> None:
    async with running(tables()) as rig:
        await asyncio.sleep(0.2)
        with loopdisk.attached(bootable(tmp_path, "late")) as name:
            await rig.sink.until(lambda: name in rig.sink.scanned)
        await rig.sink.until(lambda: name not in rig.sink.present)
        assert name not in rig.sink.scanned


async def test_a_disk_unplugged_while_it_is_read_is_forgotten(tmp_path: Path) -> None:
    image = loopdisk.make_image(tmp_path / "slow", {"/entries/a": "sleep"})
    async with running(probing.TABLES) as rig:
        await asyncio.sleep(0.2)
        with loopdisk.attached(image) as name:
            await rig.sink.until(lambda: name in rig.sink.present)
            await asyncio.sleep(0.1)
            # The mount holds the device; the source hears of its end as of a pulled disk.
            os.write(fd := os.open(f"/sys/class/block/{name}/uevent", os.O_WRONLY), b"remove")
            os.close(fd)
            await rig.sink.until(lambda: name not in rig.sink.present)
            assert name not in rig.sink.scanned
            assert name not in rig.sink.failed


async def test_a_disk_that_crashes_its_worker_costs_only_itself(tmp_path: Path) -> None:
    bad = loopdisk.make_image(tmp_path / "bad", {"/entries/a": "crash"})
    good = loopdisk.make_image(tmp_path / "good", {"/entries/a": ""})
    with loopdisk.attached(bad) as bad_name, loopdisk.attached(good) as good_name:
        settle()
        async with running(probing.TABLES) as rig:
            await rig.sink.until(lambda: good_name in rig.sink.scanned)
            await rig.sink.until(lambda: bad_name in rig.sink.failed)
            assert "SIGSEGV" in rig.sink.failed[bad_name]


async def test_a_disk_with_a_broken_file_system_is_told_in_words(tmp_path: Path) -> None:
    image = bootable(tmp_path, "broken")
    data = bytearray(image.read_bytes())
    data[2048:4096] = b"\xff" * 2048  # the group descriptors; the superblock stays good for blkid
    image.write_bytes(data)
    with loopdisk.attached(image) as name:
        settle()
        async with running(tables()) as rig:
            await rig.sink.until(lambda: name in rig.sink.failed)
            assert "the file system is damaged" in rig.sink.failed[name]


async def test_discovery_that_ends_leaves_no_process(tmp_path: Path) -> None:
    image = loopdisk.make_image(tmp_path / "slow", {"/entries/a": "sleep"})
    with loopdisk.attached(image) as name:
        settle()
        async with running(probing.TABLES) as rig:
            await rig.sink.until(lambda: name in rig.sink.present)
            await asyncio.sleep(0.2)
            pid = rig.prober._pid
            workers = children(pid)
            assert workers
        settle()
    assert not [process for process in (pid, *workers) if exists(process)]


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
