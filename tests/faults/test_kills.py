"""The daemon killed at any moment: it leaves nothing, and what a person has stopped stays so."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bootd.client import Client
from bootd.errors import BootdError
from bootd.linux import dm
from bootd.linux.block_device import OURS
from tests.support import loopdisk
from tests.support.udevd import settle, udevd
from tests.support.waiting import eventually

DISKS = 3
LATEST_S = 0.4
"""By then a daemon has long listed these disks."""
GONE_S = 5.0

CHANCE = random.Random(8)  # noqa: S311 - moments, not secrets


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[None]:
    with udevd(), ExitStack() as stack:
        for number in range(DISKS):
            entry = {"/loader/entries/a.conf": f"title Disk {number}\nlinux /k\n", "/k": "kernel"}
            image = loopdisk.make_image(tmp_path / f"disk{number}", entry)
            stack.enter_context(loopdisk.attached(image))
        settle()
        yield


def traces() -> tuple[list[str], list[str], list[str]]:
    """What a daemon could leave: mounts of loop devices, loop devices in memory, and overlays.

    Other programs of this machine come and go meanwhile, so that only these are compared.
    """
    mounts = [line for line in Path("/proc/mounts").read_text().splitlines() if "/dev/loop" in line]
    files = [read(path) for path in Path("/sys/block").glob("loop*/loop/backing_file")]
    overlays = [name for name in dm.names() if name.startswith(OURS)] if dm.is_there() else []
    return mounts, sorted(file for file in files if "memfd" in file), sorted(overlays)


def read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def start(folder: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "bootd", "--dry-run", "--socket", str(folder / "socket")]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


def left(session: int) -> list[int]:
    """Return the processes of a daemon's session that are still there."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(words[3]) == session and words[0] != "Z":
            found.append(int(place.name))
    return found


def kill(process: "subprocess.Popen[bytes]") -> None:
    """End a daemon as nobody expects, and wait until its workers have noticed."""
    process.send_signal(signal.SIGKILL)
    process.wait(GONE_S)
    deadline = time.monotonic() + GONE_S
    while rest := left(process.pid):
        assert time.monotonic() < deadline, f"processes are left: {rest}"
        time.sleep(0.005)


async def ask(folder: Path) -> Client:
    async def connect() -> Client | None:
        try:
            return await Client.connect(str(folder / "socket"))
        except (OSError, BootdError):
            return None

    client = await eventually(connect, 30)
    assert client is not None
    return client


async def stop_countdown(folder: Path) -> None:
    async with await ask(folder) as client:
        await client.cancel(by="console ttyS9")


async def check(folder: Path) -> None:
    """All disks are listed again, and nothing counts down."""
    async with await ask(folder) as client:

        async def listed() -> bool:
            titles = {option.title for option in await client.list_options()}
            return titles >= {f"Disk {number}" for number in range(DISKS)}

        assert await eventually(listed, 30)
        status = await client.describe()
    assert status.countdown_stopped_by == "console ttyS9"
    assert status.seconds_left is None


def kill_again_and_again(folder: Path, times: int) -> None:
    before = traces()
    first = start(folder)
    asyncio.run(stop_countdown(folder))
    kill(first)
    for number in range(times):
        process = start(folder)
        time.sleep(CHANCE.uniform(0, LATEST_S))
        kill(process)
        assert traces() == before, f"something is left after kill {number}"
    last = start(folder)
    began = time.monotonic()
    try:
        asyncio.run(check(folder))
        assert time.monotonic() - began < 30
    finally:
        kill(last)
    assert traces() == before
    assert "Traceback" not in (folder / "log").read_text()


@pytest.mark.root
@pytest.mark.usefixtures("disks")
def test_a_daemon_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    assert os.geteuid() == 0
    kill_again_and_again(tmp_path, times=30)


@pytest.mark.faults
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("disks")
def test_500_kills_leave_nothing(tmp_path: Path) -> None:
    kill_again_and_again(tmp_path, times=500)
