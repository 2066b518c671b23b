"""Encrypted disks: opened with a passphrase that a person gives, and that nobody keeps.

The passphrase goes through a pipe to a process of its own, which runs cryptsetup. It is in no
message of the log, and in no state that clients see. Somebody who guesses has to wait.
"""

import asyncio
import logging
import os
from collections.abc import Sequence
from typing import Final, Protocol

from bootd.errors import BootdError, ProbeError
from bootd.model.device import LUKS
from bootd.protocol.codec import Json
from bootd.protocol.messages import ErrorName
from bootd.services.refusal import about, invalid, plain
from bootd.services.store import Store

log = logging.getLogger(__name__)

MAX_PASSPHRASE: Final = 512
"""Bytes; what cryptsetup takes interactively, and less than a pipe holds."""
MAX_WRONG: Final = 5
WAIT_S: Final = 30.0
"""After so many wrong passphrases none is tried for so long."""
_HELPER_S: Final = 65.0


class Helpers(Protocol):
    """Who has helpers; `bootd.probe.prober.Prober` does."""

    async def run(
        self, task: str, params: Json, fds: Sequence[int] = (), /, *, timeout_s: float
    ) -> tuple[Json, list[int]]:
        """Run a helper; raises BootdError, OSError."""
        ...


class Locks:
    """Opens one disk at a time.

    Args:
        store: Has the disks that are present.
        helpers: Not owned.
    """

    def __init__(self, store: Store, helpers: Helpers) -> None:
        self._store = store
        self._helpers = helpers
        self._one = asyncio.Lock()
        self._wrong = 0
        self._free_at = 0.0

    async def unlock(self, name: str, passphrase: str, by: str) -> None:
        """Open a disk, read-only.

        Raises:
            CallError: InvalidParameter for a disk that is not locked, Refused when it did not
                open, Busy when too many passphrases were wrong.
        """
        device = self._store.find_device(name)
        if device is None or device.fstype != LUKS:
            raise invalid("device", "There is no locked device of this name.")
        secret = passphrase.encode("utf-8", "surrogateescape")
        if not 0 < len(secret) <= MAX_PASSPHRASE:
            raise invalid("passphrase", f"A passphrase has 1 to {MAX_PASSPHRASE} bytes.")
        self._check_wait()
        async with self._one:
            self._check_wait()  # others may have guessed meanwhile
            try:
                await self._open(f"bootd-luks-{device.uuid or name}", device.node, secret)
            except (BootdError, OSError) as error:
                self._count()
                why = error.reason if isinstance(error, ProbeError) else str(error)
                log.warning("%s was not unlocked by %s: %s", name, by, why)
                message = f"{name} was not unlocked: {why}."
                raise about(ErrorName.REFUSED, name, message) from error
        self._wrong = 0
        log.info("%s unlocked by %s", name, by)
        self._store.say(f"{name} unlocked by {by}")

    async def _open(self, name: str, node: str, secret: bytes) -> None:
        reading, writing = os.pipe2(os.O_CLOEXEC)
        try:
            os.write(writing, secret)  # fits what a pipe holds, so this never waits
            os.close(writing)
            params: Json = {"name": name, "node": node}
            await self._helpers.run("unlock", params, [reading], timeout_s=_HELPER_S)
        finally:
            os.close(reading)

    def _count(self) -> None:
        self._wrong += 1
        if self._wrong >= MAX_WRONG:
            self._wrong = 0
            self._free_at = asyncio.get_running_loop().time() + WAIT_S

    def _check_wait(self) -> None:
        left = self._free_at - asyncio.get_running_loop().time()
        if left > 0:
            message = f"Too many wrong passphrases: try again in {left:.0f} s."
            raise plain(ErrorName.BUSY, message)
