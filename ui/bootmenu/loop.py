"""An event loop of the plain face: file descriptors, timers and signals, without asyncio's 10 MB.

The screen has asyncio's loop, which Textual needs; `Loop` is what both have in common.
"""

import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

Callback = Callable[[], object]

_SIGNALS_BYTES: Final = 64


class Timer(Protocol):
    """Something that will happen later."""

    def cancel(self) -> object:
        """Have it not happen."""
        ...


class Loop(Protocol):
    """What a session needs; an event loop of asyncio is one."""

    def add_reader(self, fd: int, callback: Callback, /) -> object:
        """Call back whenever `fd` can be read."""
        ...

    def remove_reader(self, fd: int, /) -> object:
        """Look at `fd` no longer; done before it is closed."""
        ...

    def call_later(self, delay: float, callback: Callback, /) -> Timer:
        """Call back once, in `delay` seconds."""
        ...


class SelectLoop:
    """Waits with poll(2) in one thread; `run` returns after `stop`."""

    def __init__(self) -> None:
        self._readers: dict[int, Callback] = {}
        self._poller = select.poll()
        self._timers: list[_Timer] = []
        self._signals: dict[int, Callback] = {}
        self._stopped = False

    def add_reader(self, fd: int, callback: Callback, /) -> None:
        """Call back whenever `fd` can be read, or its other end is gone."""
        self._readers[fd] = callback
        self._poller.register(fd, select.POLLIN)

    def remove_reader(self, fd: int, /) -> None:
        """Look at `fd` no longer."""
        if self._readers.pop(fd, None) is not None:
            self._poller.unregister(fd)

    def call_later(self, delay: float, callback: Callback, /) -> Timer:
        """Call back once, in `delay` seconds."""
        timer = _Timer(time.monotonic() + delay, callback)
        self._timers.append(timer)
        self._timers.sort(key=_due)
        return timer

    def on_signal(self, number: int, callback: Callback) -> None:
        """Call back when a signal came; between two callbacks, never within one."""
        self._signals[number] = callback

    def stop(self) -> None:
        """Have `run` return after the callback that runs now."""
        self._stopped = True

    def run(self) -> None:
        """Wait and call back until stopped."""
        self._stopped = False
        came, wakes = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        before = signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
        # a handler in Python is what makes the number arrive in the pipe; the pipe says the rest
        kept = {number: signal.signal(number, _noted) for number in self._signals}
        self.add_reader(came, lambda: self._signalled(came))
        try:
            while not self._stopped:
                self._once()
        finally:
            self.remove_reader(came)
            for number, handler in kept.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(before)
            os.close(came)
            os.close(wakes)

    def _once(self) -> None:
        for fd, _ in self._poller.poll(self._milliseconds()):
            callback = self._readers.get(fd)
            if callback is not None and not self._stopped:
                callback()
        now = time.monotonic()
        while self._timers and self._timers[0].due <= now and not self._stopped:
            self._timers.pop(0).fire()

    def _milliseconds(self) -> int | None:
        """Return how long nothing has to be done; None for ever."""
        while self._timers and self._timers[0].callback is None:
            self._timers.pop(0)
        if not self._timers:
            return None
        # rounded up, or the last millisecond would be waited for in many polls
        return max(int((self._timers[0].due - time.monotonic()) * 1000) + 1, 0)

    def _signalled(self, came: int) -> None:
        with suppress(BlockingIOError):
            for number in os.read(came, _SIGNALS_BYTES):
                self._signals[number]()


class _Timer:
    """A callback that has not been called yet."""

    def __init__(self, due: float, callback: Callback) -> None:
        self.due = due
        self.callback: Callback | None = callback

    def cancel(self) -> None:
        self.callback = None

    def fire(self) -> None:
        callback, self.callback = self.callback, None
        if callback is not None:
            callback()


def _due(timer: _Timer) -> float:
    return timer.due


def _noted(_number: int, _frame: object) -> None:
    """Do nothing here: the wake-up pipe has the number."""
