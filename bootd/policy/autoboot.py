"""Autoboot: the countdown, as a state machine of values.

The caller owns the clock (seconds of a monotonic one) and calls `offer` when the default changes,
`stop` when somebody acts, `tick` at `next_wake`, and `fail` after a boot that did not happen.
"""

from math import ceil
from typing import Final

from bootd.model.option import WAIT_FOREVER, OptionId
from bootd.record import dataclass, replace

FALLBACK_TIMEOUT_S: Final = 10
"""When neither the settings nor the configuration say anything."""

GRACE_S: Final = 2.0
"""What a person gets in addition when the default changes under a running countdown."""

MAX_TIMEOUT_S: Final = 24 * 3600
"""A configuration that asks for more gets this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Autoboot:
    """Where the countdown stands.

    Attributes:
        target: What will boot, or None while there is no default.
        deadline: When, on the caller's clock; None while nothing counts.
        stopped_by: Who stopped it (`console ttyAMA0`), or "".
        fired: It has run out; it never does so twice.
        patience: Until when it does not fire although the time is over: something that would be
            preferred is expected. None while nothing is.
    """

    target: OptionId | None = None
    deadline: float | None = None
    patience: float | None = None
    stopped_by: str = ""
    fired: bool = False

    @property
    def over(self) -> bool:
        """Whether nothing will boot by itself any more."""
        return self.fired or bool(self.stopped_by)

    @property
    def end(self) -> float | None:
        """When it fires, as far as is known now; None while nothing counts."""
        if self.over or self.deadline is None:
            return None
        return self.deadline if self.patience is None else max(self.deadline, self.patience)


def choose_timeout(setting_s: int | None, configuration_s: int | None) -> int:
    """Return the seconds to count: the setting, else the configuration's wish, else 10.

    The result is 0 (at once) to `MAX_TIMEOUT_S`, or `WAIT_FOREVER`.
    """
    chosen = setting_s if setting_s is not None else configuration_s
    if chosen is None:
        return FALLBACK_TIMEOUT_S
    return WAIT_FOREVER if chosen < 0 else min(chosen, MAX_TIMEOUT_S)


def offer(state: Autoboot, target: OptionId | None, timeout_s: int, now: float) -> Autoboot:
    """Take a new default, or that there is none any more.

    The first default starts the countdown; another one replaces it and grants `GRACE_S` more, also
    where the time was over and something was waited for, so that a person can see the change.
    Without a default nothing counts.

    Args:
        state: Before.
        target: From `bootd.policy.menu.default`.
        timeout_s: From `choose_timeout`; looked at when a countdown starts.
        now: In seconds.
    """
    if state.over or target == state.target:
        return state
    if target is None:
        return replace(state, target=None, deadline=None)
    if state.target is None:
        deadline = None if timeout_s == WAIT_FOREVER else now + timeout_s
        return replace(state, target=target, deadline=deadline)
    if state.deadline is None:
        return replace(state, target=target)
    return replace(state, target=target, deadline=max(state.deadline, now) + GRACE_S)


def expect(state: Autoboot, until: float | None) -> Autoboot:
    """Have the countdown wait for something better until then; None: nothing is expected."""
    return state if state.patience == until else replace(state, patience=until)


def stop(state: Autoboot, by: str) -> Autoboot:
    """Stop for good because `by` acted; the first to do so is remembered."""
    if state.over:
        return state
    return replace(state, deadline=None, stopped_by=by or "somebody")


def fail(state: Autoboot) -> Autoboot:
    """Stay in the menu after a boot that failed: trying again by itself could go on for ever."""
    return replace(state, deadline=None, fired=True, stopped_by=state.stopped_by or "failed boot")


def tick(state: Autoboot, now: float, *, probing: bool = False) -> tuple[Autoboot, OptionId | None]:
    """Return the state at `now`, and what to boot if the time has come: once, never again.

    Args:
        state: Before.
        now: In seconds.
        probing: Devices are still being looked at, so a better default may come: do not fire yet.
    """
    if state.end is None or now < state.end or probing:
        return state, None
    return replace(state, deadline=None, fired=True), state.target


def seconds_left(state: Autoboot, now: float) -> int | None:
    """Return what to show, rounded up, or None while nothing counts."""
    if state.end is None:
        return None
    return max(0, ceil(state.end - now))


def next_wake(state: Autoboot, now: float) -> float | None:
    """Return in how many seconds what `seconds_left` shows changes; None while nothing counts."""
    if state.end is None:
        return None
    left = max(0.0, state.end - now)
    return left - (ceil(left) - 1) if left else 0.0
