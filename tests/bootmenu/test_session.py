"""The line to the daemon, over a real socket to a scripted one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bootd.protocol.messages import Snapshot, Status, StatusChanged
from bootmenu.session import Place, Session
from bootmenu.state import (
    Boot,
    Cancel,
    Disconnected,
    Explain,
    Explained,
    Failed,
    Happening,
    Loaded,
    Rescan,
    Rest,
    Rested,
    Unexplained,
)
from tests.support.menu_views import twenty
from tests.support.scripted_daemon import scripted_daemon


class Listener:
    """Keeps what a session tells."""

    def __init__(self) -> None:
        self.told: list[Happening] = []

    async def hears(self, kind: type, count: int = 1) -> list[Happening]:
        """Wait until happenings of a kind have been told."""
        async with asyncio.timeout(10):
            while len(found := [h for h in self.told if isinstance(h, kind)]) < count:  # noqa: ASYNC110 - told by callback
                await asyncio.sleep(0.01)
        return found


@asynccontextmanager
async def session(path: Path) -> AsyncIterator[tuple[Session, Listener]]:
    listener = Listener()
    loop = asyncio.get_running_loop()
    place = Place(socket=str(path), by="console ttyS0")
    served = Session(loop=loop, place=place, tell=listener.told.append)
    served.start()
    yield served, listener
    served.stop()


async def test_a_session_tells_the_state_and_then_each_change(tmp_path: Path) -> None:
    path = tmp_path / "s"
    async with scripted_daemon(str(path), snapshot=twenty()) as daemon, session(path) as (_, heard):
        assert await heard.hears(Snapshot) == [twenty()]
        daemon.send(StatusChanged(status=Status(seconds_left=9)))
        assert await heard.hears(StatusChanged) == [StatusChanged(status=Status(seconds_left=9))]


async def test_a_session_waits_for_a_daemon_that_is_not_there_yet(tmp_path: Path) -> None:
    path = tmp_path / "s"
    async with session(path) as (_, heard):
        (gone,) = await heard.hears(Disconnected)
        assert isinstance(gone, Disconnected)
        assert "bootd is not running" in gone.reason
        async with scripted_daemon(str(path), snapshot=twenty()):
            await heard.hears(Snapshot)


async def test_a_session_finds_a_daemon_that_was_started_again(tmp_path: Path) -> None:
    path = tmp_path / "s"
    async with scripted_daemon(str(path), snapshot=twenty()) as daemon, session(path) as (_, heard):
        await heard.hears(Snapshot)
        daemon.hang_up()
        await heard.hears(Disconnected)
        await heard.hears(Snapshot, 2)


async def test_requests_carry_the_name_of_the_console(tmp_path: Path) -> None:
    path = tmp_path / "s"
    async with (
        scripted_daemon(str(path), snapshot=twenty()) as daemon,
        session(path) as (
            served,
            heard,
        ),
    ):
        await heard.hears(Snapshot)
        served.perform(Boot(id="bls:sda1:1"))
        await heard.hears(Loaded)
        served.perform(Cancel())
        served.perform(Rescan())
        async with asyncio.timeout(5):
            while len(daemon.names()) < 3:  # noqa: ASYNC110 - the daemon has no event for it
                await asyncio.sleep(0.01)
        by = {name: call.get("by") for name, call in daemon.calls}
        assert by["Boot"] == by["Cancel"] == "console ttyS0"


async def test_the_daemons_sentence_is_told_when_a_boot_fails(tmp_path: Path) -> None:
    path = tmp_path / "s"
    async with (
        scripted_daemon(str(path), snapshot=twenty()) as daemon,
        session(path) as (
            served,
            heard,
        ),
    ):
        await heard.hears(Snapshot)
        daemon.refusal = "The kernel is for x86_64."
        served.perform(Boot(id="bls:sda1:1"))
        assert await heard.hears(Failed) == [Failed(reason="The kernel is for x86_64.")]


async def test_an_explanation_is_told(tmp_path: Path) -> None:
    path = tmp_path / "s"
    async with scripted_daemon(str(path), snapshot=twenty()), session(path) as (served, heard):
        await heard.hears(Snapshot)
        served.perform(Explain(id="bls:sda1:1"))
        (told,) = await heard.hears(Explained)
        assert isinstance(told, Explained)
        assert told.explanation.option.id == "bls:sda1:1"


async def test_a_refused_explanation_is_told_for_that_option(tmp_path: Path) -> None:
    path = tmp_path / "s"
    async with (
        scripted_daemon(str(path), snapshot=twenty()) as daemon,
        session(path) as (
            served,
            heard,
        ),
    ):
        await heard.hears(Snapshot)
        daemon.refusal = "sda1: does not answer."
        served.perform(Explain(id="bls:sda1:1"))
        assert await heard.hears(Unexplained) == [
            Unexplained(id="bls:sda1:1", reason="sda1: does not answer.")
        ]


async def test_only_the_last_rest_of_a_moving_cursor_is_told(tmp_path: Path) -> None:
    path = tmp_path / "s"
    async with scripted_daemon(str(path), snapshot=twenty()), session(path) as (served, heard):
        await heard.hears(Snapshot)
        for number in range(1, 9):
            served.perform(Rest(id=f"bls:sda1:{number}"))
            await asyncio.sleep(0.01)
        assert await heard.hears(Rested) == [Rested(id="bls:sda1:8")]
