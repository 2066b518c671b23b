import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bootd.linux import directories
from bootd.linux.directories import DirectorySource, list_devices
from bootd.model.device import DeviceEvent, DeviceKind


class Watched:
    """A source on a directory, and what it has reported."""

    def __init__(self, root: Path) -> None:
        self.events: asyncio.Queue[DeviceEvent] = asyncio.Queue()
        self.source = DirectorySource(str(root), poll_s=0.02)

    async def next(self) -> DeviceEvent:
        async with asyncio.timeout(5):
            return await self.events.get()


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    (tmp_path / "vda1").mkdir()
    watched = Watched(tmp_path)
    watched.source.start(watched.events.put_nowait)
    yield watched
    watched.source.close()


async def test_what_is_there_is_reported_first(watched: Watched, tmp_path: Path) -> None:
    event = await watched.next()
    assert event.device is not None
    assert (event.name, event.device.node) == ("vda1", str(tmp_path / "vda1"))
    assert event.device.kind is DeviceKind.DIRECTORY


async def test_what_comes_and_goes_is_reported(watched: Watched, tmp_path: Path) -> None:
    await watched.next()
    (tmp_path / "vdb1").mkdir()
    assert (await watched.next()).name == "vdb1"
    (tmp_path / "vdb1").rmdir()
    assert await watched.next() == DeviceEvent(name="vdb1", device=None)


async def test_a_rescan_reports_everything_again(watched: Watched) -> None:
    first = await watched.next()
    watched.source.rescan()
    assert await watched.next() == first


async def test_nothing_is_reported_after_the_end(watched: Watched, tmp_path: Path) -> None:
    await watched.next()
    watched.source.close()
    (tmp_path / "vdb1").mkdir()
    await asyncio.sleep(0.1)
    assert watched.events.empty()


def test_files_links_and_hidden_directories_play_no_device(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "link").symlink_to("/")
    assert list_devices(str(tmp_path)) == {}


def test_a_directory_that_is_gone_has_no_devices(tmp_path: Path) -> None:
    assert list_devices(str(tmp_path / "gone")) == {}


def test_a_name_that_could_steer_a_terminal_is_made_visible(tmp_path: Path) -> None:
    (tmp_path / "a\x1bb").mkdir()
    assert list(list_devices(str(tmp_path))) == [r"a\x1bb"]


def test_no_more_devices_than_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directories, "MAX_DEVICES", 2)
    for name in "abc":
        (tmp_path / name).mkdir()
    assert list(list_devices(str(tmp_path))) == ["a", "b"]
