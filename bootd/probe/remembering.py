"""Reads and writes what is remembered, in a process of its own: a dead medium hangs only that.

Runs as a helper, with root's rights: places are named by the broker, which has them from the
settings and from the label of a partition, never from a client.
"""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from typing import Final

from bootd.errors import ProtocolError
from bootd.model.device import WRITABLE
from bootd.protocol.codec import Json, from_json
from bootd.record import dataclass

VARIABLE: Final = "bootd"
"""In U-Boot's environment."""

NAME: Final = "state.json"
"""The file in a folder."""

_BUSY_S: Final = 6.0
"""For so long a worker may have the state partition mounted read-only."""
_BUSY_STEP_S: Final = 0.05
_MARKED_S: Final = 0.5
"""For so long a worker that begins its look may take away again what `allow` gives."""
_PASSING: Final = frozenset({errno.EBUSY, errno.EROFS, errno.EACCES})


class Kind(Enum):
    """What keeps the text."""

    FOLDER = "folder"
    PARTITION = "partition"
    UBOOT = "uboot"
    EFI = "efi"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAt:
    """Where the text is kept.

    Attributes:
        path: A folder, the node of a partition, or else the root of the machine.
        fstype: Of the partition, as blkid names it.
    """

    kind: Kind
    path: str = "/"
    fstype: str = ""


def remember(_context: object, params: Json, fds: list[int]) -> tuple[Json, list[int]]:
    """Read the text at `{"at": KeptAt}`, or write `{"text": ...}` there; answers with the text.

    Raises:
        OSError: In words.
        BootdError: A configuration makes no sense.
    """
    for fd in fds:
        os.close(fd)
    if not isinstance(params, dict):
        raise ProtocolError("$: expected an object")
    text = params.get("text")
    if text is not None and not isinstance(text, str):
        raise ProtocolError("$.text: expected str")
    at = from_json(KeptAt, params.get("at"), "$.at")
    found = _KINDS[at.kind](at, None if text is None else text.encode("ascii"))
    return None if found is None else found.decode("utf-8", "replace"), []


def _folder(at: KeptAt, text: bytes | None) -> bytes | None:
    from bootd.linux import state_folder  # noqa: PLC0415 - the zygote need not have it

    fstype = at.fstype or state_folder.file_system(at.path)
    twice = fstype in state_folder.TWICE
    if text is None:
        return state_folder.read(at.path, twice=twice)
    state_folder.write(at.path, text, twice=twice)
    return text


def _partition(at: KeptAt, text: bytes | None) -> bytes | None:
    with _mounted(at) as folder:
        return _folder(KeptAt(kind=Kind.FOLDER, path=folder, fstype=at.fstype), text)


@contextmanager
def _mounted(at: KeptAt) -> Iterator[str]:
    """Mount the partition for a moment, writable also for reading, so that its journal is replayed.

    A worker that looks at it read-only is waited for: a mount of ours would be that one.
    """
    fd = _mount(at)
    try:
        yield f"/proc/self/fd/{fd}"
    finally:
        os.close(fd)


def _mount(at: KeptAt) -> int:
    from bootd.linux.mount import mount_detached, mount_writable  # noqa: PLC0415 - as above
    from bootd.linux.unwritable import allow  # noqa: PLC0415 - as above

    if at.fstype not in WRITABLE:
        words = f"{at.fstype or 'unknown'} file systems are never written"
        raise OSError(errno.EROFS, words, at.path)
    start = time.monotonic()
    while True:
        with suppress(OSError):  # the mount says why it cannot be written
            allow(at.path)
        try:
            return mount_writable(at.path, at.fstype)
        except OSError as error:
            taken_s = time.monotonic() - start
            if error.errno in {errno.EROFS, errno.EACCES} and taken_s > _MARKED_S:
                return mount_detached(at.path, at.fstype)
            if error.errno not in _PASSING or taken_s > _BUSY_S:
                raise
        time.sleep(_BUSY_STEP_S)


def _uboot(at: KeptAt, text: bytes | None) -> bytes | None:
    from bootd.linux.firmware_env import read_environment, write_variable  # noqa: PLC0415 - as above

    if text is not None:
        write_variable(VARIABLE, text.decode().strip(), at.path)
        return text
    environment, notes = read_environment(at.path)
    if environment is None:
        raise OSError(errno.ENODATA, "; ".join(notes) or "there is no fw_env.config")
    value = environment.variables.get(VARIABLE)
    return None if value is None else value.encode()


def _efi(at: KeptAt, text: bytes | None) -> bytes | None:
    from bootd.linux import efi_variable  # noqa: PLC0415 - as above

    if text is None:
        return efi_variable.read(at.path)
    efi_variable.write(text, at.path)
    return text


_KINDS: Final = {
    Kind.FOLDER: _folder,
    Kind.PARTITION: _partition,
    Kind.UBOOT: _uboot,
    Kind.EFI: _efi,
}

HELPERS: Final = {"remember": remember}
"""For the Prober's table of helpers that keep their rights."""
