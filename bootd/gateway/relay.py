"""One client of the gateway and its connection to the daemon: what may pass, rewritten.

A request is never passed on as it came: it is read, checked against what other machines may ask,
and written anew, with the name from the client's certificate for who acts. The daemon's answers
pass as they are. Half a request is dropped after `HALF_S`, an unread answer after `UNREAD_S`.
"""

import asyncio
from typing import Final, cast

from bootd.errors import ProtocolError, UnreachableError
from bootd.protocol import methods
from bootd.protocol.codec import Json, from_json, to_json
from bootd.protocol.messages import ErrorName
from bootd.protocol.methods import METHODS, Method, Replies
from bootd.protocol.varlink import (
    END,
    Call,
    Reply,
    decode_call,
    decode_reply,
    encode_call,
    encode_reply,
)
from bootd.record import replace
from bootd.ways import Streams, Way

MAX_CALL_BYTES: Final = 64 << 10
HALF_S: Final = 5.0
UNREAD_S: Final = 10.0
UNREAD_BYTES: Final = 256 << 10
PAUSE_S: Final = 0.05
"""After each request: 20 a second are more than a person asks."""

ALLOWED: Final = {method.full_name: method for method in METHODS if method.remote}
"""By full name what other machines may ask; the daemon holds the gateway to the same."""

_ABOUT: Final = ("org.varlink.service.GetInfo", "org.varlink.service.GetInterfaceDescription")

_REFUSED: Final = "From another machine options can be listed, selected and cancelled, no more."


class Refused(Exception):  # noqa: N818 - not an error of this program
    """A request is answered here, with this reply."""

    def __init__(self, name: str, **parameters: Json) -> None:
        super().__init__(name)
        self.reply = Reply(error=name, parameters=parameters)


def admitted(call: Call, by: str) -> Call:
    """Return a request as it may be passed on, in the name of `by`. Pure.

    Raises:
        Refused: It may not.
    """
    if call.method in _ABOUT:
        interface = str(call.parameters.get("interface", ""))
        wanted: dict[str, Json] = {"interface": interface} if interface else {}
        return Call(method=call.method, parameters=wanted)
    method = ALLOWED.get(call.method)
    if method is None:
        raise Refused(ErrorName.PERMISSION_DENIED, message=_REFUSED)
    try:
        parameters: object = from_json(method.parameters, call.parameters)
    except ProtocolError as error:
        raise Refused(ErrorName.INVALID_PARAMETER, parameter=str(error)) from error
    if isinstance(parameters, methods.Selecting | methods.Cancelling):
        parameters = replace(parameters, by=by)
    return Call(
        method=method.full_name,
        parameters=cast(dict[str, Json], to_json(parameters)),
        more=call.more and method.replies is not Replies.ONE,
        oneway=call.oneway,
    )


class Relay:
    """A client whose certificate was found good; `run` ends when it leaves or breaks a rule."""

    def __init__(self, client: Streams, daemon: Way, by: str) -> None:
        """Carry between the two, in the name of `by`; the client's streams stay the caller's."""
        self._reader, self._writer = client
        self._way = daemon
        self._daemon: Streams | None = None
        self._by = by
        self._writer.transport.set_write_buffer_limits(high=UNREAD_BYTES)

    async def run(self) -> None:
        """Answer one request after the other; a stream ends when the client asks for more."""
        try:
            async with asyncio.TaskGroup() as tasks:
                coming = tasks.create_task(self._next_call())
                while (call := await coming) is not None:
                    coming = tasks.create_task(self._next_call())
                    answer = tasks.create_task(self._answer(call))
                    await asyncio.wait({answer, coming}, return_when=asyncio.FIRST_COMPLETED)
                    if not answer.done() and _streams(call):
                        answer.cancel()
                        return
                    await answer
        except* (ProtocolError, OSError, EOFError):  # TimeoutError is an OSError
            pass
        finally:
            if self._daemon is not None:
                self._daemon[1].close()

    async def _next_call(self) -> Call | None:
        head = await self._reader.read(1)
        if not head:
            return None
        async with asyncio.timeout(HALF_S):
            rest = b"" if head == END else await _frame(self._reader)
        return decode_call(head + rest)

    async def _answer(self, call: Call) -> None:
        try:
            await self._pass_on(admitted(call, self._by))
        except Refused as refused:
            if not call.oneway:
                await self._send(encode_reply(refused.reply))
        await asyncio.sleep(PAUSE_S)

    async def _pass_on(self, call: Call) -> None:
        reader, writer = await self._open()
        writer.write(encode_call(call))
        await writer.drain()
        continues = not call.oneway
        while continues:
            frame = await _frame(reader)
            await self._send(frame)
            continues = decode_reply(frame).continues

    async def _open(self) -> Streams:
        if self._daemon is None:
            try:
                self._daemon = await self._way.open()
            except UnreachableError as error:
                raise Refused(ErrorName.BUSY, message=str(error)) from error
        return self._daemon

    async def _send(self, frame: bytes) -> None:
        self._writer.write(frame)
        async with asyncio.timeout(UNREAD_S):
            await self._writer.drain()


async def _frame(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(END)
    except asyncio.LimitOverrunError as error:
        raise ProtocolError("a message is too long") from error


def _streams(call: Call) -> bool:
    method: Method | None = ALLOWED.get(call.method)
    return method is not None and method.replies is Replies.STREAM and call.more
