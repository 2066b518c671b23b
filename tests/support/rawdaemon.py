"""A real bootd on this machine's own block devices, which loads and starts nothing."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bootd.client import Client
from bootd.errors import UnreachableError
from bootd.protocol.messages import DeviceView, OptionView
from tests.support.waiting import eventually

START_S = 60.0
WAIT_S = 60.0


@dataclass
class RawDaemon:
    """A running daemon, and a client of it."""

    client: Client
    log: Path
    process: subprocess.Popen[bytes]

    async def devices(self) -> dict[str, DeviceView]:
        """Return the devices by kernel name."""
        async for event in self.client.events():
            return {device.name: device for device in getattr(event, "devices", ())}
        return {}

    async def options(self) -> tuple[OptionView, ...]:
        """Return the menu."""
        return await self.client.list_options()

    async def until(self, what: str, is_so: Callable[[dict[str, DeviceView]], bool]) -> None:
        """Wait for the devices to be so."""

        async def ask() -> bool:
            return is_so(await self.devices())

        await self._wait(what, ask)

    async def until_titles(self, *titles: str) -> None:
        """Wait for the menu to have these titles and no others, in any order."""

        async def ask() -> bool:
            return sorted(each.title for each in await self.options()) == sorted(titles)

        await self._wait(f"titles {titles}", ask)

    async def until_there(self, title: str) -> None:
        """Wait for the menu to have a title."""

        async def ask() -> bool:
            return title in [each.title for each in await self.options()]

        await self._wait(f"title {title}", ask)

    async def until_gone(self, title: str) -> None:
        """Wait for the menu to have no such title."""

        async def ask() -> bool:
            return title not in [each.title for each in await self.options()]

        await self._wait(f"no title {title}", ask)

    async def _wait(self, what: str, ask: Callable[[], Awaitable[bool]]) -> None:
        try:
            await eventually(ask, WAIT_S)
        except TimeoutError:
            seen = (*(await self.devices()).values(), *await self.options())
            raise AssertionError("\n".join([what, *map(str, seen), self.output()])) from None

    def output(self) -> str:
        """Return what the daemon has printed so far."""
        return self.log.read_text()


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[RawDaemon]:
    """Start a daemon, wait for it, and end it."""
    path, log = folder / "socket", folder / "log"
    process = _start(path, log)
    try:

        async def connect() -> Client | None:
            try:
                return await Client.connect(str(path))
            except UnreachableError:
                return None

        client = await eventually(connect, START_S)
        assert client is not None
        try:
            yield RawDaemon(client, log, process)
        finally:
            await client.close()
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.wait, 20)


def _start(path: Path, log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bootd", "--dry-run", "--socket", str(path)]
    with log.open("wb") as output:
        return subprocess.Popen(command, stdout=output, stderr=output)
