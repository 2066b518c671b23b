"""One task in a forked process with a worker's limits, for commands that have no zygote.

The process keeps its rights and sees what its parent sees; what it may not do is grow or run
without end, whatever the bytes that it reads (DESIGN.md, limits), nor reach programs, other
processes or the network.
"""

import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import Final

from bootd.errors import ProbeError
from bootd.linux import limits, sandbox
from bootd.probe import answer as answers
from bootd.probe.worker import describe
from bootd.protocol.codec import Json

WALL_S: Final = 10.0
"""A mounted disk may be slow; processor time has its own limit."""

MAX_ANSWER_BYTES: Final = 8 << 20


def run(name: str, task: Callable[[], Json]) -> Json:
    """Return what `task` returns.

    Args:
        name: For errors: what is being read.
        task: Called in the new process, whose memory is a copy of this one's.

    Raises:
        ProbeError: It died, took too long or too much memory, or made a mistake.
        BootdError, OSError: What the task raised.
    """
    reader, writer = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        os.close(reader)
        _work(writer, task)
    os.close(writer)
    try:
        data = _read(reader, name)
    finally:
        os.close(reader)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    return _judge(name, data, status)


def _work(writer: int, task: Callable[[], Json]) -> None:
    """Run the task, write what came of it, and end the process."""
    message: Json = None
    try:
        limits.confine()
        sandbox.forbid()
        message = {"answer": task()}
    finally:
        try:
            # Whatever it was: this process must not go on as a second copy of its parent.
            if (error := sys.exception()) is not None:
                message = {"error": describe(error)}
            rest = memoryview(json.dumps(message).encode())
            while rest:
                rest = rest[os.write(writer, rest) :]
        finally:
            os._exit(0)


def _read(reader: int, name: str) -> bytes:
    """Return all that the process writes until it ends."""
    deadline = time.monotonic() + WALL_S
    parts: list[bytes] = []
    size = 0
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([reader], [], [], left)[0]:
            raise ProbeError(name, f"did not answer for {WALL_S:.0f} s")
        part = os.read(reader, 1 << 16)
        if not part:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            raise ProbeError(name, "gives a longer answer than any disk should")


def _judge(name: str, data: bytes, status: int) -> Json:
    try:
        message: Json = json.loads(data)
    except ValueError:
        message = None
    match message:
        case {"answer": value}:
            return value
        case {"error": dict(error)}:
            raise answers.error(name, error)
        case _:
            raise ProbeError(name, _death(status))


def _death(status: int) -> str:
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if number == signal.SIGXCPU:
        return f"took more than {limits.CPU_S} s of processor time to read"
    if number == signal.SIGSYS:
        return "made its reader ask for what no reader of a disk may do"
    return f"could not be read: its process ended (signal {number})"
