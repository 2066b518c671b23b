"""`UdevSource` with a real udevd and real loop devices."""

import asyncio
import os
import resource
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from bootd.linux import loop, udev_database
from bootd.linux.udev import HOLD_S, UdevSource
from bootd.model.device import DeviceEvent
from tests.support import loopdisk
from tests.support.udevd import settle, udevd

pytestmark = pytest.mark.root

WAIT_S = 5


@pytest.fixture(scope="module", autouse=True)
def _udevd() -> Iterator[None]:
    with udevd():
        yield


class Watcher:
    """Keeps what a source reports."""

    def __init__(self, source: UdevSource) -> None:
        self.source = source
        self.events: list[DeviceEvent] = []
        self._news = asyncio.Event()

    def take(self, event: DeviceEvent) -> None:
        self.events.append(event)
        self._news.set()

    def last(self, name: str) -> DeviceEvent | None:
        return next((event for event in reversed(self.events) if event.name == name), None)

    async def until(self, name: str, *, present: bool) -> DeviceEvent:
        """Wait until the last event about a device says that it is there, or gone."""
        async with asyncio.timeout(WAIT_S):
            while True:
                event = self.last(name)
                if event is not None and (event.device is not None) is present:
                    return event
                self._news.clear()
                await self._news.wait()

    def present(self) -> set[str]:
        names = {event.name for event in self.events}
        return {name for name in names if (last := self.last(name)) and last.device is not None}


@pytest_asyncio.fixture
async def watcher() -> AsyncIterator[Watcher]:
    watcher = Watcher(UdevSource())
    watcher.source.start(watcher.take)
    await asyncio.sleep(0.1)
    yield watcher
    watcher.source.close()


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return loopdisk.make_image(tmp_path / "image", {"/file": "text"}, label="my disk")


async def test_a_device_that_was_there_before_is_reported(image: Path) -> None:
    with loopdisk.attached(image) as name:
        settle()
        watcher = Watcher(UdevSource())
        watcher.source.start(watcher.take)
        event = await watcher.until(name, present=True)
        watcher.source.close()
    assert event.device is not None
    assert (event.device.label, event.device.fstype) == ("my disk", "ext4")


async def test_a_disk_is_named_before_udev_tells_of_it(image: Path) -> None:
    told: list[str] = []
    watcher = Watcher(UdevSource(on_named=lambda name, node: told.append(f"{name} {node}")))

    def take(event: DeviceEvent) -> None:
        told.append(event.name)
        watcher.take(event)

    watcher.source.start(take)
    await asyncio.sleep(0.1)
    told.clear()
    with loopdisk.attached(image) as name:
        await watcher.until(name, present=True)
        watcher.source.close()
    assert told.index(f"{name} /dev/{name}") < told.index(name)


async def test_plug_and_unplug_are_reported(watcher: Watcher, image: Path) -> None:
    with loopdisk.attached(image) as name:
        event = await watcher.until(name, present=True)
        assert event.device is not None
        assert event.device.node == f"/dev/{name}"
    await watcher.until(name, present=False)


async def test_another_medium_under_the_same_name_is_another_device(
    watcher: Watcher, tmp_path: Path, image: Path
) -> None:
    other = loopdisk.make_image(tmp_path / "other", {"/file": "text"}, label="other")
    with loopdisk.attached(image) as name:
        first = await watcher.until(name, present=True)
    await watcher.until(name, present=False)
    with loopdisk.attached(other) as again:
        second = await watcher.until(again, present=True)
    assert first.device is not None
    assert second.device is not None
    assert second.device.label == "other"
    assert first.device.sequence != second.device.sequence


async def test_a_removed_device_is_gone(watcher: Watcher, image: Path) -> None:
    with loopdisk.attached(image) as name:
        await watcher.until(name, present=True)
        number = int(name.removeprefix("loop"))
    await watcher.until(name, present=False)
    settle()
    loop.remove(number)
    settle()
    await asyncio.sleep(2 * HOLD_S)
    loop.add(number)
    assert name not in watcher.present()


async def test_what_is_empty_is_never_reported(watcher: Watcher, tmp_path: Path) -> None:
    blank = tmp_path / "blank"
    blank.write_bytes(bytes(1 << 20))
    with loopdisk.attached(blank) as name:
        settle()
        await asyncio.sleep(2 * HOLD_S)
        assert watcher.last(name) is None or name not in watcher.present()


async def test_a_burst_of_changes_is_reported_twice_at_most(watcher: Watcher, image: Path) -> None:
    with loopdisk.attached(image) as name:
        await watcher.until(name, present=True)
        settle()
        await asyncio.sleep(3 * HOLD_S)
        watcher.events.clear()
        change(name, times=40)
        settle()
        await asyncio.sleep(0.5)
        assert 1 <= len(watcher.events) <= 5


async def test_rescan_reports_every_device_again(watcher: Watcher, image: Path) -> None:
    with loopdisk.attached(image) as name:
        await watcher.until(name, present=True)
        watcher.events.clear()
        watcher.source.rescan()
        assert watcher.last(name) is not None


async def test_devices_of_the_early_look_are_reported_first_and_once(image: Path) -> None:
    with loopdisk.attached(image) as name:
        settle()
        watcher = Watcher(UdevSource(tuple(udev_database.devices())))
        watcher.source.start(watcher.take)
        assert name in watcher.present()
        await asyncio.sleep(0.3)
        watcher.source.close()
        assert [event.name for event in watcher.events].count(name) == 1


async def test_a_device_that_went_after_the_early_look_is_gone(image: Path) -> None:
    with loopdisk.attached(image) as name:
        settle()
        early = tuple(udev_database.devices())
    settle()
    watcher = Watcher(UdevSource(early))
    watcher.source.start(watcher.take)
    await watcher.until(name, present=False)
    watcher.source.close()


async def test_lost_events_are_made_up_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recover, recovered = UdevSource._recover, []

    def noted(source: UdevSource) -> None:
        recovered.append(source)
        recover(source)

    monkeypatch.setattr(UdevSource, "_recover", noted)
    images = [loopdisk.make_image(tmp_path / f"image{n}", {"/file": "text"}) for n in range(3)]
    watcher = Watcher(UdevSource(receive_bytes=0))
    watcher.source.start(watcher.take)
    await asyncio.sleep(0.1)
    with loopdisk.attached(images[0]) as stays:
        await watcher.until(stays, present=True)
        with loopdisk.attached(images[1]) as goes:
            await watcher.until(goes, present=True)
            change(stays, times=500)
        with loopdisk.attached(images[2]) as comes:
            settle()  # all of this happened while the loop could not read the socket
            await watcher.until(comes, present=True)
            await asyncio.sleep(2 * HOLD_S)
            ours = watcher.present() & {stays, goes, comes}
            assert ours == {stays, comes}
            assert recovered, "nothing was lost, so nothing was tested"
            # And it goes on: the socket's error was cleared.
            watcher.events.clear()
            change(stays, times=1)
            await watcher.until(stays, present=True)
    watcher.source.close()


async def test_the_processor_is_idle_after_a_storm(watcher: Watcher, image: Path) -> None:
    with loopdisk.attached(image) as name:
        await watcher.until(name, present=True)
        change(name, times=2000)
        settle()
        await asyncio.sleep(1)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
        await asyncio.sleep(1)
        spent = resource.getrusage(resource.RUSAGE_SELF).ru_utime - before
        assert spent < 0.1
        assert name in watcher.present()


def change(name: str, *, times: int) -> None:
    """Make the kernel send `change` uevents."""
    fd = os.open(f"/sys/class/block/{name}/uevent", os.O_WRONLY)
    for _ in range(times):
        os.write(fd, b"change")
    os.close(fd)
