"""Answers calls: finds the method, checks who asks and what, runs the handler.

Also `org.varlink.service`, by which foreign clients find out what this is.
"""

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from typing import Final, cast

from bootd import VERSION
from bootd.errors import CallError, ProtocolError
from bootd.linux.peer import Peer
from bootd.protocol.codec import Json, from_json, to_json
from bootd.protocol.events import event_to_json
from bootd.protocol.messages import INTERFACE, ErrorName
from bootd.protocol.methods import BROWSE_TREE, EXPLAIN, METHODS, Method, Occurrence, Replies
from bootd.protocol.varlink import Call
from bootd.server.access import Access
from bootd.server.connection import Conversation
from bootd.server.handlers import HANDLERS, Asker, Desk

SERVICE_INTERFACE: Final = "org.varlink.service"

STRANGERS_AT_WORK: Final = 2
"""Of those who may change nothing, so many have a worker read a disk at a time; others wait."""

_COSTLY: Final = frozenset({EXPLAIN, BROWSE_TREE})

_METHODS: Final = {method.full_name: method for method in METHODS}


class Service:
    """Everything that can be called on the socket."""

    def __init__(self, desk: Desk, access: Access) -> None:
        """Answer from `desk` within `access`, which a reload may replace."""
        self.access = access
        self._desk = desk
        self._strangers = asyncio.Semaphore(STRANGERS_AT_WORK)

    def trusts(self, peer: Peer) -> bool:
        """Whether `peer` may do everything."""
        return self.access.trusts(peer)

    async def answer(self, call: Call, talk: Conversation) -> None:
        """Answer one call.

        Raises:
            CallError: The call is answered with this error.
        """
        interface, _, name = call.method.rpartition(".")
        if interface == SERVICE_INTERFACE:
            await talk.reply(_describe_interfaces(name, call))
            return
        if interface != INTERFACE:
            raise _error(ErrorName.INTERFACE_NOT_FOUND, interface=interface)
        method = _METHODS.get(call.method)
        if method is None:
            raise _error(ErrorName.METHOD_NOT_FOUND, method=call.method)
        await self._run(method, call, talk)

    async def _run(self, method: Method, call: Call, talk: Conversation) -> None:
        if not self.access.allows(talk.peer, method):
            raise _error(ErrorName.PERMISSION_DENIED)
        if method.replies is Replies.STREAM and not call.more:
            raise _error(ErrorName.EXPECTED_MORE)
        try:
            parameters: object = from_json(method.parameters, call.parameters)
        except ProtocolError as error:
            raise _error(ErrorName.INVALID_PARAMETER, parameter=str(error)) from error
        asker = Asker(peer=talk.peer, more=call.more, send=partial(_send, talk, continues=True))
        async with AsyncExitStack() as turn:
            if method in _COSTLY and not self.trusts(talk.peer):
                await turn.enter_async_context(self._strangers)
            reply = await HANDLERS[method](self._desk, parameters, asker)
        await _send(talk, reply, continues=False)


async def _send(talk: Conversation, record: object, *, continues: bool) -> None:
    await talk.reply(_to_parameters(record), continues=continues)


def _to_parameters(record: object) -> dict[str, Json]:
    if isinstance(record, Occurrence):
        return {"event": event_to_json(record.event, record.sequence)}
    return cast(dict[str, Json], to_json(record))


def _describe_interfaces(name: str, call: Call) -> dict[str, Json]:
    """Answer `org.varlink.service`."""
    match name:
        case "GetInfo":
            return {
                "vendor": "bootd",
                "product": "bootd",
                "version": VERSION,
                "url": "",
                "interfaces": [SERVICE_INTERFACE, INTERFACE],
            }
        case "GetInterfaceDescription":
            wanted = call.parameters.get("interface")
            if wanted not in {SERVICE_INTERFACE, INTERFACE}:
                raise _error(ErrorName.INTERFACE_NOT_FOUND, interface=str(wanted)[:200])
            return {"description": _description(str(wanted))}
        case _:
            raise _error(ErrorName.METHOD_NOT_FOUND, method=call.method[:200])


def _description(interface: str) -> str:
    from importlib import resources  # noqa: PLC0415 - costs 15 ms and only curious people ask

    return resources.files("bootd.protocol").joinpath(f"{interface}.varlink").read_text("utf-8")


def _error(name: str, **parameters: object) -> CallError:
    return CallError(name, name, dict(parameters))
