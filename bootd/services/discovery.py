"""Discovery: from a device that appears to its boot options, all devices at once.

Each device is probed on its own; a new event for it makes a probe that still runs worthless, so
that is ended first. One bad device never stops the others.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from bootd.errors import ProbeError
from bootd.model.device import BlockDevice, DeviceEvent
from bootd.model.option import FileRef, ScanResult

if TYPE_CHECKING:
    from bootd.model.lent import LentFile

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

    async def scan(self, device: BlockDevice, lent: "Collection[LentFile]" = (), /) -> ScanResult:
        """Return its boot options, with files that other devices lend; raises ProbeError."""
        ...

    async def lend(self, device: BlockDevice, paths: Sequence[str], /) -> "tuple[LentFile, ...]":
        """Return what is at these paths, for another device; raises ProbeError or OSError."""
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
        self._present: dict[str, BlockDevice] = {}
        self._wants: dict[str, tuple[FileRef, ...]] = {}
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
        before = self._present.get(event.name)
        if event.device is not None:
            self._present[event.name] = event.device
            self._start(tasks, event.device)
        else:
            self._stop(event.name)
            if before is not None:
                del self._present[event.name]
                self._wants.pop(event.name, None)
                self._sink.device_removed(event.name)
        if self._wants:
            self._start_borrowers(tasks, [each for each in (before, event.device) if each])

    def _start(self, tasks: asyncio.TaskGroup, device: BlockDevice) -> None:
        """Probe a device, in place of a probe of it that still runs."""
        before = self._stop(device.name)
        self._sink.device_found(device)
        self._running[device.name] = tasks.create_task(
            self._probe(device, before), name=f"probe {device.name}"
        )

    def _stop(self, name: str) -> asyncio.Task[None] | None:
        """Cancel the probe of a device; returns it if there was one."""
        running = self._running.pop(name, None)
        if running is not None:
            running.cancel()
        return running

    def _start_borrowers(self, tasks: asyncio.TaskGroup, lenders: list[BlockDevice]) -> None:
        """Probe again whose configuration wants files of `lenders`, which came, changed or went."""
        from bootd.policy.lending import questions  # noqa: PLC0415 - few machines ever need it

        names = {each.name for each in lenders}
        for name, wants in list(self._wants.items()):
            own = self._present.get(name)
            if own is not None and name not in names and questions(wants, own, (own, *lenders)):
                self._start(tasks, own)

    async def _scan(self, device: BlockDevice) -> ScanResult:
        result = await self._scanner.scan(device)
        if result.wants:
            from bootd.services.borrowing import scan_with_lent  # noqa: PLC0415 - ditto

            result = await scan_with_lent(self._scanner, device, self._present, result)
            self._wants[device.name] = result.wants
        else:
            self._wants.pop(device.name, None)
        return result

    async def _probe(self, device: BlockDevice, before: asyncio.Task[None] | None) -> None:
        """Probe one device and report; cancelled when what it would report is no longer true."""
        if before is not None:
            await asyncio.wait([before])
        try:
            async with self._slots:
                result = await self._scan(device)
        except ProbeError as error:
            self._sink.device_failed(device, error.reason)
            log.warning("cannot look at %s, skipping: %s", device.name, error.reason)
        else:
            self._sink.device_scanned(device, result)
            counts = len(result.options), len(result.problems)
            log.info("%s: boot options %d, problems %d", device.name, *counts)
        if self._running.get(device.name) is asyncio.current_task():
            del self._running[device.name]
