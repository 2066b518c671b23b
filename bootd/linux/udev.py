"""Block devices as udev reports them: what is there, and what comes and goes.

The monitor is started before the database is read, so nothing that happens in between is lost.
A device's first event is passed on at once; more within `HOLD_S` are held back and the last one
wins (mkfs and losetup cause two each). When the kernel drops events because too many came
(ENOBUFS) the database is read again and the differences are reported; pyudev itself would fail
on every further poll until the socket's error has been fetched (pyudev issue 194).

pyudev costs 20 to 35 ms of import. When devices are known at the start their probes have the
processor first, and the monitor begins when they are done.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from bootd.linux.block_device import below, describe, size_of
from bootd.linux.udev_database import devices, properties
from bootd.model.device import BlockDevice, DeviceEvent

HOLD_S: Final = 0.15
"""Further events of the same device wait this long for even later ones."""

LISTEN_STEP_S: Final = 0.03
"""How often to look whether the first probes are done."""
LISTEN_STEPS: Final = 30
"""Then the monitor begins whatever they do; what happened meanwhile is seen in the database."""

_RECEIVE_BYTES: Final = 16 << 20
"""Wanted of the monitor's receive buffer; libudev takes 128 MiB for root, eudev the default."""

_BATCH: Final = 256
"""Events taken before the loop gets its turn again."""

_PLAIN: Final = ("loop", "mmcblk", "nvme", "sd", "vd", "xvd")
"""Disks that can be opened at any time; a device mapper's may hang, a drive may close its tray."""

_Device = Any
"""A pyudev.Device; the package ships no types."""


class UdevSource:
    """Implements `bootd.services.discovery.DeviceSource`.

    Args:
        known: Devices that were found before the start; reported first, and then not again unless
            they have changed. All others follow when the monitor runs.
        busy: Says whether those are still being looked at.
        on_named: Takes kernel name and node of a disk or partition that the kernel has just named;
            udev's rules have not run yet, and nobody may mount it.
        receive_bytes: Size of the monitor's buffer if the current one is smaller; 0 sets the
            smallest that the kernel allows (for tests of an overflow).
    """

    def __init__(
        self,
        known: tuple[BlockDevice, ...] = (),
        busy: Callable[[], bool] = bool,
        on_named: Callable[[str, str], None] | None = None,
        *,
        receive_bytes: int = _RECEIVE_BYTES,
    ) -> None:
        self._known: dict[str, BlockDevice] = {}
        self._early = known
        self._busy = busy
        self._on_named = on_named
        self._kernel: Any = None  # a second pyudev.Monitor
        self._receive_bytes = receive_bytes
        self._on_event: Callable[[DeviceEvent], None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._monitor: Any = None  # a pyudev.Monitor, which has no types
        self._held: dict[str, _Device | None] = {}
        self._below: dict[str, tuple[str, ...]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def start(self, on_event: Callable[[DeviceEvent], None]) -> None:
        """Report what is there, and from then on what changes, from the running loop."""
        self._loop = asyncio.get_running_loop()
        self._on_event = on_event
        for device in self._early:
            self._report(device.name, device)
        self._loop.call_soon(self._listen_soon, LISTEN_STEPS if self._early else 0)

    def rescan(self) -> None:
        """Report every device again, changed or not."""
        self._reconcile(again=True)

    def close(self) -> None:
        """Stop reporting."""
        self._on_event = None
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for monitor in (self._monitor, self._kernel):
            if monitor is not None and self._loop is not None:
                self._loop.remove_reader(monitor.fileno())
        self._monitor = self._kernel = None

    def _listen_soon(self, steps: int) -> None:
        if self._loop is None or not steps or not self._busy():
            self._listen()
        else:
            self._loop.call_later(LISTEN_STEP_S, self._listen_soon, steps - 1)

    def _listen(self) -> None:
        if self._on_event is None or self._loop is None:
            return
        import pyudev  # noqa: PLC0415 - it takes long, see the module's docstring
        from pyudev._ctypeslib import utils  # noqa: PLC0415 - as above

        # pyudev looks for its library by running ldconfig or a compiler, which an initrd has not
        # and which costs start-up time elsewhere; the name is the library's ABI.
        utils.find_library = "lib{}.so.1".format
        context = pyudev.Context()
        self._monitor = pyudev.Monitor.from_netlink(context)
        self._monitor.filter_by("block")
        self._set_buffer()
        self._monitor.start()
        self._loop.add_reader(self._monitor.fileno(), self._drain)
        if self._on_named is not None:
            self._kernel = pyudev.Monitor.from_netlink(context, source="kernel")
            self._kernel.filter_by("block")
            self._kernel.start()
            self._loop.add_reader(self._kernel.fileno(), self._hear_kernel)
        self._reconcile(again=False)

    def _hear_kernel(self) -> None:
        """Pass on what is new; nothing depends on it, so what is lost is lost."""
        try:
            device = self._kernel.poll(timeout=0)
        except OSError:
            _clear_error(self._kernel)
            return
        if device is None or self._on_named is None or device.action not in {"add", "change"}:
            return
        name = str(device.sys_name)
        if name.startswith(_PLAIN) and name not in self._timers and size_of(name):
            self._on_named(name, str(device.device_node))

    def _set_buffer(self) -> None:
        with socket.socket(fileno=_duplicate(self._monitor.fileno())) as monitor:
            now = monitor.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
            if self._receive_bytes == 0:
                monitor.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)
        if now < self._receive_bytes:
            with suppress(OSError):  # EPERM without CAP_NET_ADMIN: the default has to do
                self._monitor.set_receive_buffer_size(self._receive_bytes)

    def _drain(self) -> None:
        for _ in range(_BATCH):
            try:
                device = self._monitor.poll(timeout=0)
            except OSError:
                self._recover()
                return
            if device is None:
                return
            self._take(device)

    def _recover(self) -> None:
        """Clear the socket's error and find out what was missed."""
        _clear_error(self._monitor)
        self._reconcile(again=False)

    def _take(self, device: _Device) -> None:
        name = str(device.sys_name)
        if name in self._timers:
            self._held[name] = device
            return
        self._deliver(name, device)
        self._hold(name)

    def _hold(self, name: str) -> None:
        if self._loop is not None:
            self._timers[name] = self._loop.call_later(HOLD_S, self._release, name)

    def _release(self, name: str) -> None:
        del self._timers[name]
        device = self._held.pop(name, None)
        if device is not None:
            self._deliver(name, device)
            self._hold(name)

    def _deliver(self, name: str, device: _Device) -> None:
        gone = device.action == "remove"
        # Not `device.get`: it warns of its removal in pyudev 1.0.
        self._report(name, None if gone else describe(name, device.properties))
        self._look_below(name, gone=gone)

    def _look_below(self, name: str, *, gone: bool) -> None:
        """Hide what a device is put together from, and show it again when that is no more."""
        if gone:
            members = self._below.pop(name, ())
        elif members := below(name):
            self._below[name] = members
        for member in members:
            device = describe(member, properties(member))
            if device is None or self._known.get(member) != device:
                self._report(member, device)

    def _reconcile(self, *, again: bool) -> None:
        present = {device.name: device for device in devices()}
        for name in self._known.keys() - present.keys():
            self._report(name, None)
        for name, device in present.items():
            if again or self._known.get(name) != device:
                self._report(name, device)

    def _report(self, name: str, device: BlockDevice | None) -> None:
        if device is not None and self._repeats(name, device):
            device = None  # the other one shows the file system
        if device is not None:
            self._known[name] = device
        elif self._known.pop(name, None) is None:
            return  # never reported: a disk without file system, an empty loop device
        if self._on_event is not None:
            self._on_event(DeviceEvent(name=name, device=device))

    def _repeats(self, name: str, device: BlockDevice) -> bool:
        others = (other for known, other in self._known.items() if known != name)
        return bool(device.part) and any(device.repeats(other) for other in others)

    @property
    def known(self) -> Mapping[str, BlockDevice]:
        """The devices that were last reported as present."""
        return self._known


def _clear_error(monitor: Any) -> None:  # noqa: ANN401 - a pyudev.Monitor, which has no types
    """Fetch the error of a monitor's socket, without which every further poll fails."""
    with socket.socket(fileno=_duplicate(monitor.fileno())) as own:
        own.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def _duplicate(fd: int) -> int:
    """Return a copy for a socket object to close; the original is libudev's."""
    return socket.dup(fd)
