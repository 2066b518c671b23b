"""Sessions whose question is asked already, kept for who wants the answer (see `preview`)."""

import asyncio
from typing import Final

from bootd.probe.session import Session

KEPT_S: Final = 5.0
"""udev has said something of the device by then, or will not."""


class Waiting:
    """The workers that have read a device, or are at it, until somebody asks or it is too late."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def keep(self, device: str, session: Session) -> None:
        """Take over a session for at most KEPT_S; there must be none of this device."""
        self._sessions[device] = session
        loop = asyncio.get_running_loop()
        self._timers[device] = loop.call_later(KEPT_S, self.drop, device)

    def take(self, device: str) -> Session | None:
        """Give away the session of a device, if there is one."""
        if device in self._timers:
            self._timers.pop(device).cancel()
        return self._sessions.pop(device, None)

    def drop(self, device: str) -> bool:
        """End the session of a device; says whether there was one."""
        session = self.take(device)
        if session is not None:
            session.close()
        return session is not None

    def close(self) -> None:
        """End all of them."""
        for name in tuple(self._sessions):
            self.drop(name)
