"""One call to the daemon on a connection of its own, by callbacks: nothing here ever waits."""

import socket
from collections.abc import Callable
from typing import Final

from bootd.errors import BootdError, CallError, ProtocolError, UnreachableError
from bootd.protocol.varlink import (
    END,
    MAX_MESSAGE_BYTES,
    Call,
    Reply,
    decode_reply,
    encode_call,
)
from bootd.reach import call_error, no_answer, why_not
from bootmenu.loop import Loop, Timer

_READ_BYTES: Final = 65536


class Wire:
    """A call under way; it ends with the last reply, with a failure, or with `close`.

    Args:
        loop: Calls back when something comes.
        path: Socket of the daemon.
        call: What to ask.
        on_reply: Takes each reply that is no error. A ProtocolError from it ends the call.
        on_failure: Takes the sentence when the call fails, once; no reply follows.
        timeout_s: For the last reply; None for a stream without end.

    Raises:
        UnreachableError: Nobody listens there; no callback follows.
    """

    def __init__(
        self,
        loop: Loop,
        path: str,
        call: Call,
        *,
        on_reply: Callable[[Reply], None],
        on_failure: Callable[[str], None],
        timeout_s: float | None,
    ) -> None:
        self._loop = loop
        self._method = call.method.rpartition(".")[2]
        self._on_reply = on_reply
        self._on_failure = on_failure
        self._came = bytearray()
        self._timer: Timer | None = None
        self._socket: socket.socket | None = _connected(path, encode_call(call))
        loop.add_reader(self._socket.fileno(), self._readable)
        if timeout_s is not None:
            sentence = no_answer(self._method, timeout_s)
            self._timer = loop.call_later(timeout_s, lambda: self._fail(sentence))

    @property
    def open(self) -> bool:
        """Whether something may come yet."""
        return self._socket is not None

    def close(self) -> None:
        """Give the call up; no callback follows. May be called at any time."""
        if self._socket is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None
        if self._timer is not None:
            self._timer.cancel()

    def _readable(self) -> None:
        assert self._socket is not None  # noqa: S101 - the reader is removed before it is closed
        try:
            data = self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._fail("bootd closed the connection.")
            return
        self._came += data
        try:
            self._take()
        except CallError as error:
            self._fail(str(error))
        except BootdError as error:
            self._fail(f"bootd cannot be understood: {error}")

    def _take(self) -> None:
        """Hand on each whole message that has come."""
        while self._socket is not None and (end := self._came.find(END)) >= 0:
            frame = bytes(self._came[: end + 1])
            del self._came[: end + 1]
            reply = decode_reply(frame)
            if reply.error:
                raise call_error(reply)
            if not reply.continues:
                self.close()
            self._on_reply(reply)
        if len(self._came) > MAX_MESSAGE_BYTES:
            raise ProtocolError("bootd sent a message that is too long")

    def _fail(self, sentence: str) -> None:
        self.close()
        self._on_failure(sentence)


def _connected(path: str, message: bytes) -> socket.socket:
    """Return a connection on which a message has been sent; closed by its owner."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        made.connect(path)  # to a unix socket: at once or not at all
        sent = made.send(message)
    except OSError as error:
        made.close()
        raise UnreachableError(why_not(path, error)) from error
    if sent != len(message):
        made.close()
        raise UnreachableError("bootd does not take the request.")
    return made
