"""Reboot and power off, when the settings allow it."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from bootd.errors import CallError
from bootd.protocol.messages import ErrorName, Level, Phase
from bootd.services.store import Store

log = logging.getLogger(__name__)

ACTIONS: Final = {"reboot": "restarting the machine", "powerOff": "switching the machine off"}
"""Word on the wire -> what it is called while it is done."""


class Leaving:
    """Leaves the machine for no kernel at all.

    Args:
        store: Says who asked for it on every console.
        leave: Does it, given a key of `ACTIONS`; may block; raises OSError. Does nothing in a
            rehearsal.
        allowed: Keys of `ACTIONS` that the administrator allows.
    """

    def __init__(
        self, store: Store, leave: Callable[[str], None], allowed: tuple[str, ...]
    ) -> None:
        self._store = store
        self._leave = leave
        self.allowed = allowed

    async def do(self, action: str, by: str) -> None:
        """Leave.

        Raises:
            CallError: The action is unknown, not allowed, failed, or a boot is under way.
        """
        if action not in self.allowed:
            raise _error(ErrorName.FORBIDDEN, f"The settings of bootd do not allow {action!r:.40}.")
        if self._store.state.status.phase is not Phase.MENU:
            raise _error(ErrorName.BUSY, "A boot is under way; cancel it first.")
        self._store.say(f"{by} is {ACTIONS[action]}", Level.WARNING)
        log.info("%s asked by %s", action, by)
        try:
            await asyncio.to_thread(self._leave, action)
        except OSError as error:
            reason = error.strerror or str(error)
            raise _error(ErrorName.FORBIDDEN, f"That did not work: {reason}.") from error


def _error(name: str, message: str) -> CallError:
    return CallError(name, message, {"message": message})
