"""The owner of what is remembered: changed here at once, written soon, never on the event loop.

Nothing is lost by haste: a change that comes while another is written is written next, and changes
that come together are written once.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from bootd.errors import BootdError, SettingError
from bootd.model.remembered import NOTHING, Remembered
from bootd.protocol import memory
from bootd.record import replace

log = logging.getLogger(__name__)

SAVE_S: Final = 10.0
"""A medium that takes longer to read or write has failed."""

NOT_PERSISTED: Final = "not persisted; forgotten when this machine is switched off or restarted"


_FAILED: Final = "not persisted: "


class Keeper(Protocol):
    """Where the text is kept.

    Attributes:
        where: For a person, such as `in U-Boot's environment`.
        lasts: Whether it survives a power-off.
    """

    where: str
    lasts: bool

    async def read(self) -> bytes | None:
        """Return the text, or None when there was never one; raises BootdError and OSError."""
        ...

    async def write(self, text: bytes, /) -> None:
        """Replace the text, so that a power cut leaves the old or the new one.

        Raises:
            BootdError, OSError: It was not written.
        """
        ...


def _nothing() -> None:
    return


class Settings:
    """What is remembered, and where.

    Attributes:
        remembered: As it is now; changed with `change` or `replace` only.
        where: Sentence on where it is kept, or why it is not.
        problem: What went wrong at the last read or write, or "".
        changed: Called after each change of these.
    """

    def __init__(self) -> None:
        self.remembered: Remembered = NOTHING
        self.where = NOT_PERSISTED
        self.problem = ""
        self.changed: Callable[[], None] = _nothing
        self._keeper: Keeper | None = None
        self._next: tuple[Keeper, ...] = ()
        self._wake = asyncio.Event()
        self._written: Remembered | None = None
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def loading(self) -> bool:
        """Whether a place is being read: what is remembered may be more in a moment."""
        return bool(self._next)

    @property
    def lasts(self) -> bool:
        """Whether what is remembered survives a power-off."""
        return self._keeper is not None and self._keeper.lasts

    def use(self, *keepers: Keeper) -> None:
        """Keep it from now on at the first of these that can be read; `run` does it.

        What a better place has replaces what was remembered; where it has nothing, that is written
        to it.
        """
        self._next = keepers
        self._wake.set()

    def change(self, how: Callable[[Remembered], Remembered]) -> None:
        """Remember something else.

        Raises:
            SettingError: It would be too much; nothing has changed then.
        """
        changed = how(self.remembered)
        if changed == self.remembered:
            return
        memory.write(changed)
        self.remembered = changed
        self._wake.set()
        self.changed()

    def replace(self, **changes: object) -> None:
        """Remember other values of some members; raises as `change`."""
        self.change(lambda now: replace(now, **changes))  # type: ignore[arg-type] # named by callers

    async def saved(self) -> None:
        """Wait until what is remembered now is written; returns at once where nothing is kept.

        Raises:
            SettingError: It could not be written.
        """
        if not self._next and (self._keeper is None or self._written == self.remembered):
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(done)
        self._wake.set()
        await done

    async def run(self) -> None:
        """Read and write for ever; cancel to stop."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            if keepers := self._next:
                await self._read(keepers)
                if self._next is keepers:
                    self._next = ()
                self.changed()
            waiting, self._waiting = self._waiting, []
            why = await self._write() if self._keeper is not None else ""
            for each in waiting:
                if not each.done():
                    each.set_exception(SettingError(why)) if why else each.set_result(None)

    async def _read(self, keepers: tuple[Keeper, ...]) -> None:
        why: list[str] = []
        for keeper in keepers:
            try:
                async with asyncio.timeout(SAVE_S):
                    text = await keeper.read()
            except (BootdError, OSError) as error:  # TimeoutError is an OSError
                why.append(f"what is kept {keeper.where} cannot be read: {_reason(error)}")
                self._fail(why[-1])
                continue
            self._keeper = keeper
            self._adopt(text)
            break
        self.where = "; ".join([NOT_PERSISTED if self._keeper is None else self._sentence(), *why])

    def _adopt(self, text: bytes | None) -> None:
        """Remember what a new place has; what it does not have is as good as written there."""
        found, problem = memory.read(text)
        if problem:
            self._fail(problem)
        self._written = found
        if found != NOTHING:
            self.remembered = found

    async def _write(self) -> str:
        """Write what is not written yet; returns why that failed, or ""."""
        text = self.remembered
        if self._keeper is None or text == self._written:
            return ""
        try:
            async with asyncio.timeout(SAVE_S):
                await self._keeper.write(memory.write(text))
        except (BootdError, OSError) as error:
            reason = f"settings cannot be written {self._keeper.where}: {_reason(error)}"
            self.where = f"{_FAILED}{reason}"
            self._fail(reason)
            self.changed()
            return reason
        self._written = text
        if self.where.startswith(_FAILED):
            self.where = self._sentence()
            self.changed()
        if self.remembered != text:
            self._wake.set()
        return ""

    def _sentence(self) -> str:
        keeper = self._keeper
        return f"kept {keeper.where}" if keeper is not None and self.lasts else NOT_PERSISTED

    def _fail(self, reason: str) -> None:
        log.warning("%s", reason)
        self.problem = reason


async def close(settings: Settings, timeout_s: float = SAVE_S) -> None:
    """Give a change of the last moment its time to be written; never raises."""
    with suppress(TimeoutError, SettingError):
        async with asyncio.timeout(timeout_s):
            await settings.saved()


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"it does not answer within {SAVE_S:.0f} s"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error)
