"""The line to the daemon: keeps it up, turns its events into happenings, carries out requests."""

from collections.abc import Callable
from typing import Final

from bootd.errors import ProtocolError, UnreachableError
from bootd.protocol import methods
from bootd.protocol.events import event_from_json
from bootd.protocol.messages import Resync
from bootd.protocol.varlink import Call, Reply
from bootd.record import dataclass
from bootmenu.loop import Loop, Timer
from bootmenu.questions import Asked, asked, failure
from bootmenu.state import (
    Disconnected,
    Happening,
    Leave,
    Question,
    Redraw,
    Request,
    Rest,
    Rested,
    Settle,
    Settled,
)
from bootmenu.wire import Wire

RETRY_S: Final = 1.0
"""Between attempts to reach the daemon."""

SETTLE_S: Final = 2.0
"""So long a line must be free of noise before Enter is trusted again."""

REST_S: Final = 0.3
"""So long the cursor stays on an option before the pane turns to it and the daemon is asked."""

_SUBSCRIBE: Final = Call(method=methods.SUBSCRIBE.full_name, more=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a menu runs.

    Attributes:
        socket: Of the daemon.
        by: Who acts, such as `console ttyAMA0`, for the other consoles to see.
        lifeline: Descriptor that can be read when the console is gone; None when the terminal's
            own end is the only sign.
    """

    socket: str
    by: str
    lifeline: int | None = None


class Session:
    """Serves one face, in its loop.

    Args:
        loop: Of the face.
        place: Where the menu runs.
        tell: Takes each happening; called in the loop.
    """

    def __init__(self, *, loop: Loop, place: Place, tell: Callable[[Happening], None]) -> None:
        self._loop = loop
        self._path = place.socket
        self._by = place.by
        self._tell = tell
        self._events: Wire | None = None
        self._expected = 0
        self._calls: set[Wire] = set()
        self._timers: dict[str, Timer] = {}

    def start(self) -> None:
        """Begin to follow the daemon, until `stop`."""
        self._expected = 0
        try:
            self._events = Wire(
                self._loop,
                self._path,
                _SUBSCRIBE,
                on_reply=self._happened,
                on_failure=self._lost,
                timeout_s=None,
            )
        except UnreachableError as error:
            self._lost(str(error))

    def stop(self) -> None:
        """Give up everything that is under way."""
        for timer in self._timers.values():
            timer.cancel()
        for wire in (*self._calls, *filter(None, [self._events])):
            wire.close()
        self._calls.clear()

    def perform(self, request: Request) -> None:
        """Begin what the reducer asks for; the outcome is told later. Does not block."""
        match request:
            case Rest(id=option_id):
                self._later("rest", REST_S, lambda: self._tell(Rested(id=option_id)))
            case Settle():
                self._later("settle", SETTLE_S, lambda: self._tell(Settled()))
            case Redraw() | Leave():
                pass  # the face's own
            case _:
                self._ask(request)

    def _later(self, name: str, seconds: float, act: Callable[[], None]) -> None:
        """Act in a while, in place of what was to come under the same name."""
        if (timer := self._timers.get(name)) is not None:
            timer.cancel()
        self._timers[name] = self._loop.call_later(seconds, act)

    def _happened(self, reply: Reply) -> None:
        numbered = event_from_json(reply.parameters.get("event"))
        if numbered is not None and numbered[0] != self._expected:
            raise ProtocolError(f"expected event {self._expected}, got {numbered[0]}")
        self._expected += 1
        if numbered is not None:  # else of a kind that only a newer client knows
            self._tell(numbered[1])
        if numbered is not None and isinstance(numbered[1], Resync):
            self._again()
        elif not reply.continues:
            self._lost("bootd ended the stream of events.")

    def _again(self) -> None:
        """Subscribe anew after events were lost: the state then comes as a whole."""
        if self._events is not None:
            self._events.close()
        self.start()

    def _lost(self, reason: str) -> None:
        self._events = None
        self._tell(Disconnected(reason=f"{reason} Trying again."))
        self._later("retry", RETRY_S, self.start)

    def _ask(self, request: Question) -> None:
        if self._events is None:
            return  # Disconnected has been told, and says more than a failure would
        question = asked(request, self._by)
        self._calls = {wire for wire in self._calls if wire.open}
        try:
            wire = Wire(
                self._loop,
                self._path,
                question.call(),
                on_reply=lambda reply: self._answered(question, reply),
                on_failure=lambda reason: self._tell(failure(request, reason)),
                timeout_s=question.timeout_s,
            )
        except UnreachableError as error:
            self._tell(failure(request, str(error)))
        else:
            self._calls.add(wire)

    def _answered(self, question: Asked, reply: Reply) -> None:
        if (happening := question.told(reply.parameters)) is not None:
            self._tell(happening)
