"""Accepts connections from the network: a handshake within its time, then a `Relay`."""

import asyncio
import logging
import socket
import ssl
from contextlib import suppress
from typing import Final

from bootd.errors import SettingError
from bootd.gateway.door import Door, origin, shown
from bootd.gateway.identity import Identity
from bootd.gateway.relay import MAX_CALL_BYTES, Relay
from bootd.model.text import clean
from bootd.ways import Streams, Way

log = logging.getLogger(__name__)

HANDSHAKE_S: Final = 5.0
GOODBYE_S: Final = 1.0
ACCEPT_PAUSE_S: Final = 0.2
"""After accept(2) failed, for want of descriptors say."""
LOG_LINES: Final = 20
"""In `LOG_S`; who knocks ten thousand times does not fill the journal."""
LOG_S: Final = 60.0

_KEEPALIVE: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 20),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
)
"""A client whose cable was pulled is noticed after two minutes."""

_Task = asyncio.Task[None]


class Entrance:
    """The listening sockets' owner for as long as `run` runs."""

    def __init__(self, listening: list[socket.socket], identity: Identity, daemon: Way) -> None:
        self._listening = listening
        self._identity = identity
        self._daemon = daemon
        self._door: Door[_Task] = Door()
        self._guests: set[_Task] = set()
        self._told = 0
        self._told_since = 0.0

    async def run(self) -> None:
        """Let clients in for ever; cancel to stop and drop them all."""
        async with asyncio.TaskGroup() as tasks:
            for listening in self._listening:
                listening.setblocking(False)  # noqa: FBT003 - the C function takes it so
                tasks.create_task(self._accept(listening, tasks))

    def drop_all(self) -> None:
        """End every connection: what they were judged by does not hold any more."""
        for guest in self._guests:
            guest.cancel()

    async def _accept(self, listening: socket.socket, tasks: asyncio.TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(0)  # sock_accept does not wait where somebody knocks already
            try:
                connection, address = await loop.sock_accept(listening)
            except OSError as error:
                self._tell(f"cannot accept a connection: {error.strerror}")
                await asyncio.sleep(ACCEPT_PAUSE_S)
                continue
            host, place = shown(address[0]), origin(address[0])
            if self._identity.changed:
                self.drop_all()
                with suppress(SettingError):  # told to the log by who fails for it
                    self._identity.context()
            if self._door.full_for(place):
                connection.close()
                self._tell(f"{host}: too many connections")
                continue
            guest = tasks.create_task(self._receive(connection, host))
            self._guests.add(guest)
            guest.add_done_callback(self._gone)
            late = self._door.knock(guest, place)
            if late is not None:
                late.cancel()

    def _gone(self, guest: _Task) -> None:
        self._guests.discard(guest)
        self._door.leave(guest)

    async def _receive(self, connection: socket.socket, address: str) -> None:
        client = await self._shake_hands(connection, address)
        if client is None:
            return
        _, writer = client
        try:
            guest = asyncio.current_task()
            if guest is None or not self._door.enter(guest):
                self._tell(f"{address}: too many clients")
                return
            name = _name(writer)
            log.info("%s from %s is connected", name, address)
            await Relay(client, self._daemon, f"{name} at {address}").run()
        finally:
            writer.transport.abort()

    async def _shake_hands(self, connection: socket.socket, address: str) -> Streams | None:
        """Return the streams of a client who has proved who it is, else None."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=MAX_CALL_BYTES)
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            for option in _KEEPALIVE:
                connection.setsockopt(*option)
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol,
                connection,
                ssl=self._identity.context(),
                ssl_handshake_timeout=HANDSHAKE_S,
                ssl_shutdown_timeout=GOODBYE_S,
            )
        except SettingError as error:
            connection.close()
            log.error("nobody is let in: %s", error)  # noqa: TRY400 - it is a sentence
        except ssl.SSLError as error:
            self._tell(f"{address}: {clean(_reason(error), 200)}")
        except (OSError, EOFError) as error:
            self._tell(f"{address}: no handshake: {clean(str(error), 200) or 'it left'}")
        else:
            return reader, asyncio.StreamWriter(transport, protocol, reader, loop)
        return None

    def _tell(self, what: str) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._told_since > LOG_S:
            if self._told > LOG_LINES:
                log.warning("%d more of this kind", self._told - LOG_LINES)
            self._told, self._told_since = 0, now
        self._told += 1
        if self._told <= LOG_LINES:
            log.warning("%s", what)


def _reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is refused: {error.verify_message}"
    return f"no handshake: {(error.reason or str(error)).lower().replace('_', ' ')}"


def _name(writer: asyncio.StreamWriter) -> str:
    """Return the name in the client's certificate, else its number."""
    certificate = writer.get_extra_info("peercert") or {}
    names: dict[str, str] = {}
    for part in certificate.get("subject", ()):
        with suppress(ValueError):
            names.update(dict(part))
    return clean(names.get("commonName") or f"number {certificate.get('serialNumber', '?')}", 40)
