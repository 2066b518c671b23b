"""The broker's end of one worker: calls with a time limit, answers with their open files."""

import asyncio
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from bootd.errors import ProbeError, ProtocolError
from bootd.linux.limits import CPU_S
from bootd.probe import answer
from bootd.probe.channel import Frames, Message, close_all, encode, receive_part, send_part
from bootd.protocol.codec import Json

START_S: Final = 5.0
"""A device that has not been mounted by then is taken for dead (DESIGN.md, limits)."""

_EXIT_S: Final = 1.0
"""After a worker closed its socket, how long its exit status may take to arrive."""


class Session:
    """One worker, from its order to its end. `Prober` makes it.

    Args:
        name: Kernel name of the device, or of the task without one, for errors.
        sock: The broker's end; owned by the session.
        leave: Called once, when nobody wants the worker any more.
    """

    def __init__(self, name: str, sock: socket.socket, leave: Callable[[], None]) -> None:
        sock.setblocking(False)  # noqa: FBT003 - positional-only in the standard library
        self.name = name
        self.notes: tuple[str, ...] = ()
        """Sentences about the device from its mounter, once `ready` has returned."""
        self.exit: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """The exit status, as in subprocess; set by `Prober`."""
        self._sock = sock
        self._leave = leave
        self._frames = Frames()
        self._started = False
        self._unanswered = 0

    @property
    def busy(self) -> bool:
        """Whether the worker may be at work: it was called, or is still mounting."""
        return self._unanswered > 0 or not self._started

    async def ready(self) -> None:
        """Wait until the device is mounted.

        Raises:
            ProbeError: It cannot be mounted, or does not answer within START_S.
        """
        if self._started:
            return
        try:
            async with asyncio.timeout(START_S):
                message, fds = await self._receive()
        except TimeoutError:
            raise ProbeError(
                self.name, f"does not answer: it could not be mounted within {START_S:g} s"
            ) from None
        close_all(fds)
        if (said := _error(message)) is not None:
            error = answer.error(self.name, said)
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise ProbeError(self.name, f"cannot be mounted: {reason}")
        self.notes = answer.notes(message)
        self._started = True

    async def call(
        self, task: str, params: Json, fds: Sequence[int] = (), *, timeout_s: float
    ) -> tuple[Json, list[int]]:
        """Run a task in the worker.

        Args:
            task: Its name in the table.
            params: At most 1 MiB of JSON.
            fds: Stay the caller's.
            timeout_s: From now to the whole answer.

        Returns:
            The answer, *not* checked yet, and descriptors that the caller owns.

        Raises:
            ProbeError: No answer in time, or the worker died.
            BootdError: What the task raised.
            OSError: Ditto.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self.ask(task, params, fds)
                await self.ready()
                return await self.reply()
        except TimeoutError:
            raise ProbeError(self.name, f"was not read within {timeout_s:g} s") from None

    async def ask(self, task: str, params: Json, fds: Sequence[int] = ()) -> None:
        """Send a call; `reply` fetches its answer. May be sent before the worker is ready."""
        data = encode({"task": task, "params": params}, fds)
        self._unanswered += 1
        try:
            sent = send_part(self._sock, data, fds)
            if sent < len(data):
                await asyncio.get_running_loop().sock_sendall(self._sock, data[sent:])
        except BlockingIOError:
            raise ProbeError(self.name, "its worker takes no more calls") from None
        except ConnectionError:
            return  # it ended: `reply` finds out why

    def ask_only(self, task: str, params: Json) -> None:
        """Send a short call, the only one: the worker ends when it has answered."""
        self._unanswered += 1
        with suppress(OSError):  # it ended: `reply` finds out why
            send_part(self._sock, encode({"task": task, "params": params}), ())
            self._sock.shutdown(socket.SHUT_WR)

    async def reply(self) -> tuple[Json, list[int]]:
        """Return the next answer; raises like `call`."""
        message, fds = await self._receive()
        self._unanswered -= 1
        if (said := _error(message)) is not None:
            close_all(fds)
            raise answer.error(self.name, said)
        return message.get("answer"), fds

    async def only_reply(self) -> Json:
        """Wait for the device and for the answer to what was asked; it comes with no files.

        Raises:
            ProbeError, BootdError, OSError: As `ready` and `reply`.
        """
        await self.ready()
        found, fds = await self.reply()
        close_all(fds)
        return found

    def close(self) -> None:
        """Let the worker go. Descriptors that were handed out stay valid."""
        self._frames.close()
        self._sock.close()
        self._leave()

    async def _receive(self) -> tuple[Message, list[int]]:
        while True:
            try:
                if (frame := self._frames.next()) is not None:
                    return frame
                data, fds = receive_part(self._sock)
            except BlockingIOError:
                await self._readable()
                continue
            except ProtocolError as error:
                raise ProbeError(self.name, f"its worker answered nonsense: {error}") from error
            except ConnectionError:
                data, fds = b"", []
            if not data:
                raise ProbeError(self.name, await self._death())
            self._frames.feed(data, fds)

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        loop.add_reader(self._sock, _wake, ready)
        try:
            await ready
        finally:
            loop.remove_reader(self._sock)

    async def _death(self) -> str:
        """Say why the worker closed its socket without an answer."""
        done, _ = await asyncio.wait([self.exit], timeout=_EXIT_S)
        if not done:
            return "its worker ended without an answer"
        return _cause(self.exit.result())


def _cause(status: int) -> str:
    """Turn an exit status into a sentence about the device."""
    if status >= 0:
        return f"its worker ended without an answer (status {status})"
    match -status:
        case signal.SIGXCPU:
            return f"reading it took more than {CPU_S} s of processor time"
        case signal.SIGKILL:
            return "its worker was killed, by a person or for lack of memory"
        case signal.SIGSYS:
            return "a file on it made its worker ask for what no worker may do; it was ended"
        case number:
            return f"a file on it crashed its worker ({signal.Signals(number).name})"


def _error(message: Message) -> Message | None:
    said = message.get("error")
    return said if isinstance(said, dict) else None


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
