"""A menu from a process that has loaded everything: a further console costs only its own state.

`bootmenu --serve` imports both faces and then forks a menu for each request. The service of a
console asks it (`--launcher`), hands its terminal over as file descriptors, and turns into a shell
that waits: it holds the terminal and the unit, the menu draws. Where nobody serves, the service
runs its menu itself.

On the wire: one packet of JSON with the three standard descriptors; one digit comes back, the exit
status (a shell reads a packet's first byte and loses the rest). The end of either side ends the
other.
"""

import gc
import json
import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from bootd.record import dataclass

REQUEST_S: Final = 2.0
"""A console that has connected must say what it wants within this time."""

_MAX_BYTES: Final = 16_384

_LISTEN_FD: Final = 3
"""Where systemd passes a socket (sd_listen_fds(3))."""

_WAIT: Final = "trap '' INT QUIT; read -r status <&3; exit ${status:-1}"
"""Waits for the menu in 1 MB, where Python would take 8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A menu that a console wants.

    Attributes:
        arguments: Of bootmenu.
        term: $TERM there.
        may_leave: q ends the menu.
    """

    arguments: tuple[str, ...]
    term: str
    may_leave: bool


def hand_over(path: str, request: Request) -> None:
    """Have the menu run by the launcher; returns only where there is none."""
    text = json.dumps([list(request.arguments), request.term, request.may_leave])
    try:
        asked = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        asked.settimeout(REQUEST_S)
        asked.connect(path)
        socket.send_fds(asked, [text.encode()], [0, 1, 2])
    except OSError:
        return
    asked.setblocking(True)  # noqa: FBT003 - the standard library's own argument
    os.dup2(asked.fileno(), _LISTEN_FD)
    os.set_inheritable(_LISTEN_FD, True)  # noqa: FBT003 - as above; it may be the same one
    os.execv("/bin/sh", ["bootmenu", "-c", _WAIT])  # noqa: S606 - no shell is told foreign text


def serve(path: str, run: Callable[[Request, int], int]) -> None:
    """Fork a menu for each request, until the process is ended.

    Args:
        path: Of the socket; unless systemd passes one.
        run: Runs a menu on the standard descriptors and returns its exit status. The descriptor
            can be read, and then is at its end, when the console is gone.
    """
    import bootmenu.plain  # noqa: PLC0415 - this is what the process is for
    import bootmenu.screen  # noqa: F401, PLC0415 - this is what the process is for

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the menus
    gc.collect()
    gc.freeze()  # a collection in a menu would otherwise write to, and copy, every page
    with _listening(path) as listening:
        while True:
            console, _ = listening.accept()
            with console, suppress(OSError, ValueError):
                _answer(listening, console, run)


def _answer(
    listening: socket.socket, console: socket.socket, run: Callable[[Request, int], int]
) -> None:
    """Fork a menu; raises OSError or ValueError for a request that makes no sense."""
    console.settimeout(REQUEST_S)
    text, fds, _, _ = socket.recv_fds(console, _MAX_BYTES, 3)
    try:
        request = _request(text)
        if len(fds) == 3 and os.fork() == 0:
            listening.close()
            _become(request, console, fds, run)
    finally:
        for fd in fds:
            os.close(fd)


def _become(
    request: Request,
    console: socket.socket,
    fds: list[int],
    run: Callable[[Request, int], int],
) -> None:
    """Be the menu of a console; never returns."""
    status = 1
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for standard, fd in enumerate(fds):
            os.dup2(fd, standard)
        os.environ["TERM"] = request.term
        console.setblocking(True)  # noqa: FBT003 - as above
        status = run(request, console.fileno())
        console.send(f"{status}".encode())
    finally:
        os._exit(status)


def _request(text: bytes) -> Request:
    arguments, term, may_leave = json.loads(text)
    if not isinstance(arguments, list) or not isinstance(term, str):
        raise ValueError("no request for a menu")  # noqa: TRY004 - one kind of error for all
    words = tuple(map(str, arguments))
    return Request(arguments=words, term=term, may_leave=may_leave is True)


def _listening(path: str) -> socket.socket:
    if os.environ.get("LISTEN_PID") == str(os.getpid()):
        return socket.socket(fileno=_LISTEN_FD)
    with suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108 - pathlib costs 10 ms
    made = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    before = os.umask(0o177)
    try:
        made.bind(path)
    finally:
        os.umask(before)
    made.listen()
    return made
