"""What a person should know before the jump although it does not stop it."""

from collections.abc import Iterator, Sequence
from typing import Final

from bootd.linux.watchdog import Watchdog
from bootd.record import dataclass

_START_S: Final = 30
"""A kernel that takes longer from the jump to its own watchdog driver is a slow one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be done with a watchdog right before the jump.

    Attributes:
        seconds: What it will be set to.
        names: Those that can be taken, the first one that works.
        lasts: The running kernel does not stop it on the way.
    """

    seconds: int
    names: tuple[str, ...]
    lasts: bool


def watchdog_notes(running: Sequence[Watchdog], plan: Plan | None = None) -> tuple[str, ...]:
    """Return a sentence for each watchdog that could reset the machine on the way, or not at all.

    Args:
        running: As they are now.
        plan: None when none will be armed.
    """
    armed = plan.names[:1] if plan is not None else ()
    short = [one for one in running if _limit(one) < _START_S and one.name not in armed]
    notes = [_sentence(one.name, _limit(one), "RuntimeWatchdogSec") for one in short]
    return (*notes, *(() if plan is None else _planned(plan)))


def _planned(plan: Plan) -> Iterator[str]:
    if not plan.names:
        yield (
            "RebootWatchdogSec is set, but this machine has no watchdog that outlives the jump: a "
            "kernel that hangs stays as it is."
        )
        return
    name = plan.names[0]
    if plan.seconds < _START_S:
        yield _sentence(name, plan.seconds, "RebootWatchdogSec")
    if not plan.lasts:
        yield (
            f"{name} is armed for {plan.seconds} s, but its driver may stop it on the way: "
            "watchdog.stop_on_reboot=0 on the command line of the running kernel forbids that."
        )


def _limit(one: Watchdog) -> int:
    return one.timeout_s if one.left_s is None else one.left_s


def _sentence(name: str, seconds: int, setting: str) -> str:
    return (
        f"{name} resets the machine in {seconds} s unless the next kernel feeds it before: "
        f"if the board starts over, set a longer timeout ({setting})."
    )
