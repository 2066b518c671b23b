"""A shell of root's on a console, where the administrator's settings allow one.

The menu on that console has no rights and gets none: systemd runs the shell, stops the menu for it,
and brings the menu back when the shell ends (`bootshell@.service`).
"""

import asyncio
import logging
import re
from collections.abc import Callable
from typing import Final

from bootd.model.text import clean
from bootd.protocol.messages import ErrorName, Level, Phase
from bootd.services.refusal import plain
from bootd.services.store import Store

log = logging.getLogger(__name__)

_CONSOLE: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{0,30}")
"""A terminal right below /dev: none of a person who is logged in, and nothing that is a path."""


class Shells:
    """Has shells started.

    Args:
        store: Says on every console who asked.
        start: Starts a unit of systemd; may block; raises OSError.
        refusal: Says why there is no shell now, or "".
    """

    def __init__(
        self, store: Store, start: Callable[[str], None], refusal: Callable[[], str]
    ) -> None:
        self._store = store
        self._start = start
        self._refusal = refusal

    async def open(self, console: str, by: str) -> None:
        """Have a shell take over a console.

        Raises:
            CallError: Forbidden, when the settings do not allow it, there is no such console, or it
                did not work. Busy, when a boot is under way.
        """
        if refusal := self._refusal():
            raise plain(ErrorName.FORBIDDEN, refusal)
        if not _CONSOLE.fullmatch(console):
            words = f"There is no console {clean(console, 40)!r} to open a shell on."
            raise plain(ErrorName.FORBIDDEN, words)
        if self._store.state.status.phase is not Phase.MENU:
            raise plain(ErrorName.BUSY, "A boot is under way; cancel it first.")
        self._store.say(f"{by} opens a shell on {console}", Level.WARNING)
        log.warning("a shell on %s, asked by %s", console, by)
        try:
            await asyncio.to_thread(self._start, f"bootshell@{console}.service")
        except OSError as error:
            reason = error.strerror or str(error)
            raise plain(ErrorName.FORBIDDEN, f"That did not work: {clean(reason)}.") from error
