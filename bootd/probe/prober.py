"""The broker's side of probing: asks the zygote for workers and talks to them.

A worker that is wanted no longer is killed. One that does not die (a mount on a dead medium cannot
be killed) is counted as lost until it does; with `MAX_LOST` of them no new device is probed.
"""

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING, Final, Self

from bootd.errors import BootdError, ProbeError, ProberError, ProtocolError
from bootd.model.device import BlockDevice
from bootd.model.option import ScanResult
from bootd.model.problem import Problem
from bootd.probe import answer
from bootd.probe.channel import close_all, decode, encode_packet, receive_part, send
from bootd.probe.order import Order, order_for
from bootd.probe.preview import believe
from bootd.probe.session import Session
from bootd.probe.spawn import Spawned, spawn
from bootd.probe.task import Tables
from bootd.probe.waiting import Waiting
from bootd.protocol.codec import Json, from_json, to_json

if TYPE_CHECKING:
    from bootd.model.lent import LentFile

SCAN_S: Final = 5.0
"""Mounting and reading one device (DESIGN.md, limits)."""
MAX_LOST: Final = 8
"""Workers that hang on dead media at the same time."""

_EARLY_S: Final = 1.0
"""The early look takes 2 ms; a zygote that says nothing for so long is not waited for."""
_GRACE_S: Final = 0.05
"""For a worker that has answered; it ends by itself, and killing it would delay the answer."""
_LOST_S: Final = 0.5
"""A killed worker that is not reaped by then hangs in the kernel."""
_END_STEPS: Final = 200
_END_STEP_S: Final = 0.005


class Prober:
    """Owner of the zygote; make it with `start`, or `adopt`; end it with `close`."""

    def __init__(self, spawned: Spawned, *, helpers: Collection[str], early: bool) -> None:
        self._control = spawned.control
        self._pid = spawned.pid
        self._helpers = frozenset(helpers)
        self._numbers = count(1)
        self._sessions: dict[int, Session] = {}
        self._killed: dict[int, float] = {}
        self._early: dict[str, tuple[BlockDevice, Session]] = {}
        self._early_numbers: set[int] = set()
        self._spares: dict[int, socket.socket] = {}
        self._previews = Waiting()
        self.unprotected: tuple[str, ...] = ()
        """What this kernel lacks to confine workers, in words; the zygote says so soon."""
        self.on_health: Callable[[], object] = bool
        """Called when that or `lost` may have changed."""
        self._early_done = asyncio.Event()
        if not early:
            self._early_done.set()
        self._end: asyncio.Future[None] | None = None

    @classmethod
    def start(cls, tables: Tables, *, early: bool = False) -> Self:
        """Fork a zygote and take it over; before the first thread and before the loop runs.

        Args:
            tables: What its workers can do.
            early: Probe at once what udev knows already. `bootd.probe.spawn` and `adopt` do this
                before the broker has imported this module.
        """
        return cls(spawn(lambda: tables, early=early), helpers=tables.helpers, early=early)

    @classmethod
    def adopt(cls, spawned: Spawned, *, helpers: Collection[str] = (), early: bool = True) -> Self:
        """Take over a zygote that was forked before.

        Args:
            spawned: Owned from now on.
            helpers: Names in its table of helpers.
            early: As given to `spawn`.
        """
        return cls(spawned, helpers=helpers, early=early)

    async def early_devices(self) -> tuple[BlockDevice, ...]:
        """Return the devices whose probes the zygote began by itself; empty without `early`."""
        self._attach()
        with suppress(TimeoutError):
            async with asyncio.timeout(_EARLY_S):
                await self._early_done.wait()
        return tuple(device for device, _ in self._early.values())

    def is_looking(self) -> bool:
        """Say whether workers of the early look still run."""
        return bool(self._early_numbers)

    async def scan(self, device: BlockDevice, lent: "Collection[LentFile]" = ()) -> ScanResult:
        """Find a device's boot options; the result has been checked.

        Args:
            device: Whose.
            lent: Files of other devices that an earlier scan of it wanted.

        Raises:
            ProbeError: In words for a person.
            ProberError: The zygote is gone.
        """
        try:
            async with asyncio.timeout(SCAN_S):
                if not lent and (seen := await self._previewed(device)) is not None:
                    return seen
                async with self._scanning(device, lent) as session:
                    result = answer.scan_result(await session.only_reply())
        except TimeoutError:
            raise ProbeError(device.name, f"was not read within {SCAN_S:g} s") from None
        except ProtocolError as error:
            raise ProbeError(device.name, f"its worker answered nonsense: {error}") from error
        except OSError as error:
            raise ProbeError(device.name, f"cannot be read: {error.strerror}") from error
        noted = tuple(Problem(source="", message=f"{device.name} {n}") for n in session.notes)
        return ScanResult(problems=noted) + result

    async def lend(self, device: BlockDevice, paths: Sequence[str]) -> "tuple[LentFile, ...]":
        """Look up files that a configuration on another device wants; checked as well.

        Raises:
            ProbeError: In words for a person.
            ProberError: The zygote is gone.
            OSError: The medium failed.
        """
        async with self.session(device) as session:
            found, _ = await session.call("lend", {"paths": [*paths]}, timeout_s=SCAN_S)
        try:
            return answer.lent_files(found, paths)
        except ProtocolError as error:
            raise ProbeError(device.name, f"its worker answered nonsense: {error}") from error

    async def ask(self, device: BlockDevice, task: str, *, timeout_s: float) -> Json:
        """Return what a task of a worker says about a device, *not* checked yet.

        Raises:
            ProbeError, OSError: In words for a person.
            ProberError: The zygote is gone.
        """
        async with self.session(device) as session:
            found, fds = await session.call(task, None, timeout_s=timeout_s)
        close_all(fds)
        return found

    def preview(self, name: str, node: str, types: Collection[str]) -> bool:
        """Have a spare worker read a device that udev has not told of yet; `scan` makes use of it.

        Without a spare nothing happens, and a device that is still changing is not read again.

        Args:
            name: Kernel name.
            node: To open.
            types: File systems that may be looked at, as blkid names them.

        Returns:
            Whether a worker reads it now.
        """
        if self._previews.drop(name) or self.lost >= MAX_LOST:
            return False
        order = Order(node=node, fstype="", confined=True, mounted=False)
        session = self._hire_spare(name, to_json(order))
        if session is not None:
            session.ask_only("preview", {"types": [*types]})
            self._previews.keep(name, session)
        return session is not None

    async def _previewed(self, device: BlockDevice) -> ScanResult | None:
        """Return what the preview of a device has found, or None when it has to be scanned."""
        session = self._previews.take(device.name)
        if session is None:
            return None
        try:
            result = believe(await session.only_reply(), device)
            return None if result is None else answer.scan_result(result)
        except (BootdError, OSError):  # the scan will say what is wrong
            return None
        finally:
            session.close()

    @asynccontextmanager
    async def session(self, device: BlockDevice) -> AsyncIterator[Session]:
        """Give a worker that holds the device mounted, for several calls.

        Raises:
            ProbeError: The device cannot be mounted.
            ProberError: The zygote is gone.
        """
        async with self._worker(device.name, device) as session:
            await session.ready()
            yield session

    async def run(
        self, task: str, params: Json, fds: Sequence[int] = (), *, timeout_s: float
    ) -> tuple[Json, list[int]]:
        """Run a task that needs no device, as a helper when it is one; see `Session.call`."""
        async with self._worker(task, None, confined=task not in self._helpers) as session:
            return await session.call(task, params, fds, timeout_s=timeout_s)

    async def watch(self) -> None:
        """Wait until the zygote dies.

        Raises:
            ProberError: It did.
        """
        self._attach()
        if self._end is not None:
            await asyncio.shield(self._end)

    async def close(self) -> None:
        """End the zygote and all workers."""
        if self._end is not None:
            asyncio.get_running_loop().remove_reader(self._control)
            self._end.cancel()
        for _, session in self._early.values():
            session.close()
        self._previews.close()
        for sock in self._spares.values():
            sock.close()
        self._control.close()
        for _ in range(_END_STEPS):
            if self._is_reaped():
                return
            await asyncio.sleep(_END_STEP_S)
        os.kill(self._pid, signal.SIGKILL)
        await asyncio.to_thread(os.waitpid, self._pid, 0)

    def _is_reaped(self) -> bool:
        return os.waitpid(self._pid, os.WNOHANG) != (0, 0)

    @property
    def lost(self) -> int:
        """How many workers hang although they were killed."""
        now = time.monotonic()
        return sum(1 for since in self._killed.values() if now - since > _LOST_S)

    @asynccontextmanager
    async def _scanning(
        self, device: BlockDevice, lent: "Collection[LentFile]" = ()
    ) -> AsyncIterator[Session]:
        """Give the worker of the early look if it saw this very device, or else a new one."""
        seen, session = self._early.pop(device.name, (None, None))
        if session is not None and seen == device:
            try:
                yield session
            finally:
                session.close()
            return
        if session is not None:
            session.close()
        async with self._worker(device.name, device) as session:
            await session.ask("scan", {"lent": [to_json(each) for each in lent]} if lent else None)
            yield session

    @asynccontextmanager
    async def _worker(
        self, name: str, device: BlockDevice | None, *, confined: bool = True
    ) -> AsyncIterator[Session]:
        self._attach()
        if device is not None and self.lost >= MAX_LOST:
            raise ProbeError(
                name, f"is not looked at: {self.lost} other devices do not answer; unplug them"
            )
        session = self._hire(name, order_for(device, confined=confined))
        try:
            yield session
        finally:
            session.close()

    def _hire(self, name: str, order: Order) -> Session:
        """Give the order to a spare worker, or else have a new one made."""
        members = to_json(order)
        if order.confined and (spare := self._hire_spare(name, members)) is not None:
            return spare
        number = next(self._numbers)
        ours, theirs = socket.socketpair()
        session = self._add(number, name, ours)
        try:
            with theirs:
                self._tell({"id": number} | (members if isinstance(members, dict) else {}), theirs)
        except BaseException:
            session.close()
            raise
        return session

    def _hire_spare(self, name: str, order: Json) -> Session | None:
        while self._spares:
            number, sock = self._spares.popitem()
            try:
                send(sock, {"order": order})
            except OSError:  # it has died, and the zygote's message is still on its way
                sock.close()
                continue
            return self._add(number, name, sock)
        return None

    def _add(self, number: int, name: str, sock: socket.socket) -> Session:
        session = Session(name, sock, lambda: self._leave(number))
        self._sessions[number] = session
        return session

    def _leave(self, number: int) -> None:
        """Make sure that a worker ends; one with nothing to do does when its socket closes."""
        session = self._sessions.get(number)
        if session is not None and number not in self._killed:
            self._killed[number] = time.monotonic()
            if session.busy:
                self._kill(number)
            else:
                asyncio.get_running_loop().call_later(_GRACE_S, self._kill, number)

    def _kill(self, number: int) -> None:
        if number in self._sessions:
            with suppress(ProberError):  # `watch` reports it
                self._tell({"id": number, "kill": True})
            asyncio.get_running_loop().call_later(2 * _LOST_S, self.on_health)

    def _tell(self, message: Mapping[str, Json], sock: socket.socket | None = None) -> None:
        fds = [] if sock is None else [sock.fileno()]
        try:
            socket.send_fds(self._control, [encode_packet(dict(message))], fds)
        except OSError as error:
            raise ProberError(_GONE) from error

    def _attach(self) -> None:
        """Listen to the zygote, from the running loop; does nothing the second time."""
        if self._end is None:
            loop = asyncio.get_running_loop()
            self._end = loop.create_future()
            self._control.setblocking(False)  # noqa: FBT003 - positional-only
            loop.add_reader(self._control, self._hear)
            self._hear()

    def _hear(self) -> None:
        while True:
            try:
                data, fds = receive_part(self._control)
            except BlockingIOError:
                return
            except ConnectionError:
                data, fds = b"", []
            if not data:
                self._lose_zygote()
                return
            self._heed(decode(data), fds)

    def _heed(self, message: dict[str, Json], fds: list[int]) -> None:
        number, status = message.get("id"), message.get("exit")
        if message.get("early") is True:
            self._early_done.set()
        elif isinstance(lacking := message.get("unprotected"), list):
            self.unprotected = tuple(str(each) for each in lacking)
            self.on_health()
        elif isinstance(number, int) and isinstance(status, int):
            self._bury(number, status)
        elif isinstance(number, int) and fds and message.get("spare") is True:
            self._spares[number] = socket.socket(fileno=fds[0])
        elif isinstance(number, int) and fds:
            self._early_numbers.add(number)
            device = from_json(BlockDevice, message.get("device"))
            session = self._add(number, device.name, socket.socket(fileno=fds[0]))
            self._early[device.name] = (device, session)

    def _bury(self, number: int, status: int) -> None:
        self._killed.pop(number, None)
        self._early_numbers.discard(number)
        if (spare := self._spares.pop(number, None)) is not None:
            spare.close()
        session = self._sessions.pop(number, None)
        if session is not None:
            session.exit.set_result(status)
        self.on_health()

    def _lose_zygote(self) -> None:
        asyncio.get_running_loop().remove_reader(self._control)
        if self._end is not None and not self._end.done():
            self._end.set_exception(ProberError(_GONE))
        self._early_done.set()


_GONE: Final = "the process that starts probes has died; bootd has to start again"
