"""The line to the daemon: keeps it up, turns its events into happenings, carries out requests."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Final, Protocol, assert_never

from bootd.errors import BootdError
from bootd.protocol.machine import MachineView
from bootd.protocol.messages import (
    NO_OVERRIDES,
    BootReply,
    Event,
    Explanation,
    Overrides,
    TreePageView,
)
from bootd.protocol.methods import Browsing
from bootmenu.state import (
    Boot,
    Browse,
    Browsed,
    Cancel,
    Describe,
    Described,
    Disconnected,
    Explain,
    Explained,
    Failed,
    Happening,
    Leave,
    LeaveMachine,
    Loaded,
    NotBrowsed,
    Question,
    Redraw,
    Request,
    Rescan,
    Rest,
    Rested,
    SetTimeout,
    Settle,
    Settled,
    Unexplained,
)

RETRY_S: Final = 1.0
"""Between attempts to reach the daemon."""

SETTLE_S: Final = 2.0
"""So long a line must be free of noise before Enter is trusted again."""

REST_S: Final = 0.3
"""So long the cursor stays on an option before the pane turns to it and the daemon is asked."""


class BootClient(Protocol):
    """The part of `bootd.client.Client` that the menu uses; every method raises BootdError."""

    async def explain(self, option_id: str, overrides: Overrides = NO_OVERRIDES, /) -> Explanation:
        """Return what would happen at the boot of an option."""
        ...

    async def boot(
        self, option_id: str, overrides: Overrides = NO_OVERRIDES, by: str = ""
    ) -> BootReply:
        """Load an option and start it."""
        ...

    async def cancel(self, by: str = "") -> None:
        """Stop the countdown or a load."""
        ...

    async def rescan(self) -> None:
        """Look at every device again."""
        ...

    def events(self) -> AsyncIterator[Event]:
        """Yield the state, then every change."""
        ...

    async def browse_tree(self, asked: Browsing, /) -> TreePageView:
        """Return rows of the tree that an option would get."""
        ...

    async def describe_machine(self) -> MachineView:
        """Return the machine at this moment."""
        ...

    async def set_timeout(self, seconds: int | None, by: str = "") -> None:
        """Count anew, or never."""
        ...

    async def leave(self, action: str, by: str = "") -> None:
        """Restart the machine or switch it off."""
        ...

    async def close(self) -> None:
        """Give the connections up."""
        ...


class Session:
    """Serves one face; used inside a TaskGroup that owns all of its tasks.

    Args:
        connect: Opens a client of the daemon; raises BootdError or OSError.
        by: Who acts, such as `console ttyAMA0`: shown on all consoles.
        tell: Takes each happening; called in the event loop.
        tasks: Owner of the tasks.
    """

    def __init__(
        self,
        *,
        connect: Callable[[], Awaitable[BootClient]],
        by: str,
        tell: Callable[[Happening], None],
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._connect = connect
        self._by = by
        self._tell = tell
        self._tasks = tasks
        self._client: BootClient | None = None
        self._resting: Callable[[], bool] | None = None
        self._settling: Callable[[], bool] | None = None
        self._running: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to follow the daemon, until `stop`."""
        self._begin(self._follow())

    def stop(self) -> None:
        """Cancel everything that is under way; the TaskGroup then ends."""
        for task in tuple(self._running):
            task.cancel()

    def perform(self, request: Request) -> None:
        """Begin what the reducer asks for; the outcome is told later. Does not block."""
        match request:
            case Rest(id=option_id):
                if self._resting is not None:
                    self._resting()
                self._resting = self._begin(self._rest(option_id))
            case Settle():
                if self._settling is not None:
                    self._settling()
                self._settling = self._begin(self._settle())
            case Redraw() | Leave():
                pass  # the face's own
            case _:
                self._begin(self._ask(request))

    def _begin(self, work: Coroutine[None, None, None]) -> Callable[[], bool]:
        """Start a task and return what cancels it."""
        task = self._tasks.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task.cancel

    async def _follow(self) -> None:
        while True:
            try:
                self._client = await self._connect()
                try:
                    async for event in self._client.events():
                        self._tell(event)
                finally:
                    await self._client.close()
                reason = "bootd has ended the connection."
            except (BootdError, OSError) as error:
                reason = _sentence(error)
            self._client = None
            self._tell(Disconnected(reason=f"{reason} Trying again."))
            await asyncio.sleep(RETRY_S)

    async def _rest(self, option_id: str) -> None:
        await asyncio.sleep(REST_S)
        self._tell(Rested(id=option_id))

    async def _settle(self) -> None:
        await asyncio.sleep(SETTLE_S)
        self._tell(Settled())

    async def _ask(self, request: Question) -> None:
        client = self._client
        if client is None:
            return  # Disconnected has been told, and says more than a failure would
        try:
            await self._carry_out(client, request)
        except (BootdError, OSError) as error:
            self._tell(_failure(request, _sentence(error)))

    async def _carry_out(self, client: BootClient, request: Question) -> None:
        match request:
            case Boot(id=option_id, overrides=overrides):
                self._tell(Loaded(reply=await client.boot(option_id, overrides, by=self._by)))
            case Explain(id=option_id, overrides=overrides):
                self._tell(Explained(explanation=await client.explain(option_id, overrides)))
            case Browse(asked=asked):
                self._tell(Browsed(asked=asked, page=await client.browse_tree(asked)))
            case Describe():
                self._tell(Described(machine=await client.describe_machine()))
            case _:
                await self._command(client, request)

    async def _command(
        self, client: BootClient, request: Cancel | Rescan | SetTimeout | LeaveMachine
    ) -> None:
        """Have something done that is answered by an event, if at all."""
        match request:
            case Cancel():
                await client.cancel(by=self._by)
            case Rescan():
                await client.rescan()
            case SetTimeout(seconds=seconds):
                await client.set_timeout(seconds, by=self._by)
            case LeaveMachine(action=action):
                await client.leave(action, by=self._by)
            case _:
                assert_never(request)


def _failure(request: Question, reason: str) -> Failed | Unexplained | NotBrowsed:
    if isinstance(request, Browse):
        return NotBrowsed(asked=request.asked, reason=reason)
    if isinstance(request, Explain):
        return Unexplained(id=request.id, reason=reason)
    return Failed(reason=reason)


def _sentence(error: BootdError | OSError) -> str:
    return str(error) or "bootd does not answer in time."
