"""The zygote: a process forked before there are threads, that forks a worker for each probe.

It holds the parsers, imported once; a worker costs a fork of it. It never blocks on a worker and
never reads a disk. One packet socket (unix(7), SOCK_SEQPACKET) joins it to the broker:

    to it     {"id", "node", "fstype", "confined"} + the worker's socket    start
              {"id", "kill": true}                                          end by SIGKILL
    from it   {"id", "exit"}                    reaped; negative is a signal, as in subprocess
              {"id", "device"} + the broker's socket    an early probe, already asked to scan
              {"id", "spare": true} + the broker's socket    a worker that waits for an order there
              {"early": true}                   all devices of the early look have been named
              {"unprotected": [...]}            what the kernel lacks to confine workers, if any

It ends when the broker's end is closed, and takes its workers along.
"""

import gc
import os
import select
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Final

from bootd.errors import ProtocolError
from bootd.linux import sandbox
from bootd.probe import worker
from bootd.probe.channel import Message, decode, encode_packet, receive_part, send
from bootd.probe.order import Order, order_for
from bootd.probe.task import Tables
from bootd.protocol.codec import from_json, to_json

MAX_EARLY: Final = 64
"""Devices of the early look; their packets must fit a socket buffer that nobody reads yet."""
EARLY_PARALLEL: Final = (os.cpu_count() or 1) + 2

SPARES: Final = min(2, os.cpu_count() or 1)
"""Workers that wait; a disk that is plugged in often has two partitions to look at."""
_FIRST_SPARE: Final = -1000
"""Below the numbers of early probes, which are below those that the broker gives."""

_END_MS: Final = 200
"""After SIGKILL, how long the next worker may take to be reaped."""

_FAULT: Final = 70
"""EX_SOFTWARE of sysexits.h: a worker or the zygote ended by a fault of its own."""

_LEARNED: Final = 64
"""A worker ended well, and had to import something that the zygote might have had."""


class Zygote:
    """The state of the process.

    Args:
        control: The zygote's end of the packet socket.
        tables: Called once, after the early look.
    """

    def __init__(self, control: socket.socket, tables: Callable[[], Tables]) -> None:
        self._control = control
        self._make_tables = tables
        self._tables = Tables(tasks={})
        self._box = sandbox.NOTHING
        self._children: dict[int, int] = {}
        self._woken = -1
        self._spares: set[int] = set()
        self._spare_numbers = count(_FIRST_SPARE, -1)
        self._early: deque[tuple[int, Order, socket.socket]] = deque()
        self._early_running: set[int] = set()
        self._is_complete = False

    def run(self, *, early: bool) -> None:
        """Work until the broker is gone."""
        gc.disable()  # a collection would touch, and so copy, every page shared with a worker
        for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(ignored, signal.SIG_IGN)  # the broker decides when workers end
        self._woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        begun = sandbox.begin()
        if early:
            self._look_early()
        self._tables = self._make_tables()
        self._tables.preload()
        from_json(Order, to_json(Order(node="", fstype="", confined=True)))  # warm
        self._box = sandbox.finish(begun)
        if missing := self._box.missing():
            self._tell({"unprotected": [*missing]})
        self._start_early()
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._woken, select.POLLIN)
        while True:
            while self._may_prepare():
                self._fork_spare()
            ready = {fd for fd, _ in poll.poll()}
            if self._woken in ready:
                os.read(self._woken, 4096)
                self._reap()
            if self._control.fileno() in ready and not self._obey():
                break
        self._end(poll)

    def _end(self, poll: select.poll) -> None:
        """Take the workers along; one that hangs in the kernel is left to init."""
        poll.unregister(self._control)
        self._early.clear()
        if self._box.rooms.keeper:
            self._children[self._box.rooms.keeper] = 0  # ends, and takes its namespace along
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)
        self._reap()
        while self._children and poll.poll(_END_MS):
            os.read(self._woken, 4096)
            self._reap()

    def _complete(self) -> None:
        if not self._is_complete:
            self._is_complete = True
            self._tables.complete()

    def _look_early(self) -> None:
        """Name the devices that udev knows already, and queue their probes."""
        from bootd.linux.udev_database import devices  # noqa: PLC0415 - only when it is wanted
        from bootd.model.device import MEMBERS  # noqa: PLC0415 - ditto

        seen = [device for device in devices() if device.fstype not in MEMBERS]
        for number, device in enumerate(seen[:MAX_EARLY], start=1):
            ours, theirs = socket.socketpair()
            send(theirs, {"task": "scan", "params": None})
            theirs.shutdown(socket.SHUT_WR)  # or the worker would wait for more, and keep its slot
            self._tell({"id": -number, "device": to_json(device)}, [theirs.fileno()])
            theirs.close()
            self._early.append((-number, order_for(device), ours))
        self._tell({"early": True})

    def _start_early(self) -> None:
        while self._early and len(self._early_running) < EARLY_PARALLEL:
            number, order, sock = self._early.popleft()
            self._early_running.add(number)
            self._fork(number, order, sock)

    def _obey(self) -> bool:
        """Handle one packet; False when the broker is gone."""
        try:
            data, fds = receive_part(self._control)
        except ConnectionError:  # it left without having heard everything
            return False
        if not data:
            return False
        message = decode(data)
        number = message.get("id")
        if not isinstance(number, int):
            raise ProtocolError("$.id: expected int")
        if message.get("kill") is True:
            self._kill(number)
            return True
        self._fork(number, from_json(Order, message), socket.socket(fileno=fds[0]))
        return True

    def _may_prepare(self) -> bool:
        """Say whether there is time for one more spare: only spares live, and too few of them."""
        idle = self._spares.issuperset(self._children) and not self._early
        return idle and len(self._spares) < SPARES

    def _fork_spare(self) -> None:
        """Keep a worker ready that has been through a scan, and give its socket to the broker.

        A device that is plugged in then waits for no fork, no copying of pages and not for us.
        """
        self._complete()
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            status = _FAULT
            try:
                signal.set_wakeup_fd(-1)
                worker.wait(ours, self._tables, self._box)
                status = 0
            finally:  # as in `_fork`
                os._exit(status)
        ours.close()
        number = next(self._spare_numbers)
        self._spares.add(pid)
        self._children[pid] = number
        self._tell({"id": number, "spare": True}, [theirs.fileno()])
        theirs.close()

    def _fork(self, number: int, order: Order, sock: socket.socket) -> None:
        pid = os.fork()
        if pid == 0:
            status = _FAULT
            try:
                signal.set_wakeup_fd(-1)
                tables, known = self._tables, len(sys.modules)
                tasks = tables.tasks if order.confined else tables.helpers
                worker.run(sock, order, tasks, self._box)
                status = 0 if len(sys.modules) == known or not order.confined else _LEARNED
            finally:  # nothing of the zygote's or the broker's stack may run in a worker
                os._exit(status)
        sock.close()
        self._children[pid] = number

    def _kill(self, number: int) -> None:
        for pid, child in self._children.items():
            if child == number:
                os.kill(pid, signal.SIGKILL)  # not reaped yet, so the id is not reused
        for waiting in [item for item in self._early if item[0] == number]:
            self._early.remove(waiting)
            waiting[2].close()
            self._tell({"id": number, "exit": 0})

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0] != 0:
                pid, status = found
                if pid not in self._children:
                    raise RuntimeError("the keeper of the workers' namespaces has died")
                number, code = self._children.pop(pid), os.waitstatus_to_exitcode(status)
                if code == _LEARNED:
                    self._complete()
                    code = 0
                self._tell({"id": number, "exit": code})
                self._early_running.discard(number)
                self._spares.discard(pid)
        self._start_early()

    def _tell(self, message: Message, fds: list[int] | None = None) -> None:
        with suppress(BrokenPipeError, ConnectionError):  # `_obey` sees the end next
            socket.send_fds(self._control, [encode_packet(message)], fds or [])
