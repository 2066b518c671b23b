"""Where the daemon listens, how long its answers may take, and what to say when it fails to answer.

Shared by the client of coroutines and by the menu, which has no event loop of asyncio.
"""

import os
from collections.abc import Mapping
from typing import Final

from bootd.errors import CallError
from bootd.protocol.messages import INTERFACE, SOCKET, ErrorName
from bootd.protocol.varlink import Reply

CONNECT_TIMEOUT_S: Final = 5.0
QUICK_TIMEOUT_S: Final = 15.0
"""For calls that the daemon answers from memory."""
EXPLAIN_TIMEOUT_S: Final = 60.0
BOOT_TIMEOUT_S: Final = 600.0
"""A kernel and its initrd may come from a slow card."""

_STANDARD_SENTENCES: Final = {
    ErrorName.PERMISSION_DENIED: "You may not do this: changing needs root or membership in the "
    "group bootd.",
    ErrorName.METHOD_NOT_FOUND: "This bootd does not know that request; it is older than the "
    "client.",
    ErrorName.INTERFACE_NOT_FOUND: "The program behind the socket is not bootd.",
}


def private_socket(environ: Mapping[str, str] = os.environ) -> str | None:
    """Return where a daemon listens that this user runs for itself (a played machine), or None."""
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    return f"{runtime}/bootd/{INTERFACE}" if runtime.startswith("/") else None


def find_socket(environ: Mapping[str, str] = os.environ) -> str:
    """Return the socket to ask when nobody says which: the system's, else this user's own."""
    private = private_socket(environ)
    if private is not None and not os.path.exists(SOCKET) and os.path.exists(private):  # noqa: PTH110 - pathlib costs 10 ms
        return private
    return SOCKET


def call_error(reply: Reply) -> CallError:
    """Return the error of a reply, with the daemon's sentence or the standard one."""
    message = reply.parameters.get("message")
    if not isinstance(message, str):
        message = _STANDARD_SENTENCES.get(reply.error, _unknown_error(reply))
    return CallError(reply.error, message, dict(reply.parameters))


def no_answer(method: str, timeout_s: float) -> str:
    """Return the sentence for a call that took too long."""
    return f"bootd has not answered {method} for {timeout_s:.0f} s."


def why_not(path: str, error: OSError) -> str:
    """Return the sentence for a connection that cannot be made; it says how to start bootd."""
    match error:
        case FileNotFoundError() | ConnectionRefusedError():
            hint = "start it with `systemctl start bootd`, or name its socket with --socket"
            return f"bootd is not running: nobody listens on {path}; {hint}."
        case PermissionError():
            return f"You may not connect to {path}."
        case BlockingIOError() | TimeoutError():
            return f"bootd does not accept connections on {path}."
        case _:
            return f"Cannot connect to bootd on {path}: {error.strerror or error}."


def _unknown_error(reply: Reply) -> str:
    details = ", ".join(f"{key}: {value}" for key, value in reply.parameters.items())
    return f"bootd answered with the error {reply.error}" + (f" ({details})." if details else ".")
