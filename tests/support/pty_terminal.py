"""A terminal for a program under test: a real pty on one side, pyte's emulation on the other."""

import asyncio
import fcntl
import os
import struct
import sys
import termios
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import pyte

ROOT: Final = Path(__file__).resolve().parents[2]


class Answering(pyte.Screen):
    """A screen that answers queries like a terminal, through the pty."""

    def __init__(self, columns: int, lines: int, answer: Callable[[bytes], object]) -> None:
        super().__init__(columns, lines)
        self._answer = answer

    def write_process_input(self, data: str) -> None:
        self._answer(data.encode())


class PtyTerminal:
    """What a test sees of the program: bytes that came, and the screen that they made."""

    def __init__(self, master: int, *, columns: int, rows: int, answers: bool) -> None:
        self.master = master
        self.received = b""
        self.first_byte_at = 0.0
        self.process: asyncio.subprocess.Process | None = None
        self._last = time.monotonic()
        self.answers = answers
        self._screen = Answering(columns, rows, self._answer)
        self._stream = pyte.ByteStream(self._screen)
        self._open = True
        asyncio.get_running_loop().add_reader(master, self._read)

    def send(self, data: bytes) -> None:
        """Type."""
        os.write(self.master, data)

    def resize(self, columns: int, rows: int) -> None:
        """Change the size, as a window does."""
        self._screen.resize(rows, columns)
        termios.tcsetwinsize(self.master, (rows, columns))

    def spoil(self, data: bytes) -> None:
        """Draw on the screen from outside, as the kernel's messages do."""
        self._stream.feed(data)

    def text(self) -> str:
        """Return the screen, lines without trailing blanks."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def line_with(self, words: str) -> int:
        """Return the row that has `words`."""
        rows = [row for row, line in enumerate(self._screen.display) if words in line]
        assert rows, f"{words!r} is not on the screen:\n{self.text()}"
        return rows[0]

    def is_reversed(self, row: int) -> bool:
        """Return whether a row is drawn in reverse."""
        return bool(self._screen.buffer[row][3].reverse)

    async def until(self, condition: Callable[[], bool], timeout_s: float = 15.0) -> None:
        """Wait for a condition; fails with the screen."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, f"not seen in time:\n{self.text()}"
            await asyncio.sleep(0.01)

    async def shows(self, words: str, timeout_s: float = 15.0) -> None:
        """Wait until the screen has `words`."""
        await self.until(lambda: words in self.text(), timeout_s)

    async def quiet(self, seconds: float = 0.2) -> None:
        """Wait until nothing has come for a while."""
        self._last = time.monotonic()
        while (left := self._last + seconds - time.monotonic()) > 0:  # noqa: ASYNC110 - a pause, no event
            await asyncio.sleep(left)

    async def bytes_of(self, act: Callable[[], object], seconds: float = 0.2) -> bytes:
        """Return what comes because of `act`, until a pause."""
        start = len(self.received)
        act()
        await self.quiet(seconds)
        return self.received[start:]

    def close(self) -> None:
        """Hang up."""
        if self._open:
            self._open = False
            asyncio.get_running_loop().remove_reader(self.master)
            os.close(self.master)

    def _answer(self, data: bytes) -> None:
        if self.answers:
            self.send(data)

    def _read(self) -> None:
        try:
            data = os.read(self.master, 65536)
        except OSError:
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self.master)
            return
        self._last = time.monotonic()
        self.first_byte_at = self.first_byte_at or self._last
        self.received += data
        self._stream.feed(data)


@asynccontextmanager
async def menu_on_pty(
    *arguments: str,
    term: str = "vt220",
    kernel_size: tuple[int, int] = (0, 0),
    size: tuple[int, int] = (80, 24),
    answers: bool = True,
    environment: Mapping[str, str] | None = None,
    controlling: bool = True,
    interpreter: tuple[str, ...] = (),
) -> AsyncIterator[PtyTerminal]:
    """Run `python -m bootmenu` on a pty of its own and kill it in the end.

    Args:
        arguments: Of bootmenu.
        term: $TERM.
        kernel_size: Columns and rows that the kernel reports; 0x0 as on a serial line.
        size: Of the emulated terminal.
        answers: The terminal answers queries.
        environment: More variables.
        controlling: The pty is the controlling terminal, so that a hang-up sends SIGHUP.
        interpreter: Options of Python itself.
    """
    master, slave = os.openpty()
    fcntl.ioctl(
        slave, termios.TIOCSWINSZ, struct.pack("HHHH", kernel_size[1], kernel_size[0], 0, 0)
    )
    terminal = PtyTerminal(master, columns=size[0], rows=size[1], answers=answers)
    variables = {
        "PATH": os.environ["PATH"],
        "TERM": term,
        "PYTHONPATH": os.pathsep.join(
            filter(None, [os.environ.get("BOOTMENU_EXTRA_PATH"), str(ROOT), str(ROOT / "ui")])
        ),
        **(environment or {}),
    }
    wrapper = (
        "import os,sys,fcntl,termios\n"
        "os.setsid()\n"
        f"{'fcntl.ioctl(0, termios.TIOCSCTTY, 0)' if controlling else ''}\n"
        f"start = [sys.executable, *{interpreter}, '-m', 'bootmenu']\n"
        "os.execv(sys.executable, start + sys.argv[1:])\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", wrapper, *arguments, stdin=slave, stdout=slave, stderr=slave,
        env=variables, cwd="/",
    )  # fmt: skip
    os.close(slave)
    terminal.process = process
    try:
        yield terminal
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        terminal.close()
