"""The jump into a loaded kernel: the machine is made quiet, left, and put right when it stays."""

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from bootd.errors import BootdError, LoadError
from bootd.linux.watchdog import Watchdog
from bootd.model.board import Board
from bootd.model.load import LoadReport
from bootd.protocol.codec import Json, from_json, to_json
from bootd.record import dataclass

if TYPE_CHECKING:
    from bootd.probe.prober import Prober

log = logging.getLogger(__name__)

QUIESCE_S: Final = 15.0
"""Drivers that do not let go, or dead disks, keep nobody from leaving longer than that."""
STOP_S: Final = 120.0
"""How long systemd may take to stop everything once it has accepted the restart."""
UNLOAD_S: Final = 40.0
WATCHDOG_S: Final = 5.0
"""A driver that takes longer hangs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How the machine is left.

    Attributes:
        leave: Does it; returns when systemd has accepted to do the rest. Raises OSError.
        through_systemd: systemd stops everything, bootd as well, and then jumps; else `leave`
            jumps, and nobody but bootd makes the machine ready.
    """

    leave: Callable[[], None]
    through_systemd: bool


def _leave_direct() -> None:
    from bootd.linux import console_log, reboot  # noqa: PLC0415 - needed once, at the very end

    console_log.loud()
    reboot.kexec_now()


def _leave_systemd() -> None:
    from bootd.linux import reboot  # noqa: PLC0415 - ditto

    reboot.kexec_through_systemd()


_DIRECT: Final = Way(leave=_leave_direct, through_systemd=False)
_SYSTEMD: Final = Way(leave=_leave_systemd, through_systemd=True)


def _auto() -> Way:
    from bootd.linux import reboot  # noqa: PLC0415 - ditto

    return _SYSTEMD if reboot.through_systemd() else _DIRECT


WAYS: Final[dict[str, Callable[[], Way]]] = {
    "auto": _auto,
    "direct": lambda: _DIRECT,
    "systemd": lambda: _SYSTEMD,
}
"""By the word of the setting `Execute`."""


class Execution:
    """Leaves for what is loaded.

    Args:
        prober: Has the helpers `quiesce`, `wake` and `unload` (`bootd.loaders.task`), `arm` and
            `disarm` (`bootd.loaders.departure`).
        board: Reads what is known of this machine; called in a thread.
        way: A key of `WAYS`.
        watchdog_s: When a watchdog resets the machine after the jump; 0: none is armed.

    Attributes:
        accepted: systemd is on its way to the kernel that is loaded, and nothing keeps it from it.
    """

    def __init__(
        self, prober: "Prober", board: Callable[[], Board], way: str, watchdog_s: int = 0
    ) -> None:
        self._prober = prober
        self._board = board
        self._way = WAYS[way]
        self._watchdog_s = watchdog_s
        self._armed = ""
        self.accepted = False

    async def run(self, report: LoadReport) -> None:
        """Leave; returns never.

        Raises:
            LoadError: The machine did not leave; nothing is loaded any more.
        """
        log.info("starting the kernel loaded with %s, tree %s", report.loader, report.tree.value)
        done: Json = None
        jump: asyncio.Future[None] | None = None
        try:
            way = await asyncio.to_thread(self._way)
            if await asyncio.to_thread(is_loaded):
                await self._arm(way)
                done = await self._quiesce(way)
            jump = asyncio.get_running_loop().run_in_executor(None, way.leave)
            await asyncio.shield(jump)
            self.accepted = way.through_systemd
            if self.accepted:
                await asyncio.sleep(STOP_S)
            self.accepted = False
            reason = "the machine is still running"
        except OSError as error:
            reason = await asyncio.to_thread(explain, error)
        except asyncio.CancelledError:
            # systemd ends bootd, too, on its way to the kernel that is loaded.
            self.accepted = jump is not None and await _has_left(jump)
            if not self.accepted:
                await self._stay(done)
            raise
        await self._stay(done)
        raise LoadError(f"cannot start the loaded kernel: {reason}")

    async def discard(self) -> None:
        """Take out what is loaded; a failure is logged, and the next load tries again."""
        await self.unload({"interrupted": False})

    async def unload(self, params: dict[str, bool]) -> None:
        """Ditto, as `bootd.loaders.task.unload` is told."""
        try:
            await self._prober.run("unload", dict(params), timeout_s=UNLOAD_S)
        except (BootdError, OSError) as error:
            log.critical("cannot take out the loaded kernel, do not reboot with kexec: %s", error)

    async def _quiesce(self, way: Way) -> Json:
        """Quieten the machine, as far as it goes in `QUIESCE_S`; returns what was done."""
        from bootd.linux.quiesce import Done  # noqa: PLC0415 - needed once, at the very end

        try:
            board = await asyncio.to_thread(self._board)
            params = {"profile": to_json(board.profile.quiesce), "later": way.through_systemd}
            done, _ = await self._prober.run("quiesce", params, timeout_s=QUIESCE_S)
        except (BootdError, OSError) as error:
            log.warning("the machine is not quiet before it leaves: %s", error)
            return None
        for failure in from_json(Done, done).failures:
            log.warning("not quiet before the machine leaves: %s", failure)
        return done

    async def _arm(self, way: Way) -> None:
        """Have a kernel that hangs reset; what cannot be armed keeps nobody from leaving."""
        if not self._watchdog_s:
            return
        try:
            if way.through_systemd:
                # To stop everything may take longer than a watchdog waits: systemd arms one then.
                await asyncio.to_thread(_arm_systemd, self._watchdog_s)
                return
            params: Json = {"seconds": self._watchdog_s}
            answer, _ = await self._prober.run("arm", params, timeout_s=WATCHDOG_S)
            armed = from_json(Watchdog, answer)
        except (BootdError, OSError) as error:
            log.warning("no watchdog is armed for the jump: %s", error)
            return
        self._armed = armed.name
        log.info("%s resets the machine in %d s unless it is fed", armed.name, armed.timeout_s)

    async def _disarm(self) -> None:
        name, self._armed = self._armed, ""
        if not name:
            return
        try:
            await self._prober.run("disarm", {"name": name}, timeout_s=WATCHDOG_S)
        except (BootdError, OSError) as error:
            log.critical("%s goes on and will reset the machine: %s", name, error)

    async def _stay(self, done: Json) -> None:
        """Undo what was done to leave."""
        await self._disarm()
        await self.discard()
        if done is None:
            return
        try:
            failures, _ = await self._prober.run("wake", done, timeout_s=QUIESCE_S)
        except (BootdError, OSError) as error:
            failures = [str(error)]
        for failure in failures if isinstance(failures, list) else ():
            log.error("not as it was before the machine was to leave: %s", failure)


def _arm_systemd(seconds: int) -> None:
    from bootd.linux import reboot  # noqa: PLC0415 - needed once, at the very end

    reboot.set_kexec_watchdog(seconds)


async def _has_left(jump: asyncio.Future[None]) -> bool:
    """Wait for what was begun: systemd ends bootd while it still says that it has accepted."""
    await asyncio.wait((jump,))
    return jump.exception() is None


def explain(error: OSError) -> str:
    """Say what a failed load or jump means, and what to do."""
    from bootd.loaders import failure  # noqa: PLC0415 - only when something failed

    return failure.explain(error)


def is_loaded() -> bool:
    """Say whether a kernel is loaded."""
    from bootd.linux import kexec  # noqa: PLC0415 - ctypes structures, not on the way to the menu

    return kexec.kexec_loaded()
