"""Tasks for tests of the prober: well-behaved, broken and hostile workers."""

import ctypes
import os
import time
from collections.abc import Callable

from bootd.errors import MergeRefusedError
from bootd.model.option import BootOption, ScanResult
from bootd.probe.task import Context, Tables
from bootd.probe.tasks import open_files
from bootd.protocol.codec import Json, to_json
from tests.support.attacks import attack


def scan(context: Context, _params: Json, _fds: list[int]) -> tuple[Json, list[int]]:
    """Give an option for each file below /entries; a file may tell the worker to misbehave."""
    assert context.fs is not None
    names = context.fs.list_dir("/entries")
    for name in names:
        misbehave(context.fs.read(f"/entries/{name}"))
    options = tuple(BootOption(entry=n, format="test", source="/entries", title=n) for n in names)
    return to_json(ScanResult(options=options)), []


def misbehave(text: bytes) -> None:
    deed = _DEEDS.get(text)
    if deed is not None:
        deed()


def _fault() -> None:
    raise TypeError("a mistake")


def _spin() -> None:
    while True:
        pass


def _refuse() -> None:
    raise MergeRefusedError("no memory node")


_DEEDS: dict[bytes, Callable[[], object]] = {
    b"crash": lambda: ctypes.string_at(0),
    b"leave": lambda: os._exit(3),
    b"fault": _fault,
    b"spin": _spin,
    b"sleep": lambda: time.sleep(3600),
    b"eat": lambda: bytearray(200 << 20),
    b"refuse": _refuse,
}


def lie(_context: Context, _params: Json, _fds: list[int]) -> tuple[Json, list[int]]:
    """Answer with something that is no ScanResult."""
    return {"options": "all of them"}, []


def chatter(_context: Context, _params: Json, _fds: list[int]) -> tuple[Json, list[int]]:
    """Answer with more than a message may hold."""
    return "x" * (2 << 20), []


def rights(_context: Context, _params: Json, _fds: list[int]) -> tuple[Json, list[int]]:
    """Tell who this process is, as far as it may know."""
    return {"pid": os.getpid(), "uid": [os.getuid(), os.geteuid()]}, []


def reverse(_context: Context, params: Json, fds: list[int]) -> tuple[Json, list[int]]:
    """Give open files back in the opposite order."""
    return params, fds[::-1]


TABLES = Tables(
    tasks={
        "scan": scan,
        "open": open_files,
        "lie": lie,
        "chatter": chatter,
        "rights": rights,
        "reverse": reverse,
        "attack": attack,
    },
    helpers={"help": rights},
)
