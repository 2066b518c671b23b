"""Volumes in layers: LVM and mirrors are put together, read-only, when their disks are there.

A disk that is a part of something is listed like any other, with what keeps it from being used; the
volumes that are made from such disks appear through udev like any disk.
"""

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from bootd.errors import BootdError, ProbeError, ProtocolError
from bootd.linux.block_device import is_ours
from bootd.model.device import LUKS, BlockDevice
from bootd.model.option import ScanResult
from bootd.model.problem import Problem
from bootd.protocol.codec import Json
from bootd.services.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bootd.model.stack import Member
    from bootd.policy.stacks import Assembly

log = logging.getLogger(__name__)

_HELPER_S: Final = 5.0
_READ_S: Final = 5.0
_NESTED: Final = (
    "it is a volume that is a part of another one, which only lvm or mdadm put together"
)
"""A disk that contains itself would have volumes made and taken away without end."""
_LOCKED: Final = "it is locked; give its passphrase to see what is on it"


class Reader(Protocol):
    """Who reads disks and has helpers; `bootd.probe.prober.Prober` does."""

    async def ask(self, device: BlockDevice, task: str, /, *, timeout_s: float) -> Json:
        """Return a worker's answer about a device; raises ProbeError, OSError."""
        ...

    async def run(self, task: str, params: Json, /, *, timeout_s: float) -> tuple[Json, list[int]]:
        """Run a helper; raises BootdError, OSError."""
        ...


class Stacks:
    """Knows what disks belong together.

    Args:
        store: Has the disks that are present.
        reader: Not owned.
    """

    def __init__(self, store: Store, reader: Reader) -> None:
        self._store = store
        self._reader = reader
        self._members: dict[str, tuple[BlockDevice, Member]] = {}
        self._notes: Mapping[str, tuple[str, ...]] = {}
        self._made: dict[str, Assembly] = {}
        self._failed: dict[str, str] = {}
        self._first = asyncio.Event()

    async def scan(self, device: BlockDevice) -> ScanResult:
        """Find out what a disk is a part of; what is to be told of it may change later.

        Raises:
            ProbeError: It cannot be read, or what it says makes no sense.
        """
        if device.fstype == LUKS:
            return _told((_LOCKED,), device)
        if is_ours(device.name):
            return _told((_NESTED,), device)
        from bootd.probe.answer import member  # noqa: PLC0415 - few machines have such disks

        try:
            found = member(await self._reader.ask(device, "member", timeout_s=_READ_S))
        except OSError as error:
            raise ProbeError(device.name, f"cannot be read: {error.strerror}") from error
        except ProtocolError as error:
            raise ProbeError(device.name, f"its worker answered nonsense: {error}") from error
        self._members[device.name] = (device, found)
        self._first.set()
        return _told(self._notes.get(device.name, ()), device)

    async def run(self) -> None:
        """Work until cancelled; the volumes go then."""
        await self._first.wait()
        try:
            while True:
                state = self._store.state
                for name in self._members.keys() - state.devices.keys():
                    del self._members[name]
                await self._settle()
                await self._store.next_state(state.revision)
        finally:
            with suppress(BootdError, OSError):
                for name in tuple(self._made):
                    await self._try("dismantle", name, {"name": name})

    async def _settle(self) -> None:
        """Make what can be made, take away what cannot be any more, and tell."""
        from bootd.policy.stacks import plan  # noqa: PLC0415 - as above

        wanted = plan({name: member for name, (_, member) in self._members.items()})
        now = {assembly.name: assembly for assembly in wanted.assemblies}
        for name in [name for name, made in self._made.items() if now.get(name) != made]:
            del self._made[name]
            await self._try("dismantle", name, {"name": name})
        self._failed = {name: why for name, why in self._failed.items() if name in now}
        for name, assembly in now.items():
            if name not in self._made and name not in self._failed:
                await self._try("assemble", name, self._request(assembly))
                if name not in self._failed:
                    self._made[name] = assembly
        failures = tuple(self._failed.values())
        before = self._notes
        self._notes = {name: said + failures for name, said in wanted.notes.items()}
        for name, (device, _) in self._members.items():
            if before.get(name, ()) != self._notes.get(name, ()):
                self._store.device_scanned(device, _told(self._notes[name], device))

    async def _try(self, what: str, name: str, params: Json) -> None:
        from bootd.policy.stacks import PREFIX  # noqa: PLC0415 - as above

        try:
            await self._reader.run(what, params, timeout_s=_HELPER_S)
        except (BootdError, OSError) as error:
            reason = _reason(error)
            known = name.removeprefix(PREFIX)
            self._failed[name] = f"{known} cannot be put together: {reason}"
            log.warning("cannot %s %s: %s", what, known, reason)

    def _request(self, assembly: "Assembly") -> Json:
        nodes = {name: device.node for name, (device, _) in self._members.items()}
        lines: list[Json] = [
            {
                "length": line.length,
                "stripe": line.stripe,
                "places": [[nodes[name], start] for name, start in line.places],
            }
            for line in assembly.lines
        ]
        return {"name": assembly.name, "uuid": assembly.uuid, "lines": lines}


def _told(said: tuple[str, ...], device: BlockDevice) -> ScanResult:
    notes = tuple(Problem(source="", message=f"{device.name}: {each}") for each in said)
    return ScanResult(problems=notes)


def _reason(error: BootdError | OSError) -> str:
    """Return why a helper did not do it, without what the helper is called."""
    if isinstance(error, ProbeError):
        return error.reason
    return (error.strerror if isinstance(error, OSError) else "") or str(error)
