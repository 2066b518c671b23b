"""Keeps probes away from file systems that the administrator does not want mounted."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Protocol

from bootd.errors import ProbeError
from bootd.model.device import ANDROID, MEMBERS, BlockDevice, DeviceKind
from bootd.model.option import ScanResult
from bootd.services.discovery import Scanner

if TYPE_CHECKING:
    from bootd.model.lent import LentFile


class Previewer(Scanner, Protocol):
    """A scanner that can begin before udev has told of a device."""

    def preview(self, name: str, node: str, types: Collection[str], /) -> bool:
        """Read a device, if it has one of these file systems; a later scan may make use of it."""
        ...


class MemberScanner(Protocol):
    """Who looks at disks that are a part of something; `bootd.services.stacks.Stacks` does."""

    async def scan(self, device: BlockDevice, /) -> ScanResult:
        """Find out what; raises ProbeError."""
        ...


class AllowedFileSystems:
    """A scanner that hands on what it may look at and says why not for the rest.

    Attributes:
        allowed: Types as blkid names them; a reload may replace them.
    """

    def __init__(
        self, scanner: Previewer, allowed: Collection[str], members: MemberScanner | None = None
    ) -> None:
        self.allowed = allowed
        self._scanner = scanner
        self._members = members

    async def scan(self, device: BlockDevice, lent: "Collection[LentFile]" = (), /) -> ScanResult:
        """Return the device's boot options.

        Raises:
            ProbeError: Its type is not allowed, or the scanner's reason.
        """
        if self._members is not None and device.fstype in MEMBERS:
            return await self._members.scan(device)
        self._check(device)
        return await self._scanner.scan(device, lent)

    async def lend(self, device: BlockDevice, paths: Sequence[str], /) -> "tuple[LentFile, ...]":
        """Look up files for the configuration of another device; raises like `scan`."""
        self._check(device)
        return await self._scanner.lend(device, paths)

    def _check(self, device: BlockDevice) -> None:
        # A directory and a boot image are not mounted.
        mounted = device.kind is not DeviceKind.DIRECTORY and device.fstype != ANDROID
        if mounted and device.fstype not in self.allowed:
            named = device.fstype or "an unknown type"
            raise ProbeError(
                device.name, f"{named} is not looked at; the setting FileSystems can add it"
            )

    def preview(self, name: str, node: str) -> None:
        """Have a device read that udev is still at work on; see `Prober.preview`."""
        self._scanner.preview(name, node, self.allowed)

    async def watch(self) -> None:
        """Wait until no more scans are possible; raises then."""
        await self._scanner.watch()
