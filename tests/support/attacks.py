"""What a worker may try that a hostile disk has taken over: each either fails or ends the worker.

An attack that works returns; one that is stopped raises, or the process dies.
"""

import ctypes
import os
import re
import signal
import socket
import zlib
from collections.abc import Callable
from pathlib import Path

from bootd.errors import ProtocolError
from bootd.linux.libc import LIBC, last_error
from bootd.linux.seccomp import native_abi
from bootd.linux.syscall_table import NEVER, numbers
from bootd.probe.channel import decode
from bootd.probe.task import Context
from bootd.protocol.codec import Json

_BOMB = zlib.compress(bytes(300 << 20), 1)


def call(name: str, *words: object) -> None:
    """Make a system call from the list of those that no worker makes."""
    abi = native_abi()
    assert abi is not None
    plain(name, numbers(NEVER, abi)[name], *words)


def plain(name: str, number: int, *words: object) -> None:
    """Make a system call."""
    given = [ctypes.c_long(word) if isinstance(word, int) else word for word in words]
    if LIBC.syscall(ctypes.c_long(number), *given) < 0:
        raise last_error(name)


def attack(context: Context, params: Json, _fds: list[int]) -> tuple[Json, list[int]]:
    """Try one of `ATTACKS`; an answer means that it worked."""
    del context
    if not isinstance(params, str) or params not in ATTACKS:
        raise ProtocolError("no such attack")
    ATTACKS[params]()
    return "worked", []


def _endless() -> None:
    while True:
        pass


def _deep() -> None:
    _deep()


def _write_code() -> None:
    protection, flags = 1 | 2 | 4, 0x22  # read, write, execute; private and anonymous
    LIBC.mmap.restype = ctypes.c_void_p
    place = LIBC.mmap(None, ctypes.c_size_t(4096), protection, flags, -1, ctypes.c_long(0))
    if place == ctypes.c_void_p(-1).value:
        raise last_error("mmap")


def _memory_program() -> None:
    fd = os.memfd_create("program")
    os.write(fd, b"#!/bin/sh\n")
    os.execve(fd, ["program"], {})  # noqa: S606 - it must fail


def _grow_code() -> None:
    place = ctypes.addressof(ctypes.create_string_buffer(8192)) & ~4095
    if LIBC.mprotect(ctypes.c_void_p(place), ctypes.c_size_t(4096), 7) != 0:
        raise last_error("mprotect")


def _deep_json() -> None:
    decode(b"[" * 100_000)


ATTACKS: dict[str, Callable[[], object]] = {
    "read a file of the system": lambda: Path("/etc/passwd").read_bytes(),
    "read its own memory map": lambda: Path("/proc/self/maps").read_bytes(),
    "list the devices": lambda: os.listdir("/dev"),  # noqa: PTH208 - no pathlib in between
    "write a file": lambda: Path("/tmp/bootd-attack").write_text("x"),  # noqa: S108 - it must fail
    "list the root": lambda: os.listdir("/"),  # noqa: PTH208 - ditto
    "open a network socket": lambda: socket.socket(socket.AF_INET),
    "open a local socket": lambda: socket.socket(socket.AF_UNIX),
    "fork": os.fork,
    "run a program": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606 - ditto
    "run a program in memory": _memory_program,
    "mount": lambda: call("mount", b"none", b"/", b"tmpfs", 0, None),
    "make a namespace": lambda: call("unshare", 0x10000000),
    "load a kernel": lambda: call("kexec_file_load", -1, -1, 0, None, 4),
    "restart the machine": lambda: call("reboot", 0xFEE1DEAD, 672274793, 0x1234567, None),
    "trace its parent": lambda: call("ptrace", 16, os.getppid(), 0, 0),
    "end its parent": lambda: os.kill(os.getppid() or 1, signal.SIGKILL),
    "end everybody": lambda: os.kill(-1, signal.SIGKILL),
    "load a program into the kernel": lambda: call("bpf", 5, None, 0),
    "use an io_uring": lambda: call("io_uring_setup", 1, None),
    "use userfaultfd": lambda: call("userfaultfd", 1),
    "use a key ring": lambda: call("keyctl", 0, -1, 0),
    "open a file by its handle": lambda: call("open_by_handle_at", -100, None, 0),
    "write code": _write_code,
    "make data code": _grow_code,
    "become root": lambda: os.setresuid(0, 0, 0),
    "take 1 GiB": lambda: bytearray(1 << 30),
    "unpack a bomb": lambda: zlib.decompress(_BOMB),
    "never end": _endless,
    "match for ever": lambda: re.match(r"(a+)+$", "a" * 64 + "b"),
    "nest without end": _deep,
    "nest an answer without end": _deep_json,
}
"""By what is tried."""
