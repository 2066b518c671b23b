"""A directory that plays a machine: each sub-directory is a device with a file system on it.

For development and demonstrations without root, disks or udev. Adding or removing a sub-directory
is hot-plugging; the directory is polled, because inotify does not see every file system.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from typing import Final

from bootd.model.device import BlockDevice, DeviceEvent, DeviceKind
from bootd.model.text import clean

POLL_S: Final = 0.25
MAX_DEVICES: Final = 256

OnEvent = Callable[[DeviceEvent], None]


class DirectorySource:
    """Reports the sub-directories of one directory (`bootd.services.discovery.DeviceSource`)."""

    def __init__(
        self,
        root: str,
        *,
        images: Callable[[], Mapping[str, BlockDevice]] = dict,
        poll_s: float = POLL_S,
    ) -> None:
        """Play the machine at `root`; `images` lists further devices, asked at every look."""
        self._root = root
        self._images = images
        self._poll_s = poll_s
        self._present: dict[str, BlockDevice] = {}
        self._on_event: OnEvent | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self, on_event: OnEvent, /) -> None:
        """Report what is there and from then on what changes, from the running loop."""
        self._on_event = on_event
        self._poll()

    def rescan(self) -> None:
        """Report every sub-directory again."""
        for device in self._present.values():
            self._report(DeviceEvent(name=device.name, device=device))

    def close(self) -> None:
        """Stop reporting."""
        self._on_event = None
        if self._timer is not None:
            self._timer.cancel()

    def _poll(self) -> None:
        now = {**self._images(), **list_devices(self._root)}
        for name in [name for name in self._present if name not in now]:
            del self._present[name]
            self._report(DeviceEvent(name=name, device=None))
        for name, device in now.items():
            if self._present.get(name) != device:
                self._present[name] = device
                self._report(DeviceEvent(name=name, device=device))
        self._timer = asyncio.get_running_loop().call_later(self._poll_s, self._poll)

    def _report(self, event: DeviceEvent) -> None:
        if self._on_event is not None:
            self._on_event(event)


def list_devices(root: str) -> dict[str, BlockDevice]:
    """Return the devices that the sub-directories of `root` play, by name.

    Names that start with a dot are passed over; so are links. A directory that cannot be read plays
    a machine without devices.
    """
    try:
        with os.scandir(root) as entries:
            found = sorted(
                (clean(entry.name), entry.path, entry.inode())
                for entry in entries
                if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
            )
    except OSError:
        return {}
    return {
        name: BlockDevice(
            name=name,
            node=path,
            disk=name,
            model="directory",
            kind=DeviceKind.DIRECTORY,
            sequence=inode,
        )
        for name, path, inode in found[:MAX_DEVICES]
    }
