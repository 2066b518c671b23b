"""A sink and a source of devices for tests of discovery."""

import asyncio
from collections.abc import Callable

from bootd.model.device import BlockDevice, DeviceEvent
from bootd.model.option import ScanResult

WAIT_S = 5


class RecordingSink:
    """Implements `DeviceSink`: keeps the calls, and what they leave as the current state."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.scanned: dict[str, ScanResult] = {}
        self.failed: dict[str, str] = {}
        self.present: dict[str, BlockDevice] = {}
        self._news = asyncio.Event()

    def device_found(self, device: BlockDevice) -> None:
        self._note(f"found {device.name}")
        self.present[device.name] = device

    def device_scanned(self, device: BlockDevice, result: ScanResult) -> None:
        self._note(f"scanned {device.name}")
        self.scanned[device.name] = result
        self.failed.pop(device.name, None)

    def device_failed(self, device: BlockDevice, reason: str) -> None:
        self._note(f"failed {device.name}")
        self.failed[device.name] = reason
        self.scanned.pop(device.name, None)

    def device_removed(self, name: str) -> None:
        self._note(f"removed {name}")
        for state in (self.present, self.scanned, self.failed):
            state.pop(name, None)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition on this sink holds."""
        async with asyncio.timeout(WAIT_S):
            while not condition():
                self._news.clear()
                await self._news.wait()

    def _note(self, call: str) -> None:
        self.calls.append(call)
        self._news.set()


class ManualSource:
    """Implements `DeviceSource`: the test says what comes and goes."""

    def __init__(self, *devices: BlockDevice) -> None:
        self.devices = {device.name: device for device in devices}
        self.closed = False
        self._on_event: Callable[[DeviceEvent], None] | None = None

    def start(self, on_event: Callable[[DeviceEvent], None]) -> None:
        self._on_event = on_event
        self.rescan()

    def rescan(self) -> None:
        for device in self.devices.values():
            self.plug(device)

    def close(self) -> None:
        self.closed = True

    def plug(self, device: BlockDevice) -> None:
        self.devices[device.name] = device
        self._send(DeviceEvent(name=device.name, device=device))

    def unplug(self, name: str) -> None:
        self.devices.pop(name, None)
        self._send(DeviceEvent(name=name, device=None))

    def _send(self, event: DeviceEvent) -> None:
        if self._on_event is not None:
            self._on_event(event)
