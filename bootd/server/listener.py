"""Accepts clients on the unix socket and keeps their number within limits."""

import asyncio
import logging
import os
import socket
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from bootd.linux.peer import Peer, peer_of
from bootd.protocol.messages import ErrorName
from bootd.protocol.varlink import MAX_MESSAGE_BYTES, Reply, encode_reply
from bootd.server.access import Doorman
from bootd.server.connection import Answer, Connection

log = logging.getLogger(__name__)

_BACKLOG: Final = 1_024


def bind(path: str) -> socket.socket:
    """Return a socket at `path`; one that a dead daemon left there is replaced.

    Everybody may connect: who may do what is decided for each call.

    Raises:
        OSError: A daemon listens there (EADDRINUSE), or the place cannot be written.
    """
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_dead(path)
        listening.bind(path)
        os.chmod(path, 0o666)  # noqa: PTH101, S103 - access is decided for each call
    except OSError:
        listening.close()
        raise
    return listening


class Listener:
    """The socket's owner for as long as `run` runs."""

    def __init__(
        self,
        listening: socket.socket,
        answer: Answer,
        trusts: Callable[[Peer], bool],
    ) -> None:
        """Take over the socket.

        Args:
            listening: Bound.
            answer: Answers each call of each client.
            trusts: Says who may do everything, and always finds a place.
        """
        self._socket = listening
        self._answer = answer
        self._trusts = trusts
        self._doorman = Doorman()

    async def run(self, ready: asyncio.Event | None = None) -> None:
        """Serve clients for ever; cancel to stop and drop them all.

        `ready` is set once the first client can be answered.
        """
        async with asyncio.TaskGroup() as tasks:

            def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                tasks.create_task(self._serve(reader, writer), name="client")

            server = await asyncio.start_unix_server(
                connected, sock=self._socket, limit=MAX_MESSAGE_BYTES, backlog=_BACKLOG
            )
            if ready is not None:
                ready.set()
            async with server:
                await asyncio.get_running_loop().create_future()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            peer = peer_of(writer.get_extra_info("socket"))
        except OSError:
            writer.transport.abort()  # it is gone already
            return
        stranger = not self._trusts(peer)
        if not self._doorman.enter(peer.uid, stranger=stranger):
            _turn_away(writer)
            return
        try:
            await Connection(reader, writer, peer).run(self._answer)
        finally:
            self._doorman.leave(peer.uid, stranger=stranger)


def _turn_away(writer: asyncio.StreamWriter) -> None:
    message = "bootd has too many clients already; end one of them."
    with suppress(ConnectionError):
        writer.write(encode_reply(Reply(error=ErrorName.BUSY, parameters={"message": message})))
    writer.close()


def _remove_dead(path: str) -> None:
    """Remove a socket at which nobody listens.

    Raises:
        OSError: Somebody does, or something else is there.
    """
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(os.stat(path).st_mode):  # noqa: PTH116 - pathlib costs 10 ms at start
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(path)
            except ConnectionRefusedError:
                os.unlink(path)  # noqa: PTH108 - ditto
