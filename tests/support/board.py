"""The emulated board for tests: serial screen, root shell, QMP, each with a time limit.

One object drives one QEMU. Nothing runs in the background: whatever waits also reads the serial
line, feeds it to the terminal emulator, and answers the emulator's size reports.
"""

import json
import re
import selectors
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Self, TypeVar

import pyte

from image import console, qemu
from image.build import Products
from image.firmware import BOARDS
from image.initramfs import pack
from image.qemu import Guest
from tests.support.second import Second, parse

T = TypeVar("T")

COLUMNS, LINES = 80, 24


class BoardError(AssertionError):
    """The board did not do in time what the test waited for; carries the end of the serial log."""


class Screen(pyte.Screen):
    """A terminal that answers where its cursor is, as a real one on a serial line does."""

    answers: bytes = b""

    def write_process_input(self, data: str) -> None:
        self.answers += data.encode()

    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.display)


class Board:
    """A running board."""

    def __init__(self, folder: Path, command: list[str]) -> None:
        self.log = b""
        self.screen = Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self.screen)
        self._answered = b""
        self._qmp_buffer = b""
        self.started = time.monotonic()
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self._serial = self._connect(folder / "serial")
        self._qmp = self._connect(folder / "qmp")
        self._shell = self._connect(folder / "shell")
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._serial, selectors.EVENT_READ)
        self.qmp("qmp_capabilities")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(10)
        if self._process.stderr is not None:
            self._process.stderr.close()
        for connection in (self._serial, self._qmp, self._shell):
            connection.close()
        self._selector.close()

    def type(self, keys: str) -> None:
        """Press keys on the serial console."""
        self._serial.sendall(keys.encode())

    def pump(self, seconds: float = 0.05) -> None:
        """Read what the serial line brings, for at most that long."""
        if not self._selector.select(seconds):
            return
        data = self._serial.recv(65536)
        if not data:
            raise BoardError(f"QEMU ended: {self._said()}\n{self.tail()}")
        self.log += data
        self._stream.feed(data)
        if self.screen.answers:
            self._serial.sendall(self.screen.answers)
            self.screen.answers = b""

    def wait(self, what: str, ready: Callable[[], T | None], timeout_s: float) -> T:
        """Read the serial line until `ready` returns something; return that."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            self.pump()
            found = ready()
            if found is not None and found is not False:
                return found
        raise BoardError(f"{what}: not within {timeout_s} s\n{self.screen.text()}\n{self.tail()}")

    def wait_log(self, pattern: str, timeout_s: float) -> re.Match[str]:
        """Wait for a pattern in everything that the serial line has said."""
        wanted = re.compile(pattern)
        return self.wait(
            f"{pattern!r} on the serial line", lambda: wanted.search(self.text()), timeout_s
        )

    def wait_screen(self, pattern: str, timeout_s: float) -> re.Match[str]:
        """Wait for a pattern on the screen as it looks then."""
        wanted = re.compile(pattern)
        return self.wait(
            f"{pattern!r} on the screen", lambda: wanted.search(self.screen.text()), timeout_s
        )

    def highlighted(self) -> str:
        """The title that the menu's cursor is on, or ""."""
        found = re.search(r"^ > [* ] (.+)$", self.screen.text(), re.MULTILINE)
        return found[1] if found else ""

    def highlight(self, title: str, *, key: str = "j") -> None:
        """Press a key until the cursor is on that title."""
        for _ in range(20):
            before = self.highlighted()
            if before == title:
                return
            self.type(key)
            self._wait_for_move(before)
        raise BoardError(f"the cursor never came to {title!r}\n{self.screen.text()}")

    def _wait_for_move(self, before: str) -> None:
        self.wait("the cursor moving", lambda: self.highlighted() not in ("", before), 10)

    def text(self) -> str:
        """Everything from the serial line so far."""
        return self.log.decode(errors="replace").replace("\r", "")

    def tail(self) -> str:
        """The end of it, for messages."""
        return self.text()[-3000:]

    def second(self, timeout_s: float) -> Second:
        """Wait for a demo system's shell and have it report what its kernel was given."""
        self.wait_log("SECOND ready", timeout_s)
        self.type("report\n")
        self.wait_log("SECOND end", 30)
        return parse(self.text())

    def run(self, command: str, timeout_s: float = 30.0) -> tuple[int, str]:
        """Run a command in the root shell of the first kernel; return exit status and output."""
        marker = f"done-{time.monotonic_ns()}"
        line = f"{{ {command}\n}} </dev/null; echo {marker} $?\n"
        self._shell.sendall(line.encode())
        self._shell.settimeout(0)
        received = b""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            self.pump(0.02)
            try:
                received += self._shell.recv(65536)
            except BlockingIOError:
                continue
            done = re.search(rf"^{marker} (\d+)\n".encode(), received, re.MULTILINE)
            if done:
                return int(done[1]), received[: done.start()].decode(errors="replace")
        raise BoardError(f"{command!r}: no answer in {timeout_s} s: {received!r}\n{self.tail()}")

    def check(self, command: str, timeout_s: float = 30.0) -> str:
        """Run a command that must succeed; return its output."""
        status, output = self.run(command, timeout_s)
        if status != 0:
            raise BoardError(f"{command!r}: exit {status}\n{output}\n{self.tail()}")
        return output

    def qmp(self, command: str, **arguments: object) -> object:
        """Ask QEMU itself; return its answer."""
        request = {"execute": command, "arguments": arguments}
        self._qmp.sendall(json.dumps(request).encode() + b"\n")
        self._qmp.settimeout(10)
        while True:
            while b"\n" not in self._qmp_buffer:
                self._qmp_buffer += self._qmp.recv(65536)
            line, _, self._qmp_buffer = self._qmp_buffer.partition(b"\n")
            answer: dict[str, object] = json.loads(line)
            if "error" in answer:
                raise BoardError(f"QEMU refused {command}: {answer['error']}")
            if "return" in answer:
                return answer["return"]

    def plug(self, name: str, image: Path) -> None:
        """Push a disk in; it is never written."""
        self.qmp(
            "blockdev-add",
            driver="raw",
            **{"node-name": name, "read-only": True},
            file={"driver": "file", "filename": str(image), "read-only": True},
        )
        self.qmp("device_add", driver="scsi-hd", drive=name, id=f"plug-{name}", bus="scsi.0")

    def pull(self, name: str) -> None:
        """Pull the disk out again."""
        self.qmp("device_del", id=f"plug-{name}")

    def _connect(self, path: Path) -> socket.socket:
        end = time.monotonic() + 10
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(str(path))
            except OSError:
                connection.close()
                if time.monotonic() > end or self._process.poll() is not None:
                    self._process.kill()
                    raise BoardError(f"QEMU did not start: {self._said()}") from None
                time.sleep(0.02)
            else:
                return connection

    def _said(self) -> str:
        if self._process.stderr is None:
            return ""
        return self._process.stderr.read().decode(errors="replace").strip()


@contextmanager
def booted(
    products: Products,
    folder: Path,
    *,
    board: str = "virt",
    words: str = "",
    disks: tuple[str, ...] = ("larch", "fjord"),
    shell: bool = True,
    kernel: Path | None = None,
) -> Iterator[Board]:
    """Start the product on a board with demo disks.

    Args:
        products: What was built.
        folder: Scratch folder for this board's sockets; its path must be short.
        board: Name in BOARDS.
        words: More for the first kernel's command line.
        disks: Names of demo disks that are there from the start.
        shell: Whether `run` is wanted; without, the initramfs is exactly the product's.
        kernel: The first kernel, if it is another than the product's.
    """
    guest = replace(qemu.of(products, BOARDS[board], disks), words=words)
    guest = replace(guest, kernel=kernel or guest.kernel)
    with started(folder, guest, with_shell(products, folder) if shell else None) as running:
        yield running


@contextmanager
def started(folder: Path, guest: Guest, initramfs: Path | None = None) -> Iterator[Board]:
    """Start any guest with the sockets that a Board needs."""
    extra = list(guest.extra)
    for name, option in (("serial", "on"), ("qmp", "off"), ("shell", "off")):
        path = folder / name
        extra += ["-chardev", f"socket,id={name},path={path},server=on,wait={option}"]
    extra += ["-serial", "chardev:serial", "-qmp", "chardev:qmp"]
    extra += ["-device", "virtio-serial-device"]
    extra += ["-device", f"virtserialport,chardev=shell,name={console.PORT}"]
    complete = replace(guest, initramfs=initramfs or guest.initramfs, extra=extra)
    with Board(folder, qemu.argv(complete)) as running:
        yield running


def with_shell(products: Products, folder: Path) -> Path:
    """Return the product's initramfs with the shell that `run` talks to."""
    overlay = folder / "console.zst"
    pack(console.build(products.root), overlay, level=1)
    image = folder / "initramfs"
    with image.open("wb") as output:
        for part in (products.initramfs, overlay):
            with part.open("rb") as source:
                shutil.copyfileobj(source, output)
    return image
