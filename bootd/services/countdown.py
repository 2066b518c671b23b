"""Drives `bootd.policy.autoboot` with the loop's clock, and shows the seconds in the status.

Nothing runs while nothing counts. Autoboot needs no client: nobody has to be there for it.
"""

import asyncio
from collections.abc import Awaitable, Callable

from bootd.model.option import WAIT_FOREVER, OptionId
from bootd.policy import autoboot
from bootd.policy.autoboot import Autoboot
from bootd.protocol.messages import Level
from bootd.record import replace
from bootd.services.state import State
from bootd.services.store import Store


class Countdown:
    """The one countdown of the machine.

    Attributes:
        timeout_s: As below; read when a countdown starts.
        wait_for_s: Seconds after the start for which a preferred device is waited for.
    """

    def __init__(
        self,
        store: Store,
        *,
        timeout_s: int | None,
        stopped_by: str = "",
        remember: Callable[[str], None],
        held: Callable[[], bool] = lambda: False,
    ) -> None:
        """Prepare; `run` counts.

        Args:
            store: Whose default is counted for, and whose status shows the seconds.
            timeout_s: The setting: seconds, `WAIT_FOREVER` for never, None for what the boot
                configurations ask.
            stopped_by: Who stopped the countdown in an earlier run of the daemon, or "".
            remember: Keeps who stopped it, for a later run of the daemon.
            held: Says that what people want booted is still being read: nothing counts until then.
        """
        self._store = store
        self.timeout_s = timeout_s
        self._autoboot = autoboot.stop(Autoboot(), stopped_by) if stopped_by else Autoboot()
        self._remember = remember
        self._held = held
        self._expected: tuple[str, ...] = ()
        self._began = 0.0
        self.wait_for_s = 0

    async def run(self, boot: Callable[[OptionId], Awaitable[None]]) -> None:
        """Count for ever; `boot` is called once, when the time has come."""
        clock = asyncio.get_running_loop().time
        self._began = clock()
        while True:
            state = self._store.state
            if not self._held():
                self._offer(state, clock())
            self._autoboot, target = autoboot.tick(
                self._autoboot, clock(), probing=state.status.probing > 0
            )
            self._show(clock())
            if target is not None:
                await boot(target)
                continue
            # 0.0: the time is over, but devices are being looked at; their answer wakes us up.
            wake = autoboot.next_wake(self._autoboot, clock()) or None
            try:
                async with asyncio.timeout(wake):
                    await self._store.next_state(after=self._store.state.revision)
            except TimeoutError:
                continue

    def stop(self, by: str) -> None:
        """Stop for good because `by` acted."""
        if self._autoboot.over:
            return
        counting = self._autoboot.deadline is not None
        self._autoboot = autoboot.stop(self._autoboot, by)
        self._remember(self._autoboot.stopped_by)
        self._show(0)
        if counting:
            self._store.say(f"Countdown stopped by {by}")

    def restart(self, seconds: int) -> None:
        """Count anew, even when somebody has stopped it."""
        self.timeout_s = seconds
        self._autoboot = Autoboot()
        self._remember("")
        self._show(0)

    def fail(self) -> None:
        """Stay in the menu after a boot that did not happen."""
        self._autoboot = autoboot.fail(self._autoboot)
        self._show(0)

    def _offer(self, state: State, now: float) -> None:
        before = self._autoboot.target
        patience = self._began + self.wait_for_s
        waits = bool(state.expected) and state.status.selected_id is None and now < patience
        self._autoboot = autoboot.expect(self._autoboot, patience if waits else None)
        self._expected = state.expected if waits else ()
        wish = self._store.configured_timeout_s
        timeout_s = autoboot.choose_timeout(self.timeout_s, wish)
        self._autoboot = autoboot.offer(self._autoboot, state.chosen, timeout_s, now)
        if before is None and self._autoboot.target is not None and timeout_s == WAIT_FOREVER:
            self._store.say("Waiting for a choice: automatic boot is off", Level.INFO)

    def _show(self, now: float) -> None:
        status = self._store.state.status
        left = autoboot.seconds_left(self._autoboot, now)
        awaited = ", ".join(self._expected) if left is not None else ""
        if awaited and awaited != status.waiting_for:
            self._store.say(f"Waiting for {awaited}, at most {self.wait_for_s} s after the start")
            status = self._store.state.status
        self._store.update_status(
            replace(
                status,
                seconds_left=left,
                countdown_stopped_by=self._autoboot.stopped_by,
                waiting_for=awaited,
            )
        )
