"""Messages between the broker and its workers: length-limited JSON with file descriptors.

On a stream socket each frame is a 32-bit big-endian length and that many bytes of JSON, an object
of which member `fds` counts the descriptors that came with it (unix(7), SCM_RIGHTS).
"""

import json
import os
import socket
import struct
from array import array
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final

from bootd.errors import ProtocolError
from bootd.protocol.codec import Json

MAX_FRAME_BYTES: Final = 1 << 20
MAX_FDS: Final = 64
"""A kernel, a DTB, overlays and initrds; the kernel's own limit a message is 253 (SCM_MAX_FD)."""

_HEADER: Final = struct.Struct(">I")
_CHUNK: Final = 1 << 16
_ANCILLARY: Final = socket.CMSG_SPACE(MAX_FDS * array("i").itemsize)

Message = dict[str, Json]


def encode(message: Message, fds: Sequence[int] = ()) -> bytes:
    """Return the frame of a message.

    Raises:
        ProtocolError: It has more than MAX_FRAME_BYTES or MAX_FDS.
    """
    text = json.dumps({**message, "fds": len(fds)}, separators=(",", ":")).encode()
    if len(text) > MAX_FRAME_BYTES:
        raise ProtocolError(f"a message of {len(text)} bytes; at most {MAX_FRAME_BYTES} pass")
    if len(fds) > MAX_FDS:
        raise ProtocolError(f"a message with {len(fds)} open files; at most {MAX_FDS} pass")
    return _HEADER.pack(len(text)) + text


def send(sock: socket.socket, message: Message, fds: Sequence[int] = ()) -> None:
    """Send a message on a blocking stream socket; the descriptors stay the caller's.

    Raises:
        ProtocolError: As `encode`.
        OSError: EPIPE when the other side is gone.
    """
    data = encode(message, fds)
    sent = send_part(sock, data, fds)
    if sent < len(data):
        sock.sendall(data[sent:])


def send_part(sock: socket.socket, data: bytes, fds: Sequence[int]) -> int:
    """Send a first part of `data` with all descriptors, and return how many bytes went."""
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", fds))] if fds else []
    return sock.sendmsg([data], rights)


def receive_part(sock: socket.socket) -> tuple[bytes, list[int]]:
    """Return what is there now, with the descriptors that came along, which the caller owns.

    Raises:
        ProtocolError: Descriptors were lost because too many came at once.
        BlockingIOError: Nothing is there, and the socket does not block.
    """
    data, ancillary, flags, _ = sock.recvmsg(_CHUNK, _ANCILLARY, socket.MSG_CMSG_CLOEXEC)
    fds = array("i")
    for level, kind, payload in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(payload[: len(payload) - len(payload) % fds.itemsize])
    if flags & socket.MSG_CTRUNC:
        close_all(fds)
        raise ProtocolError("too many open files came with a message")
    return data, list(fds)


def receive(sock: socket.socket, frames: "Frames") -> tuple[Message, list[int]] | None:
    """Return the next message of a blocking stream socket, or None at its end.

    Raises:
        ProtocolError: As `Frames.next` and `receive_part`.
    """
    while (frame := frames.next()) is None:
        data, fds = receive_part(sock)
        if not data:
            return None
        frames.feed(data, fds)
    return frame


def close_all(fds: Iterable[int]) -> None:
    """Close descriptors that nobody wants."""
    for fd in fds:
        with suppress(OSError):
            os.close(fd)


class Frames:
    """Takes a stream apart; owns the descriptors that are not handed out yet."""

    __slots__ = ("_data", "_fds")

    def __init__(self) -> None:
        self._data = bytearray()
        self._fds: list[int] = []

    def feed(self, data: bytes, fds: Sequence[int]) -> None:
        """Add what arrived."""
        self._data += data
        self._fds += fds

    def next(self) -> tuple[Message, list[int]] | None:
        """Return the next whole message with its descriptors, now the caller's, or None.

        Raises:
            ProtocolError: It is too long, no JSON object, or lacks descriptors. Close the stream.
        """
        if len(self._data) < _HEADER.size:
            return None
        (size,) = _HEADER.unpack_from(self._data)
        if size > MAX_FRAME_BYTES:
            raise ProtocolError(f"a message of {size} bytes; at most {MAX_FRAME_BYTES} pass")
        end = _HEADER.size + size
        if len(self._data) < end:
            return None
        message = decode(bytes(self._data[_HEADER.size : end]))
        del self._data[:end]
        count = message.get("fds")
        if not isinstance(count, int) or not 0 <= count <= len(self._fds):
            raise ProtocolError("$.fds: does not fit the open files that came")
        fds, self._fds = self._fds[:count], self._fds[count:]
        return message, fds

    def close(self) -> None:
        """Drop what is left."""
        self._data.clear()
        close_all(self._fds)
        self._fds = []


def encode_packet(message: Message) -> bytes:
    """Return a message for a packet socket, which keeps its length itself."""
    return json.dumps(message, separators=(",", ":")).encode()


def decode(text: bytes) -> Message:
    """Return a JSON object.

    Raises:
        ProtocolError: It is not JSON, nested too deeply, or no object.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"not JSON: {str(error)[:80]}") from error
    if not isinstance(value, dict):
        raise ProtocolError("$: expected an object")
    return value
