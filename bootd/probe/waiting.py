"""Sessions whose question is asked already, kept for who wants the answer (see `preview`)."""

import asyncio
from typing import Final

from bootd.probe.session import Session

KEPT_S: Final = 5.0
"""udev has said something of the device by then, or will not."""


class Waiting:
    """The workers that have read a device, or are at it, until somebody asks or it is too late."""

    def __init__(self) -> None:
        self._sessions: dict[str, tuple[Session, asyncio.TimerHandle]] = {}

    def keep(self, device: str, session: Session) -> None:
        """Take over a session for at most KEPT_S; there must be none of this device."""
        timer = asyncio.get_running_loop().call_later(KEPT_S, self.drop, device)
        self._sessions[device] = session, timer

    def take(self, device: str) -> Session | None:
        """Give away the session of a device, if there is one."""
        session, timer = self._sessions.pop(device, (None, None))
        if timer is not None:
            timer.cancel()
        return session

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
