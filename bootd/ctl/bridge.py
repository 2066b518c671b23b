"""The verb bridge: the daemon's socket on standard input and output, for a client far away.

Nothing of what passes is looked at: what the client may do is decided by the daemon, as for every
client of this user.
"""

import os
import socket
import sys
from argparse import Namespace
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Final

from bootd.ctl.asking import add_socket_option
from bootd.errors import UnreachableError

if TYPE_CHECKING:
    from bootd.ctl.asking import Commands

_PIECE: Final = 1 << 16


def register(commands: "Commands") -> None:
    """Add the verb."""
    text = "Speak the daemon's own protocol on standard input and output."
    parser = commands.add_parser("bridge", help=text, description=text)
    add_socket_option(parser)
    parser.set_defaults(run=_bridge)


def _bridge(given: Namespace) -> int:
    """Carry bytes both ways until the daemon ends the connection, as it does after the client."""
    from bootd.reach import find_socket, why_not  # noqa: PLC0415 - see bootd.ctl.asking

    path = getattr(given, "socket", "") or find_socket()
    with socket.socket(socket.AF_UNIX) as daemon:
        try:
            daemon.connect(path)
        except OSError as error:
            raise UnreachableError(why_not(path, error)) from error
        # Its read of standard input cannot be ended from here; the process's end does it.
        Thread(target=_carry_there, args=(sys.stdin.fileno(), daemon), daemon=True).start()
        with suppress(ConnectionError):
            while piece := daemon.recv(_PIECE):
                _write(sys.stdout.fileno(), piece)
    return 0


def _carry_there(source: int, daemon: socket.socket) -> None:
    with suppress(OSError):
        while piece := os.read(source, _PIECE):
            daemon.sendall(piece)
        daemon.shutdown(socket.SHUT_WR)


def _write(target: int, piece: bytes) -> None:
    while piece:
        piece = piece[os.write(target, piece) :]
