"""Ways to a daemon: its unix socket, a command of another machine's over ssh, TLS to its gateway.

What is not needed for the unix socket is imported when it is wanted: the menu never needs it.
"""

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

from bootd.errors import ProtocolError, UnreachableError
from bootd.protocol.varlink import END, MAX_MESSAGE_BYTES, Call, decode_reply, encode_call
from bootd.reach import CONNECT_TIMEOUT_S, why_not
from bootd.record import dataclass

if TYPE_CHECKING:
    import ssl
    import subprocess

SSH_S: Final = 120.0
"""Somebody may have to enter a passphrase."""
TLS_S: Final = 30.0
"""The first client starts the gateway, which takes a small board some seconds."""
LEAVE_S: Final = 3.0

_NO_COMMAND: Final = 127
"""What a shell returns for a command that is not there."""

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Way(Protocol):
    """Opens connections to one daemon."""

    async def open(self) -> Streams:
        """Connect.

        Raises:
            UnreachableError: The daemon cannot be asked, in a sentence.
        """
        ...

    async def close(self) -> None:
        """Give up what the connections needed; they are closed already."""
        ...


class UnixSocket:
    """The socket of a daemon on this machine."""

    def __init__(self, path: str) -> None:
        self._path = path

    async def open(self) -> Streams:
        """Connect; see `Way`."""
        path = self._path
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                return await asyncio.open_unix_connection(path, limit=MAX_MESSAGE_BYTES)
        except OSError as error:  # TimeoutError is one
            raise UnreachableError(why_not(path, error)) from error

    async def close(self) -> None:
        """Have nothing to do."""


class Ssh:
    """`bootdctl bridge` on another machine, started by ssh once for each connection.

    Args:
        host: Anything that ssh takes.
        socket: Where the daemon listens over there; "" for its usual place.
    """

    def __init__(self, host: str, socket: str = "") -> None:
        self._host = host
        self._words = ("bootdctl", *(("--socket", socket) if socket else ()), "bridge")
        self._running: list[subprocess.Popen[bytes]] = []

    async def open(self) -> Streams:
        """Start ssh, which may ask for a passphrase on the terminal, and wait for the daemon."""
        from bootd.linux import ssh  # noqa: PLC0415 - `subprocess` takes 10 ms

        try:
            process, ours = ssh.start(self._host, self._words)
        except FileNotFoundError as error:
            raise UnreachableError("ssh is not installed here, and --host needs it.") from error
        self._running.append(process)
        reader, writer = await asyncio.open_unix_connection(sock=ours, limit=MAX_MESSAGE_BYTES)
        try:
            await _greet(reader, writer, SSH_S)
        except (ConnectionError, asyncio.IncompleteReadError, ProtocolError) as error:
            writer.close()
            status = await asyncio.to_thread(ssh.finish, process, LEAVE_S)
            raise UnreachableError(self._why_not(status)) from error
        except TimeoutError as error:
            writer.close()
            raise UnreachableError(f"{self._host} has not answered for {SSH_S:.0f} s.") from error
        return reader, writer

    async def close(self) -> None:
        """Wait for ssh to end, which it does when its connection is closed."""
        from bootd.linux import ssh  # noqa: PLC0415 - loaded already

        while self._running:
            await asyncio.to_thread(ssh.finish, self._running.pop(), LEAVE_S)

    def _why_not(self, status: int) -> str:
        if status == _NO_COMMAND:
            return f"There is no bootdctl on {self._host}, or its PATH does not lead there."
        return f"Cannot ask bootd on {self._host}; what ssh and bootdctl said stands above."


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """The gateway of another machine (bootd-remote(8)).

    Attributes:
        ca: File with the only certificates that a gateway's may be signed by.
        certificate: File with the client's own; `key` is the file with its key.
    """

    host: str
    port: int
    ca: str
    certificate: str
    key: str

    async def open(self) -> Streams:
        """Connect; each side proves who it is."""
        try:
            import ssl  # noqa: PLC0415 - 10 ms that other ways need not pay
        except ImportError as error:
            raise UnreachableError("The Python of this machine has no TLS.") from error
        where = f"{self.host}:{self.port}"
        try:
            async with asyncio.timeout(TLS_S):
                context = await asyncio.to_thread(self._context)
                reader, writer = await asyncio.open_connection(
                    self.host, self.port, ssl=context, limit=MAX_MESSAGE_BYTES
                )
                await _greet(reader, writer, TLS_S)
        except ssl.SSLCertVerificationError as error:
            reason = f"its certificate is not the right one: {error.verify_message}"
            raise UnreachableError(f"The gateway {where} is not trusted: {reason}.") from error
        except ssl.SSLError as error:
            reason = (error.reason or str(error)).lower().replace("_", " ")
            raise UnreachableError(f"The gateway {where} ended the handshake: {reason}.") from error
        except (ConnectionRefusedError, TimeoutError) as error:
            raise UnreachableError(f"Nobody answers at {where}.") from error
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            # OpenSSL's alert, which says why, does not get out of asyncio's server.
            reason = f"it does not accept {self.certificate} (its log says why), or is too busy"
            raise UnreachableError(
                f"The gateway {where} ended the connection: {reason}."
            ) from error
        except OSError as error:
            named = f"{error.filename}: " if error.filename else ""
            reason = f"{named}{error.strerror or error}"
            raise UnreachableError(f"Cannot reach the gateway {where}: {reason}.") from error
        return reader, writer

    async def close(self) -> None:
        """Have nothing to do."""

    def _context(self) -> "ssl.SSLContext":
        import ssl  # noqa: PLC0415 - as in `open`

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_verify_locations(cafile=self.ca)
        context.load_cert_chain(self.certificate, self.key)
        return context


async def _greet(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, timeout_s: float
) -> None:
    """Wait until a daemon answers, so that what stands in the way is told here.

    Raises:
        TimeoutError: It did not in time.
        ConnectionError, IncompleteReadError: The other side ended the connection.
        ProtocolError: What came is no Varlink.
    """
    async with asyncio.timeout(timeout_s):
        writer.write(encode_call(Call(method="org.varlink.service.GetInfo")))
        await writer.drain()
        try:
            decode_reply(await reader.readuntil(END))
        except asyncio.LimitOverrunError as error:
            raise ProtocolError("the answer is too long") from error
