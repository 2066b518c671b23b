"""The client of the daemon: one typed coroutine for each method, one stream of events.

Used by bootmenu and bootdctl alike. Several calls may be under way at once: each has a connection
of its own, and connections are kept for the next call, so that a long Boot never delays a Cancel.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Self, TypeVar

from bootd.errors import CallError, ProtocolError, UnreachableError
from bootd.protocol import methods
from bootd.protocol.codec import Json, from_json, to_json
from bootd.protocol.events import event_from_json
from bootd.protocol.machine import LookView, MachineView
from bootd.protocol.messages import (
    NO_OVERRIDES,
    SOCKET,
    BootReply,
    Event,
    Explanation,
    OptionView,
    Overrides,
    Resync,
    Snapshot,
    Status,
    TreePageView,
)
from bootd.protocol.varlink import (
    END,
    Call,
    Reply,
    decode_reply,
    encode_call,
)
from bootd.reach import (
    BOOT_TIMEOUT_S,
    EXPLAIN_TIMEOUT_S,
    QUICK_TIMEOUT_S,
    call_error,
    no_answer,
)
from bootd.ways import UnixSocket, Way

T = TypeVar("T")


class Client:
    """A connection to the daemon; make it with `await Client.connect()`, end it with `close()`.

    Every coroutine raises `CallError` with the daemon's sentence when it refuses,
    `UnreachableError` when it cannot be asked, and `ProtocolError` when its answer makes no sense.
    """

    def __init__(self, way: Way | str = SOCKET) -> None:
        self._way = UnixSocket(way) if isinstance(way, str) else way
        self._idle: list[_Connection] = []

    @classmethod
    async def connect(cls, way: Way | str = SOCKET) -> Self:
        """Return a client whose daemon was there a moment ago.

        Args:
            way: To the daemon; the path of its unix socket is one.

        Raises:
            UnreachableError: It says how to start bootd.
        """
        client = cls(way)
        client._idle.append(await _Connection.open(client._way))
        return client

    async def close(self) -> None:
        """Give up idle connections; calls and streams under way end with their callers."""
        while self._idle:
            await self._idle.pop().close()
        await self._way.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def describe(self) -> Status:
        """Return the daemon's status."""
        reply = await self._call(methods.DESCRIBE, methods.NoParameters(), QUICK_TIMEOUT_S)
        return from_json(methods.Describing, reply).status

    async def describe_machine(self) -> MachineView:
        """Return the machine at this moment, and the settings."""
        reply = await self._call(methods.DESCRIBE_MACHINE, methods.NoParameters(), QUICK_TIMEOUT_S)
        return from_json(methods.DescribingMachine, reply).machine

    async def list_options(self) -> tuple[OptionView, ...]:
        """Return every option in menu order."""
        options: list[OptionView] = []
        async with self._connection(methods.LIST_OPTIONS, QUICK_TIMEOUT_S) as connection:
            async for reply in connection.stream(methods.LIST_OPTIONS):
                options += from_json(methods.Listing, reply).options
        return tuple(options)

    async def snapshot(self) -> Snapshot:
        """Return devices and status as they are now; options of a long menu may be missing."""
        connection = await self._take()
        try:
            async with asyncio.timeout(QUICK_TIMEOUT_S):
                async for event in _subscription(connection):
                    if isinstance(event, Snapshot):
                        return event
        except TimeoutError as error:
            raise UnreachableError("bootd does not answer.") from error
        finally:
            await connection.close()
        raise UnreachableError("bootd ended the stream of events.")

    async def explain(self, option_id: str, overrides: Overrides = NO_OVERRIDES) -> Explanation:
        """Return what would happen at the boot of an option, and why."""
        parameters = methods.Explaining(id=option_id, overrides=overrides)
        reply = await self._call(methods.EXPLAIN, parameters, EXPLAIN_TIMEOUT_S)
        return from_json(methods.Explained, reply).explanation

    async def browse_tree(self, asked: methods.Browsing) -> TreePageView:
        """Return rows of the tree that an option would get."""
        reply = await self._call(methods.BROWSE_TREE, asked, EXPLAIN_TIMEOUT_S)
        return from_json(methods.Browsed, reply).page

    async def inspect_device(self, name: str) -> tuple[LookView, ...]:
        """Return where bootd looks on a device, and what of that is there."""
        asked = methods.Inspecting(device=name)
        reply = await self._call(methods.INSPECT_DEVICE, asked, EXPLAIN_TIMEOUT_S)
        return from_json(methods.Inspected, reply).looks

    async def select(self, option_id: str, by: str = "") -> None:
        """Make an option the one that is highlighted everywhere and booted by the countdown."""
        await self._call(methods.SELECT, methods.Selecting(id=option_id, by=by), QUICK_TIMEOUT_S)

    async def boot(
        self, option_id: str, overrides: Overrides = NO_OVERRIDES, by: str = ""
    ) -> BootReply:
        """Load an option and start it; the reply comes right before this machine leaves."""
        return await self._load(methods.BOOT, option_id, overrides, by)

    async def load_crash_kernel(
        self, option_id: str, overrides: Overrides = NO_OVERRIDES, by: str = ""
    ) -> BootReply:
        """Load an option that starts when the running kernel crashes."""
        return await self._load(methods.LOAD_CRASH_KERNEL, option_id, overrides, by)

    async def _load(
        self, method: methods.Method, option_id: str, overrides: Overrides, by: str
    ) -> BootReply:
        parameters = methods.Booting(id=option_id, overrides=overrides, by=by)
        reply = await self._call(method, parameters, BOOT_TIMEOUT_S)
        return from_json(methods.Booted, reply).reply

    async def cancel(self, by: str = "") -> None:
        """Stop the countdown, or a load that has not been executed yet."""
        await self._call(methods.CANCEL, methods.Cancelling(by=by), QUICK_TIMEOUT_S)

    async def rescan(self) -> None:
        """Look at every device again."""
        await self._call(methods.RESCAN, methods.NoParameters(), QUICK_TIMEOUT_S)

    async def unlock(self, device: str, passphrase: str, by: str = "") -> None:
        """Open an encrypted device by its kernel name; what is in it appears by itself."""
        asked = methods.Unlocking(device=device, passphrase=passphrase, by=by)
        await self._call(methods.UNLOCK, asked, BOOT_TIMEOUT_S)

    async def set_timeout(self, seconds: int | None, by: str = "") -> None:
        """Count anew from so many seconds; None boots nothing by itself."""
        asked = methods.SettingTimeout(seconds=seconds, by=by)
        await self._call(methods.SET_TIMEOUT, asked, QUICK_TIMEOUT_S)

    async def set_default(self, option_id: str, by: str = "", *, until: str = "") -> None:
        """Make an option the default; a pattern, `@saved` and "" are allowed, too."""
        asked = methods.SettingDefault(id=option_id, until=until, by=by)
        await self._call(methods.SET_DEFAULT, asked, QUICK_TIMEOUT_S)

    async def set_one_shot(self, option_id: str, by: str = "") -> None:
        """Boot an option once, by itself, at the next boot; "" forgets it."""
        asked = methods.Selecting(id=option_id, by=by)
        await self._call(methods.SET_ONE_SHOT, asked, QUICK_TIMEOUT_S)

    async def configure(self, asked: methods.Configuring) -> None:
        """Change settings that are kept."""
        await self._call(methods.CONFIGURE, asked, QUICK_TIMEOUT_S)

    async def save_overrides(
        self, option_id: str, name: str, overrides: Overrides, by: str = ""
    ) -> str:
        """Keep changes of an option as an option of its own; returns its id."""
        asked = methods.SavingOverrides(id=option_id, name=name, overrides=overrides, by=by)
        reply = await self._call(methods.SAVE_OVERRIDES, asked, QUICK_TIMEOUT_S)
        return from_json(methods.Saved, reply).id

    async def forget_overrides(self, option_id: str, by: str = "") -> None:
        """Forget an option that `save_overrides` made."""
        asked = methods.Selecting(id=option_id, by=by)
        await self._call(methods.FORGET_OVERRIDES, asked, QUICK_TIMEOUT_S)

    async def open_shell(self, console: str, by: str = "") -> None:
        """Open a shell of root's on a console, in place of its menu."""
        asked = methods.OpeningShell(console=console, by=by)
        await self._call(methods.OPEN_SHELL, asked, EXPLAIN_TIMEOUT_S)

    async def leave(self, action: str, by: str = "") -> None:
        """Restart the machine (`reboot`) or switch it off (`powerOff`)."""
        await self._call(methods.LEAVE, methods.Leaving(action=action, by=by), QUICK_TIMEOUT_S)

    async def events(self) -> AsyncIterator[Event]:
        """Yield a Snapshot, then every change, until the daemon ends or the caller stops.

        A large menu comes as a Snapshot of its first options followed by an OptionChanged for each
        other one. When events were lost a Resync is yielded, and then a new Snapshot.

        Raises:
            UnreachableError: The daemon ended.
        """
        connection = await self._take()
        try:
            again = True
            while again:
                again = False
                async for event in _subscription(connection):
                    yield event
                    again = isinstance(event, Resync)
        finally:
            await connection.close()
        raise UnreachableError("bootd ended the stream of events.")

    async def _call(
        self, method: methods.Method, parameters: object, timeout_s: float
    ) -> dict[str, Json]:
        async with self._connection(method, timeout_s) as connection:
            return await connection.call(method, parameters)

    async def _take(self) -> "_Connection":
        """Return an idle connection, or a new one."""
        while self._idle and self._idle[-1].ended:
            await self._idle.pop().close()  # the daemon was restarted in between
        return self._idle.pop() if self._idle else await _Connection.open(self._way)

    @asynccontextmanager
    async def _connection(
        self, method: methods.Method, timeout_s: float
    ) -> AsyncIterator["_Connection"]:
        """Lend a connection for one call; it is kept for the next unless the call broke off."""
        connection = await self._take()
        keep = False
        try:
            async with asyncio.timeout(timeout_s):
                yield connection
            keep = True
        except CallError:
            keep = True
            raise
        except TimeoutError as error:
            raise UnreachableError(no_answer(method.name, timeout_s)) from error
        finally:
            if keep:
                self._idle.append(connection)
            else:
                await connection.close()


class _Connection:
    """One socket; one call at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, way: Way) -> Self:
        """Connect; see `Way`."""
        return cls(*await way.open())

    @property
    def ended(self) -> bool:
        """Whether the daemon has closed this connection."""
        return self._reader.at_eof() or self._writer.is_closing()

    async def close(self) -> None:
        """Close the socket."""
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def call(self, method: methods.Method, parameters: object) -> dict[str, Json]:
        """Ask once and return the reply's parameters."""
        await self._send(method, parameters, more=False)
        return (await self._receive()).parameters

    async def stream(self, method: methods.Method) -> AsyncIterator[dict[str, Json]]:
        """Ask with `more` and yield each reply's parameters."""
        await self._send(method, methods.NoParameters(), more=True)
        continues = True
        while continues:
            reply = await self._receive()
            yield reply.parameters
            continues = reply.continues

    async def _send(self, method: methods.Method, parameters: object, *, more: bool) -> None:
        members = to_json(parameters)
        assert isinstance(members, dict)  # noqa: S101 - every parameters record becomes an object
        call = Call(method=method.full_name, parameters=members, more=more)
        try:
            self._writer.write(encode_call(call))
            await self._writer.drain()
        except ConnectionError as error:
            raise UnreachableError("bootd closed the connection.") from error

    async def _receive(self) -> Reply:
        try:
            frame = await self._reader.readuntil(END)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise UnreachableError("bootd closed the connection.") from error
        except asyncio.LimitOverrunError as error:
            raise ProtocolError("bootd sent a message that is too long") from error
        reply = decode_reply(frame)
        if reply.error:
            raise call_error(reply)
        return reply


async def _subscription(connection: _Connection) -> AsyncIterator[Event]:
    expected = 0
    async for reply in connection.stream(methods.SUBSCRIBE):
        numbered = event_from_json(reply.get("event"))
        if numbered is None:
            expected += 1
            continue
        sequence, event = numbered
        if sequence != expected:
            raise ProtocolError(f"expected event {expected}, got {sequence}")
        expected += 1
        yield event
