"""Discovery with a source and a scanner that the test steers."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from bootd.errors import ProbeError, ProberError
from bootd.model.device import BlockDevice
from bootd.model.lent import LentFile, LentKind
from bootd.model.option import BootOption, FileRef, ScanResult
from bootd.services.discovery import Discovery
from tests.support.sinks import ManualSource, RecordingSink

SDA = BlockDevice(name="sda1", node="/dev/sda1", uuid="1")
SDB = BlockDevice(name="sdb1", node="/dev/sdb1", uuid="2")


class ManualScanner:
    """Implements `Scanner`: answers with the device's UUID, once its gate is open."""

    def __init__(self, *, closed: tuple[str, ...] = (), broken: tuple[str, ...] = ()) -> None:
        self.gates = {name: asyncio.Event() for name in closed}
        self.broken = broken
        self.now = self.most = 0
        self.ended: list[str] = []
        self.asked: list[tuple[str, ...]] = []
        self.wants: dict[str, tuple[FileRef, ...]] = {}
        self.death: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def scan(self, device: BlockDevice, lent: Collection[LentFile] = ()) -> ScanResult:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            gate = self.gates.get(device.name)
            await (gate.wait() if gate is not None else asyncio.sleep(0))
        finally:
            self.now -= 1
            self.ended.append(device.uuid)
        if device.name in self.broken:
            raise ProbeError(device.name, "is damaged")
        title = "".join((device.uuid, *(each.text or "" for each in lent)))
        option = BootOption(entry=device.uuid, format="test", source="/", title=title)
        return ScanResult(options=(option,), wants=self.wants.get(device.name, ()))

    async def lend(self, device: BlockDevice, paths: Sequence[str]) -> tuple[LentFile, ...]:
        self.asked.append((device.name, *paths))
        kind = LentKind.FILE
        return tuple(LentFile(device="", path=path, kind=kind, text="x") for path in paths)

    async def watch(self) -> None:
        await self.death


@asynccontextmanager
async def running(
    source: ManualSource, scanner: ManualScanner, *, parallel: int = 4
) -> AsyncIterator[RecordingSink]:
    sink = RecordingSink()
    discovery = Discovery(source, scanner, sink, parallel=parallel)
    task = asyncio.get_running_loop().create_task(discovery.run())
    await asyncio.sleep(0)
    yield sink
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert source.closed


async def test_every_device_is_found_and_then_scanned() -> None:
    async with running(ManualSource(SDA, SDB), ManualScanner()) as sink:
        await sink.until(lambda: len(sink.scanned) == 2)
        assert sink.calls.index("found sda1") < sink.calls.index("scanned sda1")


async def test_a_bad_device_does_not_stop_the_others() -> None:
    async with running(ManualSource(SDA, SDB), ManualScanner(broken=("sda1",))) as sink:
        await sink.until(lambda: "sdb1" in sink.scanned and "sda1" in sink.failed)
        assert sink.failed["sda1"] == "is damaged"


async def test_a_slow_device_does_not_hold_up_the_others() -> None:
    async with running(ManualSource(SDA, SDB), ManualScanner(closed=("sda1",))) as sink:
        await sink.until(lambda: "sdb1" in sink.scanned)
        assert "sda1" not in sink.scanned


async def test_no_more_probes_run_at_once_than_allowed() -> None:
    devices = [replace(SDA, name=f"sd{letter}1") for letter in "abcdefghij"]
    scanner = ManualScanner()
    async with running(ManualSource(*devices), scanner, parallel=3) as sink:
        await sink.until(lambda: len(sink.scanned) == 10)
    assert scanner.most == 3


async def test_a_device_that_changes_is_probed_again_and_only_the_new_result_counts() -> None:
    source, scanner = ManualSource(SDA), ManualScanner(closed=("sda1",))
    async with running(source, scanner) as sink:
        await asyncio.sleep(0.01)
        source.plug(replace(SDA, uuid="new"))
        scanner.gates["sda1"].set()
        await sink.until(lambda: "sda1" in sink.scanned)
        assert sink.scanned["sda1"].options[0].title == "new"
        assert sink.calls == ["found sda1", "found sda1", "scanned sda1"]
        assert scanner.ended == ["1", "new"]


async def test_a_device_removed_while_it_is_probed_leaves_nothing() -> None:
    source, scanner = ManualSource(SDA), ManualScanner(closed=("sda1",))
    async with running(source, scanner) as sink:
        await asyncio.sleep(0.01)
        source.unplug("sda1")
        scanner.gates["sda1"].set()
        await asyncio.sleep(0.02)
        assert sink.calls == ["found sda1", "removed sda1"]
        assert scanner.now == 0


async def test_a_device_removed_at_the_moment_its_scan_ends_leaves_nothing() -> None:
    source, scanner = ManualSource(SDA), ManualScanner(closed=("sda1",))
    async with running(source, scanner) as sink:
        await asyncio.sleep(0.01)
        scanner.gates["sda1"].set()
        source.unplug("sda1")
        await asyncio.sleep(0.02)
        assert sink.calls == ["found sda1", "removed sda1"]


async def test_a_device_that_was_never_there_is_not_removed() -> None:
    source = ManualSource(SDA)
    async with running(source, ManualScanner()) as sink:
        source.unplug("sdz1")
        await sink.until(lambda: "sda1" in sink.scanned)
        assert "removed sdz1" not in sink.calls


async def test_a_device_comes_back_after_it_went() -> None:
    source = ManualSource(SDA)
    async with running(source, ManualScanner()) as sink:
        await sink.until(lambda: "sda1" in sink.scanned)
        source.unplug("sda1")
        source.plug(SDA)
        await sink.until(lambda: "sda1" in sink.scanned)
        assert sink.calls[-3:] == ["removed sda1", "found sda1", "scanned sda1"]


async def test_a_rescan_probes_everything_again() -> None:
    source, scanner = ManualSource(SDA, SDB), ManualScanner()
    async with running(source, scanner) as sink:
        await sink.until(lambda: len(sink.scanned) == 2)
        source.rescan()
        await sink.until(lambda: len(scanner.ended) == 4)


async def test_the_death_of_the_scanner_ends_discovery() -> None:
    scanner = ManualScanner(closed=("sda1",))
    discovery = Discovery(ManualSource(SDA), scanner, RecordingSink())
    task = asyncio.get_running_loop().create_task(discovery.run())
    await asyncio.sleep(0.01)
    scanner.death.set_exception(ProberError("the process that starts probes has died"))
    with pytest.raises(ExceptionGroup) as caught:
        await task
    assert caught.value.subgroup(ProberError) is not None


async def test_what_a_configuration_wants_of_another_device_is_read_there() -> None:
    scanner = ManualScanner()
    scanner.wants["sda1"] = (FileRef("/x", "UUID=2"), FileRef("/y", "UUID=none"))
    async with running(ManualSource(SDB, SDA), scanner) as sink:
        await sink.until(lambda: len(sink.scanned) == 2)
        assert sink.scanned["sda1"].options[0].title == "1x"
        assert scanner.asked == [("sdb1", "/x")]


async def test_a_configuration_is_read_again_when_the_device_that_it_wants_comes_and_goes() -> None:
    source, scanner = ManualSource(SDA), ManualScanner()
    scanner.wants["sda1"] = (FileRef("/x", "UUID=2"),)
    async with running(source, scanner) as sink:
        await sink.until(lambda: "sda1" in sink.scanned)
        assert sink.scanned["sda1"].options[0].title == "1"
        source.plug(SDB)
        await sink.until(lambda: sink.scanned["sda1"].options[0].title == "1x")
        source.unplug("sdb1")
        await sink.until(lambda: sink.scanned["sda1"].options[0].title == "1")


async def test_two_devices_that_want_each_other_come_to_rest() -> None:
    scanner = ManualScanner()
    scanner.wants["sda1"] = (FileRef("/x", "UUID=2"),)
    scanner.wants["sdb1"] = (FileRef("/x", "UUID=1"),)
    async with running(ManualSource(SDA, SDB), scanner) as sink:
        await sink.until(lambda: len(sink.scanned) == 2)
        await asyncio.sleep(0.02)
        assert [sink.scanned[name].options[0].title for name in ("sda1", "sdb1")] == ["1x", "2x"]
        assert len(scanner.ended) < 8
