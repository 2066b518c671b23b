"""Storms of udev events and many devices, against a real daemon: exact afterwards, and idle."""

import asyncio
import errno
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bootd.linux import loop
from tests.support import loopdisk
from tests.support.rawdaemon import RawDaemon, running
from tests.support.udevd import settle, udevd

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]

CHANGES = 20_000
PAIRS = 5_000
BATCH = 250
"""Pairs between two waits for udevd, which takes some milliseconds for each event."""
DEVICES = 64

IDLE_AFTER_S = 2.0
WINDOW_S = 2.0
BUSY_SHARE = 0.1
"""Of one processor: what counts as idle."""
MAX_KIB = 120 << 10
"""Resident memory of all of bootd's processes, pages that they share counted once (PSS)."""


@pytest.fixture(autouse=True)
def _udevd() -> Iterator[None]:
    with udevd():
        yield


def entry(title: str) -> dict[str, str]:
    return {"/loader/entries/a.conf": f"title {title}\nlinux /k\n", "/k": "kernel"}


def processes(daemon: RawDaemon) -> list[int]:
    """Return the daemon and everything below it."""
    found = [daemon.process.pid]
    for pid in found:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        found += [int(word) for word in text.split()]
    return found


def used_s(daemon: RawDaemon) -> float:
    """Return the processor time of daemon and zygote, their ended workers included."""
    ticks = 0
    for pid in processes(daemon)[:2]:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(int(word) for word in words[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


async def assert_idle(daemon: RawDaemon) -> None:
    await asyncio.sleep(IDLE_AFTER_S)
    before = used_s(daemon)
    await asyncio.sleep(WINDOW_S)
    assert used_s(daemon) - before < BUSY_SHARE * WINDOW_S
    assert "Traceback" not in daemon.output()


def change(name: str, times: int) -> None:
    fd = os.open(f"/sys/class/block/{name}/uevent", os.O_WRONLY)
    for _ in range(times):
        os.write(fd, b"change")
    os.close(fd)


async def test_20_000_changes_leave_an_exact_list_and_an_idle_processor(tmp_path: Path) -> None:
    stays, goes = (loopdisk.make_image(tmp_path / name, entry(name)) for name in ("stay", "go"))
    with loopdisk.attached(stays, read_only=False) as name:
        settle()
        async with running(tmp_path) as daemon:
            await daemon.until_there("stay")
            with loopdisk.attached(goes):
                await daemon.until_there("go")
                await asyncio.to_thread(change, name, CHANGES)
            await asyncio.to_thread(patiently_settle)
            await daemon.until_gone("go")
            await daemon.until_there("stay")
            await assert_idle(daemon)


async def test_5_000_devices_that_come_and_go_leave_an_exact_list(tmp_path: Path) -> None:
    number = 900
    stays = loopdisk.make_image(tmp_path / "stay", entry("stay"))
    with loopdisk.attached(stays):
        settle()
        async with running(tmp_path) as daemon:
            await daemon.until_there("stay")
            for _ in range(PAIRS // BATCH):
                await asyncio.to_thread(come_and_go, number, BATCH)
            await daemon.until("the device is gone", lambda devices: f"loop{number}" not in devices)
            await daemon.until_there("stay")
            await assert_idle(daemon)


def come_and_go(number: int, times: int) -> None:
    for _ in range(times):
        loop.add(number)
        remove(number)
    patiently_settle()


def remove(number: int) -> None:
    """Remove a loop device as soon as udev's own look at it is over."""
    deadline = time.monotonic() + 60
    while True:
        try:
            loop.remove(number)
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.001)
        else:
            return


def patiently_settle() -> None:
    """Wait for udevd, which has more to do than `settle` waits for."""
    deadline = time.monotonic() + 300
    while True:
        try:
            settle()
        except Exception:  # noqa: BLE001 - it fails with CalledProcessError or TimeoutExpired
            assert time.monotonic() < deadline
        else:
            return


async def test_64_devices_are_listed_in_the_memory_of_a_small_board(tmp_path: Path) -> None:
    titles = [f"disk {number:02}" for number in range(DEVICES)]
    images = [loopdisk.make_image(tmp_path / title, entry(title)) for title in titles]
    with ExitStack() as stack:
        for image in images:
            stack.enter_context(loopdisk.attached(image))
        await asyncio.to_thread(patiently_settle)
        began = time.monotonic()
        async with running(tmp_path) as daemon:
            for title in titles:
                await daemon.until_there(title)
            print(f"64 disks listed after {time.monotonic() - began:.1f} s")
            kib = sum(resident_kib(pid) for pid in processes(daemon))
            print(f"{kib} KiB in {len(processes(daemon))} processes")
            assert kib < MAX_KIB
            await assert_idle(daemon)


def resident_kib(pid: int) -> int:
    """Return a process's proportional set size."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
