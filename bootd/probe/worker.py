"""A worker: one forked process that reads one device and answers calls until it is let go.

It mounts (see `mounter`), gives up its rights (see `bootd.linux.sandbox`), says so in a first
message, and then runs tasks.
Its only ways out are its socket and the descriptors of files below the mount.

Messages to it: `{"order"}`, once and only to a spare; `{"task", "params"}`. From it: first
`{"notes"}`, then `{"answer"}` for each call; `{"error"}` in place of either. See `channel` for the
framing.
"""

import os
import socket
import types
from typing import Final

from bootd.errors import BootdError, ConfigError, FdtError, ProtocolError
from bootd.linux import limits, namespaces, sandbox
from bootd.linux.dirview import DirView
from bootd.linux.sandbox import Sandbox
from bootd.probe.channel import Frames, Message, close_all, receive, send
from bootd.probe.mounter import open_device
from bootd.probe.order import Order
from bootd.probe.task import Context, Tables, Tasks
from bootd.protocol.codec import from_json

_SOCKET_FD: Final = 3
"""The only descriptor a worker starts with, besides /dev/null three times."""


def run(sock: socket.socket, order: Order, tasks: Tasks, box: Sandbox) -> None:
    """Serve `sock` until its other end is closed; ends the process's usefulness, not the process.

    Call it right after a fork, with `tasks` limited to what this worker may run.
    """
    with _isolate(sock, box) as channel, _LastWords(channel):
        if order.confined:
            limits.confine()
        _work(channel, Frames(), order, (tasks, box))


def wait(sock: socket.socket, tables: Tables, box: Sandbox) -> None:
    """Be a spare worker: do beforehand what can be done, then take the order from `sock`.

    Serves confined orders only; else like `run`.
    """
    with _isolate(sock, box) as channel, _LastWords(channel):
        frames = Frames()
        tables.practise()  # in pages of its own
        limits.confine()
        first = receive(channel, frames)
        if first is not None:
            order = from_json(Order, first[0].get("order"))
            _work(channel, frames, order, (tables.tasks, box))


def _work(
    channel: socket.socket, frames: Frames, order: Order, given: tuple[Tasks, Sandbox]
) -> None:
    tasks, box = given
    context, notes = _open(order)
    if order.confined:
        sandbox.enter(box, _roots(context))
    else:
        namespaces.leave(box.rooms)
    send(channel, {"notes": list(notes)})
    while (call := receive(channel, frames)) is not None:
        _serve(channel, context, call, tasks)


def _isolate(sock: socket.socket, box: Sandbox) -> socket.socket:
    """Keep nothing of the broker's but the socket, at a fixed place, and the way into the box."""
    fd = sock.detach()
    if fd != _SOCKET_FD:  # dup3(2) refuses equal numbers
        os.dup2(fd, _SOCKET_FD, inheritable=False)
    channel = socket.socket(fileno=_SOCKET_FD)
    last = _SOCKET_FD
    for kept in (*sorted(box.rooms.fds), os.sysconf("SC_OPEN_MAX")):
        os.closerange(last + 1, kept)
        last = kept
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for fd in range(3):
        os.dup2(null, fd)
    os.close(null)
    channel.setblocking(True)  # noqa: FBT003 - positional-only in the standard library
    return channel


def _roots(context: Context) -> tuple[int, ...]:
    """Return the directories below which the device's files are opened."""
    if isinstance(context.fs, DirView):
        return context.fs.roots
    if context.fs is None:
        return ()
    from bootd.linux.layers import LayeredView  # noqa: PLC0415 - few disks have it

    return context.fs.roots if isinstance(context.fs, LayeredView) else ()


def _open(order: Order) -> tuple[Context, tuple[str, ...]]:
    if not order.node:
        return Context(), ()
    if not order.mounted:
        # Neither a missing medium nor the tray of a drive is waited for.
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
        return Context(device=os.open(order.node, flags)), ()
    opened = open_device(order.node, order.fstype, order.start_bytes, order.size_bytes)
    return Context(fs=opened.view, open_file=opened.open_file), opened.notes


def _serve(
    channel: socket.socket, context: Context, call: tuple[Message, list[int]], tasks: Tasks
) -> None:
    message, fds = call
    task = tasks.get(str(message.get("task")))
    out: list[int] = []
    try:
        if task is None:
            raise ProtocolError(f"$.task: this worker has no {message.get('task')!r:.40}")
        answer, out = task(context, message.get("params"), fds)
        send(channel, {"answer": answer}, out)
    except (BootdError, OSError, MemoryError, RecursionError) as error:
        send(channel, {"error": describe(error)})
    finally:
        close_all(out)


def describe(error: BaseException) -> Message:
    """Return an error as the broker can rebuild it (`bootd.probe.answer`)."""
    match error:
        case ConfigError():
            return {"code": error.code, "text": error.reason, "file": error.source}
        case FdtError():
            return {"code": error.code, "text": error.reason, "number": error.offset}
        case BootdError():
            return {"code": error.code, "text": str(error)}
        case MemoryError():
            return {"code": "memory", "text": "needs more memory than a worker may have"}
        case RecursionError():
            return {"code": "depth", "text": "is nested too deeply"}
        case OSError():
            text = error.strerror or str(error)
            file = error.filename if isinstance(error.filename, str) else None
            return {"code": "os", "text": text, "number": error.errno, "file": file}
        case _:
            return {"code": "fault", "text": f"{type(error).__name__} in {_place(error)}"}


def _place(error: BaseException) -> str:
    """Return module and line that raised: what a bug report needs, and no foreign text."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "unknown place"
    return f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}"


class _LastWords:
    """Reports whatever ends a worker, so that a fault of bootd's own is not a silent death."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel

    def __enter__(self) -> None:
        return

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> bool:
        if error is None or isinstance(error, BrokenPipeError | ConnectionError):
            return True  # the broker lost interest
        send(self._channel, {"error": describe(error)})
        return True
