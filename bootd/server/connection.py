"""One client: frames in, replies out, limits on both; what the methods do is none of its business.

Calls of one connection are answered in their order. A client that stops reading is given up after
`UNREAD_S`; half a message after `HALF_MESSAGE_S`; anything that is not Varlink at once. A client
that leaves ends its stream at once, while a call that was under way is carried through.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Protocol, cast

from bootd.errors import CallError, ProtocolError
from bootd.linux.peer import Peer
from bootd.protocol.codec import Json
from bootd.protocol.varlink import (
    END,
    MAX_MESSAGE_BYTES,
    Call,
    Reply,
    decode_call,
    encode_reply,
)

HALF_MESSAGE_S: Final = 5.0
UNREAD_S: Final = 10.0
UNREAD_BYTES: Final = 256 << 10
GATHERED_BYTES: Final = 64 << 10
"""Of replies that are sent together: each alone costs a system call, and wakes a client."""
MAX_PIPELINED: Final = 4
"""Calls that wait for the one before them; further ones stay in the kernel's buffer."""


class _LeftError(Exception):
    """The client left, or must be dropped; ends the connection's tasks."""


class Conversation(Protocol):
    """What answering a call needs of its connection."""

    peer: Peer

    async def reply(self, parameters: dict[str, Json], *, continues: bool = False) -> None:
        """Send a reply to the call being answered; waits while the client is slow."""
        ...


Answer = Callable[[Call, Conversation], Awaitable[None]]
"""Answers one call with one or more replies, the last without `continues`; or raises CallError."""


class Connection:
    """A connected client; `run` ends when it leaves or is dropped."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: Peer
    ) -> None:
        self.peer = peer
        self._reader = reader
        self._writer = writer
        self._calls: asyncio.Queue[Call | None] = asyncio.Queue(MAX_PIPELINED)
        self._call: Call | None = None
        self._gathered = bytearray()
        writer.transport.set_write_buffer_limits(high=UNREAD_BYTES)

    async def run(self, answer: Answer) -> None:
        """Serve until the client leaves or breaks a rule; the socket is closed afterwards."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(), name="read calls")
                tasks.create_task(self._answer(answer), name="answer calls")
        except* _LeftError:
            pass
        finally:
            self._writer.transport.abort()

    async def reply(self, parameters: dict[str, Json], *, continues: bool = False) -> None:
        """Send a reply; see `Conversation`."""
        if self._call is None or not self._call.oneway:
            await self._send(Reply(parameters=parameters, continues=continues))

    async def _read(self) -> None:
        try:
            while True:
                call = await self._next_call()
                if self._streaming and (call is None or self._calls.full()):
                    raise _LeftError
                await self._calls.put(call)
                if call is None:
                    return
        except (ProtocolError, ConnectionError, TimeoutError) as error:
            raise _LeftError from error

    async def _next_call(self) -> Call | None:
        """Return the next call, None when the client has finished."""
        head = await self._reader.read(1)
        if not head:
            return None
        try:
            async with asyncio.timeout(HALF_MESSAGE_S):
                rest = b"" if head == END else await self._reader.readuntil(END)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise ProtocolError(f"no message below {MAX_MESSAGE_BYTES} bytes") from error
        return decode_call(head + rest)

    @property
    def _streaming(self) -> bool:
        return self._call is not None and self._call.more

    async def _answer(self, answer: Answer) -> None:
        while (call := await self._calls.get()) is not None:
            self._call = call
            try:
                await answer(call, self)
            except CallError as error:
                await self._send_error(error)
            self._call = None
        with suppress(ConnectionError, TimeoutError):
            self._flush()
            await self._drain()
        raise _LeftError

    async def _send_error(self, error: CallError) -> None:
        if self._call is None or not self._call.oneway:
            await self._send(
                Reply(error=error.name, parameters=cast(dict[str, Json], error.parameters))
            )

    async def _send(self, reply: Reply) -> None:
        """Send at the end of the loop's turn, or at once when that is much or the last."""
        if not self._gathered:
            asyncio.get_running_loop().call_soon(self._flush)
        self._gathered += encode_reply(reply)
        waiting = self._writer.transport.get_write_buffer_size() > 0
        if reply.continues and len(self._gathered) < GATHERED_BYTES and not waiting:
            return
        try:
            self._flush()
            await self._drain()
        except (ConnectionError, TimeoutError) as error:
            raise _LeftError from error

    def _flush(self) -> None:
        if self._gathered and not self._writer.transport.is_closing():
            self._writer.write(bytes(self._gathered))
        self._gathered.clear()

    async def _drain(self) -> None:
        async with asyncio.timeout(UNREAD_S):
            await self._writer.drain()
