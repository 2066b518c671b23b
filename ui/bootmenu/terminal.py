"""The terminal under the menu: who it is, how large, and whether anybody answers there."""

import os
import re
import select
import termios
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from bootd.record import dataclass

PROBE_S: Final = 0.3
"""How long a terminal may take to say where its cursor is."""

DEFAULT_SIZE: Final = (80, 24)
"""Columns and rows of a terminal that does not say; each UART reports 0x0."""

SMALLEST: Final = (40, 12)
"""The screen needs at least this."""

_LARGEST: Final = (500, 200)

_ASK: Final = b"\x1b7\x1b[999;999H\x1b[6n\x1b8"
"""Save the cursor, move it to the corner, ask where it is (DSR), restore it."""

_ANSWER: Final = re.compile(rb"\x1b\[(\d{1,4});(\d{1,4})R")

_CANNOT_DRAW: Final = frozenset({"", "dumb", "unknown"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a terminal answered.

    Attributes:
        size: Columns and rows, or None when it did not answer.
        typed: What else came from it meanwhile: somebody has pressed keys.
    """

    size: tuple[int, int] | None
    typed: bytes


def occupy(path: str) -> None:
    """Make the terminal at `path` the standard input, output and error of this process.

    Raises:
        OSError: It cannot be opened for reading and writing.
    """
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        for standard in (0, 1, 2):
            os.dup2(fd, standard)
    finally:
        if fd > 2:
            os.close(fd)


def console_name() -> str:
    """Return the name of the terminal as the kernel calls it (`ttyAMA0`, `pts/3`), or ""."""
    try:
        return os.ttyname(0).removeprefix("/dev/")
    except OSError:
        return ""


def can_be_waited_for(fd: int) -> bool:
    """Return whether keys can come from there: a terminal, pipe or socket, no file or /dev/null."""
    with select.epoll() as poller:
        try:
            poller.register(fd, select.EPOLLIN)
        except OSError:
            return False
    return True


def can_draw(term: str) -> bool:
    """Return whether there is a terminal, and $TERM does not say that it cannot take a screen."""
    return term not in _CANNOT_DRAW and os.isatty(0) and os.isatty(2)


def probe(timeout_s: float = PROBE_S) -> Probe:
    """Ask the terminal for its size; blocks for at most `timeout_s` seconds."""
    came = b""
    with suppress(OSError, termios.error), _raw():
        os.write(2, _ASK)
        deadline = time.monotonic() + timeout_s
        while not _ANSWER.search(came) and (left := deadline - time.monotonic()) > 0:
            if not select.select([0], [], [], left)[0]:
                break
            data = os.read(0, 256)
            if not data:
                break
            came += data
    answer = _ANSWER.search(came)
    if answer is None:
        return Probe(size=None, typed=came)
    rows, columns = (int(number) for number in answer.groups())
    size = (min(columns, _LARGEST[0]), min(rows, _LARGEST[1]))
    return Probe(size=size, typed=_ANSWER.sub(b"", came))


def is_large_enough(size: tuple[int, int] | None) -> bool:
    """Return whether a terminal has answered, and the screen fits."""
    return size is not None and size[0] >= SMALLEST[0] and size[1] >= SMALLEST[1]


def set_size(size: tuple[int, int]) -> None:
    """Tell the kernel the size, since on a serial line nobody else does (TIOCSWINSZ)."""
    columns, rows = size
    with suppress(termios.error, OSError):
        if termios.tcgetwinsize(0) != (rows, columns):
            termios.tcsetwinsize(0, (rows, columns))


def has_hung_up(fd: int) -> bool:
    """Return whether the other side of a terminal is gone for good."""
    poller = select.poll()
    poller.register(fd, select.POLLIN)
    return any(event & (select.POLLHUP | select.POLLERR) for _, event in poller.poll(0))


@contextmanager
def _raw() -> Iterator[None]:
    """Take each byte as it comes; the old settings come back, without waiting for output."""
    before = termios.tcgetattr(0)
    try:
        tty.setraw(0, termios.TCSANOW)
        yield
    finally:
        termios.tcsetattr(0, termios.TCSANOW, before)


class KeyByKey:
    """Switches a terminal between whole lines, edited by the kernel, and single keys with echo.

    Used by the plain face: single keys as long as any key must stop the countdown.
    """

    def __init__(self) -> None:
        self._before: list[int | list[bytes | int]] | None = None

    def start(self) -> None:
        """Deliver each key at once; nothing happens on what is no terminal."""
        if self._before is not None or not os.isatty(0):
            return
        self._before = termios.tcgetattr(0)
        single = termios.tcgetattr(0)
        single[3] &= ~termios.ICANON
        single[6][termios.VMIN] = 1
        single[6][termios.VTIME] = 0
        termios.tcsetattr(0, termios.TCSANOW, single)

    def stop(self) -> None:
        """Deliver whole lines again."""
        if self._before is not None:
            with suppress(termios.error):
                termios.tcsetattr(0, termios.TCSANOW, self._before)
            self._before = None
