"""Discovery: from a device that appears to its boot options, all devices at once.

Each device is probed on its own; a new event for it makes a probe that still runs worthless, so
that is ended first. One bad device never stops the others.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from typing import Final, Protocol

from bootd.errors import ProbeError
from bootd.model.device import BlockDevice, DeviceEvent
from bootd.model.option import ScanResult

log = logging.getLogger(__name__)

PARALLEL: Final = (os.cpu_count() or 1) + 2
"""Probes at the same time: enough to keep the processors busy while some wait for their medium."""


class DeviceSource(Protocol):
    """Where devices come from."""

    def start(self, on_event: Callable[[DeviceEvent], None], /) -> None:
        """Report what is there and from then on what changes, from the running loop."""
        ...

    def rescan(self) -> None:
        """Report every device again, so that it is probed again."""
        ...

    def close(self) -> None:
        """Stop reporting."""
        ...


class DeviceSink(Protocol):
    """Who wants to know; `bootd.services.store.Store` does. Called from the loop, never blocks."""

    def device_found(self, device: BlockDevice, /) -> None:
        """Take a device that is new, or that changed and is now probed (again)."""
        ...

    def device_scanned(self, device: BlockDevice, result: ScanResult, /) -> None:
        """Take what was found on it, in place of what was found before."""
        ...

    def device_failed(self, device: BlockDevice, reason: str, /) -> None:
        """Take a sentence on why nothing can be said about it."""
        ...

    def device_removed(self, name: str, /) -> None:
        """Forget it; only for devices that were found before."""
        ...


class Scanner(Protocol):
    """Who looks at a device; `bootd.probe.prober.Prober` does."""

    async def scan(self, device: BlockDevice, /) -> ScanResult:
        """Return its boot options; raises ProbeError."""
        ...

    async def watch(self) -> None:
        """Wait until no more scans are possible; raises then."""
        ...


class Discovery:
    """Joins a source of devices, a scanner and a sink.

    Args:
        source: Started by `run`, closed at its end.
        scanner: Not owned.
        sink: Gets calls for one device in order; those of different devices mix.
        parallel: Probes at the same time.
    """

    def __init__(
        self,
        source: DeviceSource,
        scanner: Scanner,
        sink: DeviceSink,
        *,
        parallel: int = PARALLEL,
    ) -> None:
        self._source = source
        self._scanner = scanner
        self._sink = sink
        self._slots = asyncio.Semaphore(parallel)
        self._present: set[str] = set()
        self._running: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Work until cancelled, or until the scanner is gone.

        Raises:
            ExceptionGroup: The scanner died, or bootd made a mistake; the daemon should end.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._scanner.watch(), name="watch scanner")
                self._source.start(lambda event: self._take(tasks, event))
        finally:
            self._source.close()

    def rescan(self) -> None:
        """Probe every device again."""
        self._source.rescan()

    def _take(self, tasks: asyncio.TaskGroup, event: DeviceEvent) -> None:
        before = self._running.pop(event.name, None)
        if before is not None:
            before.cancel()
        if event.device is None:
            if event.name in self._present:
                self._present.discard(event.name)
                self._sink.device_removed(event.name)
            return
        self._present.add(event.name)
        self._sink.device_found(event.device)
        self._running[event.name] = tasks.create_task(
            self._probe(event.device, before), name=f"probe {event.name}"
        )

    async def _probe(self, device: BlockDevice, before: asyncio.Task[None] | None) -> None:
        """Probe one device and report; cancelled when what it would report is no longer true."""
        if before is not None:
            await asyncio.wait([before])
        try:
            async with self._slots:
                result = await self._scanner.scan(device)
        except ProbeError as error:
            self._sink.device_failed(device, error.reason)
            log.warning("cannot look at %s, skipping: %s", device.name, error.reason)
        else:
            self._sink.device_scanned(device, result)
            counts = len(result.options), len(result.problems)
            log.info("%s: boot options %d, problems %d", device.name, *counts)
        if self._running.get(device.name) is asyncio.current_task():
            del self._running[device.name]
