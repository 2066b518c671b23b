"""Boot counting put in force: a try is written down before the machine leaves.

It is taken back when the machine stays.

It is written on the medium, into the name of the entry's own file, where that counts and the
administrator allows it (UAPI.1, Boot counting); else with what is remembered. What cannot be
written keeps nothing from booting.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from bootd.errors import BootdError, SettingError
from bootd.model.option import ResolvedOption
from bootd.model.text import clean, escape
from bootd.model.tries import Tries
from bootd.policy import counting
from bootd.policy.counting import DEFAULT_RULES, Rules
from bootd.protocol.codec import Json
from bootd.protocol.messages import Level
from bootd.record import dataclass
from bootd.services.settings import Settings
from bootd.services.store import Store

log = logging.getLogger(__name__)

WRITE_S: Final = 10.0
"""A medium that takes longer has failed."""

Rename = Callable[[dict[str, Json]], Awaitable[object]]
"""Runs the helper `rename` of `bootd.loaders.departure`; raises BootdError and OSError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Try:
    """What was written, for taking it back.

    Attributes:
        option: That was tried.
        before: What was remembered of it, or None.
        file: Name of the entry's file before it was renamed, or "".
        now: Its path since then.
    """

    option: ResolvedOption
    before: Tries | None = None
    file: str = ""
    now: str = ""


class Trying:
    """Counts the tries of one machine, one at a time.

    Attributes:
        rules: The settings Tries and CountTries.
        on_medium: The setting CountOnMedium.
    """

    def __init__(self, store: Store, settings: Settings, rename: Rename) -> None:
        """Count with `settings`, or through `rename`; `store` has the devices and the status."""
        self.rules: Rules = DEFAULT_RULES
        self.on_medium = False
        self._store = store
        self._settings = settings
        self._rename = rename
        self._try: _Try | None = None

    async def begin(self, option: ResolvedOption) -> None:
        """Write down that an option is tried; says why that was not possible, and never raises."""
        self._try = None
        known = self._settings.remembered.tries
        if not counting.is_counted(option, known, self.rules):
            return
        before = next((each for each in known if each.id == option.id), None)
        counted = counting.renamed(option, known, self.rules)
        if self.on_medium and counted is not None and await self._count_on_medium(option, counted):
            return
        self._try = _Try(option=option, before=before)
        await self._remember(counting.begin(option, known, self.rules))

    async def stay(self) -> None:
        """Take the last try back: the machine did not leave."""
        taken, self._try = self._try, None
        if taken is None:
            return
        if taken.file:
            await self._rename_on_medium(taken.option, taken.now, taken.file)
            return
        others = tuple(e for e in self._settings.remembered.tries if e.id != taken.option.id)
        before = () if taken.before is None else (taken.before,)
        # It is written soon; whoever ends the daemon right now is not kept waiting.
        with suppress(SettingError):
            self._settings.replace(tries=(*others, *before))

    async def _count_on_medium(self, option: ResolvedOption, counted: Tries) -> bool:
        from bootd.formats.entryfile import with_counter  # noqa: PLC0415 - not on the way to the menu

        path = option.option.source
        old, new = path.rpartition("/")[2], with_counter(path, counted.left, counted.done)
        if new is None:
            return False  # its counter is in another file, which bootd does not know
        if new == old:
            return True  # no try is left, and a person has chosen it
        if not await self._rename_on_medium(option, path, new):
            return False
        self._try = _Try(option=option, file=old, now=path.removesuffix(old) + new)
        return True

    async def _rename_on_medium(self, option: ResolvedOption, path: str, name: str) -> bool:
        device = self._store.find_device(option.device)
        if device is None:
            return False
        params: dict[str, Json] = {
            "node": device.node,
            "fstype": device.fstype,
            "path": path,
            "name": name,
        }
        try:
            await self._rename(params)
        except (BootdError, OSError) as error:
            reason = (error.strerror if isinstance(error, OSError) else "") or str(error)
            self._say(f"{escape(path)} on {device.name} keeps its counter: {clean(reason, 200)}")
            return False
        log.info("%s on %s is called %s now", path, device.name, name)
        return True

    async def _remember(self, tries: tuple[Tries, ...]) -> None:
        try:
            self._settings.replace(tries=tries)
            async with asyncio.timeout(WRITE_S):
                await self._settings.saved()
        except SettingError as error:
            self._say(f"this try is not counted: {error}")
        except TimeoutError:
            self._say("this try is not counted: what is remembered cannot be written in time")
        else:
            if not self._settings.lasts:
                self._say("this try is forgotten at a reset: choices are kept nowhere (State)")

    def _say(self, message: str) -> None:
        log.warning("%s", message)
        self._store.say(message, Level.WARNING)
