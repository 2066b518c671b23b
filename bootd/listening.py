"""The socket that clients call: one that systemd has opened, or one of our own."""

import errno
import os
import socket
from contextlib import ExitStack, suppress
from typing import Final

from bootd.errors import BootdError
from bootd.linux import sd
from bootd.reach import private_socket
from bootd.server.listener import bind

SOCKET_NAME: Final = "varlink"
"""FileDescriptorName of bootd.socket."""


def listen(asked: str, configured: str, undo: ExitStack) -> socket.socket:
    """Return the socket that systemd opened for us, or one of our own, removed at the end.

    Args:
        asked: Path that the command line gives, which is stronger than a socket that was opened.
        configured: Path that the settings give.
        undo: Closes and removes it.

    Raises:
        BootdError: In words.
    """
    given = sd.take_sockets()
    if not asked and SOCKET_NAME in given:
        return undo.enter_context(socket.socket(fileno=given[SOCKET_NAME]))
    path = asked or configured
    if not asked and os.geteuid() != 0:
        path = private_socket() or path
    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)  # noqa: PTH103, PTH120 - pathlib costs 10 ms at start
        listening = undo.enter_context(bind(path))
    except OSError as error:
        raise BootdError(_why_not_listening(path, error)) from error
    undo.callback(_remove, path)
    return listening


def _why_not_listening(path: str, error: OSError) -> str:
    reason = error.strerror or str(error)
    if error.errno == errno.EADDRINUSE:
        reason = "another bootd listens there; end it, or give this one another path with --socket"
    return f"cannot listen on {path}: {reason}"


def _remove(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108 - pathlib costs 10 ms at start
