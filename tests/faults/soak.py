"""A daemon at work for hours: disks come and go, udev storms, clients break rules and leave.

`python -m tests.faults.soak --minutes 60` prints a line a minute and at the end whether anything
grew; 24 hours of it before a release. Needs root, loop devices and udev. It runs the daemon with
`--dry-run` on this machine's own disks, which are only read.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bootd.client import Client
from bootd.linux import dm
from tests.support import loopdisk
from tests.support.rawdaemon import RawDaemon, running
from tests.support.udevd import settle, udevd

MAX_GROWTH_KIB: Final = 2048
"""Of the resident memory of the daemon and of its zygote (reliability goals, soak)."""

EVENTS: Final = 100
CLIENTS: Final = 10
WARM_ROUNDS: Final = 20
"""Rounds before what is used counts as the beginning: caches fill, and Python's arenas."""

ENTRY: Final = {"/loader/entries/a.conf": "title Soak\nlinux /vmlinuz\n", "/vmlinuz": "kernel"}


@dataclass(frozen=True, slots=True)
class Usage:
    """What a daemon uses at one moment.

    Attributes:
        daemon_kib, zygote_kib: Resident memory.
        fds: Open files of the daemon.
        children: Processes below the zygote; spare workers are some.
    """

    daemon_kib: int
    zygote_kib: int
    fds: int
    children: int


@dataclass(slots=True)
class Tally:
    """What was done."""

    rounds: int = 0
    events: int = 0
    connections: int = 0
    plugs: int = 0
    begin: Usage | None = None
    now: Usage | None = None
    wrong: list[str] = field(default_factory=list)


async def soak(seconds: float, folder: Path) -> Tally:
    """Run rounds for so long; stops early when something is wrong."""
    tally = Tally()
    image = loopdisk.make_image(folder / "image", ENTRY)
    async with running(folder) as daemon:
        end = time.monotonic() + seconds
        said = time.monotonic()
        while time.monotonic() < end and not tally.wrong:
            await _round(daemon, image, tally)
            tally.now = await asyncio.to_thread(_usage, daemon.process.pid)
            if tally.rounds == WARM_ROUNDS:
                tally.begin = tally.now
            if time.monotonic() - said > 60:
                said = time.monotonic()
                print(f"{tally.rounds} rounds, {tally.now}", flush=True)
        await daemon.until_gone("Soak")
        _judge(daemon, tally)
    return tally


async def _round(daemon: RawDaemon, image: Path, tally: Tally) -> None:
    with loopdisk.attached(image, read_only=False) as name:
        tally.plugs += 1
        await daemon.until_there("Soak")
        await asyncio.to_thread(_storm, name, tally)
        for number in range(CLIENTS):
            await _visit(daemon, number)
            tally.connections += 1
    await daemon.until_gone("Soak")
    tally.rounds += 1
    if daemon.process.poll() is not None:
        tally.wrong.append(f"the daemon ended with {daemon.process.returncode}")


def _storm(name: str, tally: Tally) -> None:
    place = Path(f"/sys/class/block/{name}/uevent")
    for _ in range(EVENTS):
        place.write_text("change")
    tally.events += EVENTS
    settle()


async def _visit(daemon: RawDaemon, number: int) -> None:
    """Come and go: politely, in the middle of a message, with nonsense, or while subscribed."""
    path = str(daemon.log.with_name("socket"))
    match number % 4:
        case 0:
            client = await Client.connect(path)
            await client.list_options()
            await client.close()
        case 1:
            await _send(path, b'{"method": "org.bootd.Boot.Desc')
        case 2:
            await _send(path, os.urandom(200) + b"\0" + b"[" * 3000 + b"\0")
        case _:
            call = {"method": "org.bootd.Boot.Subscribe", "more": True}
            await _send(path, json.dumps(call).encode() + b"\0")


async def _send(path: str, data: bytes) -> None:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(data)
    try:
        async with asyncio.timeout(0.05):
            await reader.read(4096)
    except (TimeoutError, ConnectionError):
        pass
    writer.close()


def _usage(pid: int) -> Usage:
    (zygote,) = _children(pid)
    return Usage(
        daemon_kib=_resident_kib(pid),
        zygote_kib=_resident_kib(zygote),
        fds=len(list(Path(f"/proc/{pid}/fd").iterdir())),
        children=len(_children(zygote)),
    )


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def _resident_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmRSS:"))
    return int(line.split()[1])


def _judge(daemon: RawDaemon, tally: Tally) -> None:
    begin, now = tally.begin, tally.now
    if begin is None or now is None:
        tally.wrong.append(f"it was too short: {tally.rounds} of {WARM_ROUNDS} rounds")
        return
    for what in ("daemon_kib", "zygote_kib"):
        grown = getattr(now, what) - getattr(begin, what)
        if grown > MAX_GROWTH_KIB:
            tally.wrong.append(f"{what} grew by {grown} KiB")
    after = _usage(daemon.process.pid)
    if after.fds > begin.fds:
        tally.wrong.append(f"open files grew from {begin.fds} to {after.fds}")
    if after.children > begin.children:
        tally.wrong.append(f"workers grew from {begin.children} to {after.children}")
    if dm.is_there() and dm.names():
        tally.wrong.append(f"devices are left: {dm.names()}")
    if "Traceback" in daemon.output():
        tally.wrong.append("there was an error of bootd's own; see its log")


def main() -> int:
    """Run for as long as the command line says; 1 when something grew or ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60, help="1440 is a day")
    minutes: float = parser.parse_args().minutes
    with udevd(), tempfile.TemporaryDirectory() as folder:
        tally = asyncio.run(soak(minutes * 60, Path(folder)))
    print(
        f"{tally.rounds} rounds: {tally.plugs} plugged and pulled, {tally.events} events,"
        f" {tally.connections} connections\nfrom {tally.begin}\nto   {tally.now}"
    )
    print("\n".join(tally.wrong) or "nothing grew")
    return int(bool(tally.wrong))


if __name__ == "__main__":
    sys.exit(main())
