"""What people and the countdown can have done: select, boot, cancel, explain, rescan.

One boot at a time. A load belongs to the daemon, not to who asked for it: it goes on when that
client leaves, and anybody may cancel it until the machine leaves.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from typing import Final

from bootd.errors import BootdError, CallError, LoadError, MergeRefusedError, SettingError
from bootd.model.browsing import TreePage, TreeQuery
from bootd.model.load import LoadReport
from bootd.model.option import OptionId, ResolvedOption
from bootd.policy.substitute import may_substitute
from bootd.protocol.messages import NO_OVERRIDES, ErrorName, Level, Overrides, Phase
from bootd.record import replace
from bootd.services.booter import Booter, Outlook
from bootd.services.countdown import Countdown
from bootd.services.overriding import by_hand, laid, overridden
from bootd.services.refusal import about, plain
from bootd.services.state import MenuEntry
from bootd.services.store import Store
from bootd.services.wishes import NO_WISHES, Depart, Tries, Uncounted, Wishes, stay

log = logging.getLogger(__name__)

FAREWELL_S: Final = 0.3
"""Between the answer to a Boot and leaving: clients get to show it, a serial line to send it."""

_COUNTDOWN: Final = "the countdown"
"""Who boots when nobody does."""

_NONE_SUCH: Final = "There is no such boot option (any more)."

_RUNNING: Final = "running"
"""The kind of tree that every machine has."""

Loaded = LoadReport | BootdError | OSError
"""What came of a load."""


class Control:
    """The commands, each checked against the state of this moment.

    Every command raises `CallError` with one of the interface's errors.

    Attributes:
        wishes: Of the administrator.
        tries: Counts boots of options as they are.
    """

    def __init__(
        self,
        store: Store,
        countdown: Countdown,
        booter: Booter,
        rescan: Callable[[], None],
        *,
        wishes: Wishes = NO_WISHES,
        depart: Depart = stay,
    ) -> None:
        """Act on these.

        Args:
            store: Holds the menu.
            countdown: Boots by itself.
            booter: Loads.
            rescan: Has the source of devices report every device again.
            wishes: Of the administrator.
            depart: Called before an option is loaded, with whether nobody asked for it. When it
                raises SettingError, a boot that nobody asked for is one of the default then.
        """
        self.tries: Tries = Uncounted()
        self._cancelled = False
        self._depart = depart
        self.wishes = wishes
        self._store = store
        self._countdown = countdown
        self._booter = booter
        self._rescan = rescan
        self._load: asyncio.Task[None] | None = None
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Own the loads and the countdown; cancel to stop."""
        await self._booter.start()
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            tasks.create_task(self._keep_wished_crash_kernel(), name="crash kernel")
            await self._countdown.run(self._boot_by_itself)

    def select(self, option_id: str, by: str) -> None:
        """Make an option the one that is highlighted everywhere and booted by the countdown."""
        if self._store.state.find(OptionId(option_id)) is None:
            raise about(ErrorName.NO_SUCH_OPTION, option_id, _NONE_SUCH)
        option, _ = self._bootable(option_id, NO_OVERRIDES)
        self._store.select(option.id)
        self._store.say(f"{option.option.title} selected by {by}")

    def set_timeout(self, seconds: int | None, by: str) -> None:
        """Count anew from so many seconds, or never boot by itself; until the daemon ends."""
        if seconds is None:
            self._countdown.stop(by)
            self._store.say(f"Automatic boot switched off by {by}")
            return
        self._countdown.restart(seconds)
        self._store.say(f"Automatic boot in {seconds} s, asked by {by}")

    def rescan(self) -> None:
        """Look at every device again."""
        self._rescan()
        self._store.say("Looking at every device again")

    async def explain(self, option_id: str, overrides: Overrides) -> Outlook:
        """Say what would happen at a boot; the tree's summary is kept for the menu."""
        resolved, changes = self._find(option_id, overrides)
        if not resolved.bootable:
            return Outlook(refused=why_not(resolved))
        try:
            tree, loader, why = await self._booter.explain(resolved, changes)
        except (BootdError, OSError) as error:
            running = await self._running_tree(resolved, changes)
            return Outlook(refused=str(error), running_tree=running)
        if tree is not None and overrides == NO_OVERRIDES:
            self._store.note_tree(resolved.id, tree.summary)
        return Outlook(tree=tree, loader=loader, why=why)

    async def _running_tree(self, resolved: ResolvedOption, overrides: Overrides) -> str | None:
        """Say what a boot with the running tree would do; None when that is impossible too."""
        if overrides.devicetree_mode == _RUNNING:
            return None
        changed = replace(overrides, devicetree_mode=_RUNNING)
        try:
            _, _, why = await self._booter.explain(resolved, changed)
        except (BootdError, OSError):
            return None
        return f"can be booted with the running device tree instead ({why})"

    async def browse(self, option_id: str, overrides: Overrides, query: TreeQuery) -> TreePage:
        """Look into the tree that an option would get."""
        resolved, changes = self._find(option_id, overrides)
        try:
            return await self._booter.browse(resolved, changes, query)
        except (BootdError, OSError) as error:
            raise about(ErrorName.REFUSED, option_id, str(error)) from error

    def entry(self, option_id: str) -> MenuEntry | None:
        """Return an option as it stands in the menu, or one to be given by hand."""
        menu = self._store.state.menu
        found = next((entry for entry in menu if entry.resolved.id == option_id), None)
        if found is not None:
            return found
        resolved = by_hand(option_id, self._store.state.devices)
        if resolved is None:
            return None
        return MenuEntry(resolved=resolved, is_default=False, is_selected=False)

    async def boot(self, option_id: str, overrides: Overrides, by: str) -> LoadReport:
        """Load an option and return what was loaded; the machine leaves `FAREWELL_S` later."""
        option, changes = self._bootable(option_id, overrides)
        tasks = self._free()
        self._cancelled = False
        self._countdown.stop(by)
        if self._store.state.find(option.id) is not None:
            self._store.select(option.id)
        log.info("boot of %s asked by %s", option.id, by)
        loaded: asyncio.Future[Loaded] = asyncio.get_running_loop().create_future()
        by_itself = by == _COUNTDOWN
        counted = by_itself or overrides == NO_OVERRIDES  # what a person changed is another thing
        boot = self._boot(option, changes, loaded, by_itself=by_itself, counted=counted)
        load = tasks.create_task(boot, name="boot")
        return await self._outcome(option, load, loaded)

    async def keep_for_crash(self, option_id: str, overrides: Overrides, by: str) -> LoadReport:
        """Load an option that starts when the running kernel crashes; the countdown goes on."""
        option, changes = self._bootable(option_id, overrides)
        tasks = self._free()
        log.info("crash kernel %s asked by %s", option.id, by)
        loaded: asyncio.Future[Loaded] = asyncio.get_running_loop().create_future()
        load = tasks.create_task(self._keep(option, changes, loaded), name="crash kernel")
        return await self._outcome(option, load, loaded)

    def _free(self) -> asyncio.TaskGroup:
        if self._load is not None or self._tasks is None:
            message = "Another boot is under way; cancel it first."
            raise plain(ErrorName.BUSY, message)
        return self._tasks

    async def cancel(self, by: str) -> None:
        """Stop the countdown for good, and a load that has not been executed."""
        self._countdown.stop(by)
        self._cancelled = True
        if self._load is not None:
            self._load.cancel()
            await asyncio.wait({self._load})
            self._store.say(f"Boot cancelled by {by}", Level.WARNING)

    async def _outcome(
        self, option: ResolvedOption, load: asyncio.Task[None], loaded: asyncio.Future[Loaded]
    ) -> LoadReport:
        """Let a load be the one that is under way, and return what comes of it."""
        self._load = load
        load.add_done_callback(self._load_done)
        await asyncio.wait({loaded})
        if loaded.cancelled():
            raise about(ErrorName.BOOT_FAILED, option.id, "The boot was cancelled.")
        match loaded.result():
            case LoadReport() as report:
                return report
            case MergeRefusedError() as error:
                raise about(ErrorName.REFUSED, option.id, str(error))
            case error:
                raise about(ErrorName.BOOT_FAILED, option.id, str(error))

    async def _boot(
        self,
        option: ResolvedOption,
        overrides: Overrides,
        loaded: asyncio.Future[Loaded],
        *,
        by_itself: bool,
        counted: bool,
    ) -> None:
        title = option.option.title
        with self._ending(option, loaded):
            self._enter(Phase.LOADING, f"Loading {title}")
            await self._depart(option, by_itself=by_itself)
            report = await self._booter.boot(option, overrides, self._progress)
            loaded.set_result(report)
            self._enter(Phase.EXECUTING, f"Starting {title}: {report.why}")
            await self._leave(option, report, counted=counted)
            self._enter(Phase.MENU, f"Dry run: {title} would be started now")

    async def _keep(
        self,
        option: ResolvedOption,
        overrides: Overrides,
        loaded: asyncio.Future[Loaded],
    ) -> None:
        title = option.option.title
        with self._ending(option, loaded):
            self._enter(Phase.LOADING, f"Loading {title} for a crash")
            report = await self._booter.keep_for_crash(option, overrides, self._progress)
            loaded.set_result(report)
            self._enter(Phase.MENU, f"{title} starts when this kernel crashes")

    @contextmanager
    def _ending(self, option: ResolvedOption, loaded: asyncio.Future[Loaded]) -> Iterator[None]:
        """Go back to the menu with the reason, whatever ends a load."""
        try:
            yield
        except asyncio.CancelledError:
            message = f"Boot of {option.option.title} cancelled"
            self._enter(Phase.MENU, message, Level.WARNING)
            raise
        except (BootdError, OSError) as error:
            log.warning("cannot boot %s: %s", option.id, error)
            self._enter(Phase.MENU, str(error), Level.ERROR)
            if not loaded.done():
                loaded.set_result(error)
        finally:
            loaded.cancel()

    async def _leave(self, option: ResolvedOption, report: LoadReport, *, counted: bool) -> None:
        """Leave, and have the try counted unless the machine stays."""
        try:
            if counted and report.executed:
                await self.tries.begin(option)
            await self._say_farewell(report)
            await self._booter.execute(report)
        except BaseException:
            if not self._booter.is_left:
                await self.tries.stay()
            raise

    async def _say_farewell(self, report: LoadReport) -> None:
        try:
            await asyncio.sleep(FAREWELL_S)
        except asyncio.CancelledError:
            if report.executed:
                await self._booter.discard()
            raise

    async def _boot_by_itself(self, option_id: OptionId) -> None:
        if self._load is not None:  # a crash kernel, which does not take long
            await asyncio.wait({self._load})
        try:
            await self.boot(await self._allowed(option_id), NO_OVERRIDES, _COUNTDOWN)
        except CallError as error:
            self._store.say(str(error), Level.ERROR)
            if not await self._boot_with_running_tree(option_id):
                await self._fall_back(option_id)

    async def _fall_back(self, option_id: OptionId) -> None:
        """Boot what is next instead, each option once at most; else stay in the menu."""
        found = None
        if self.wishes.tries and not self._cancelled:
            found = self._store.give_up(option_id)
        if found is None:
            self._countdown.fail()
        else:
            await self._boot_by_itself(found)

    async def _allowed(self, option_id: OptionId) -> OptionId:
        """Return the option, or the default where this one may not be booted by itself."""
        found = self._store.state.find(option_id)
        try:
            if found is not None:
                await self._depart(found, by_itself=True)
        except SettingError as error:
            self._store.say(str(error), Level.ERROR)
            return self._store.state.chosen or option_id
        return option_id

    async def _boot_with_running_tree(self, option_id: OptionId) -> bool:
        """Boot what was refused with the running tree, where only that helps and is allowed."""
        found = self._store.state.find(option_id)
        if found is None or not may_substitute(found.option, self.wishes.running_tree):
            return False
        try:
            if (await self.explain(option_id, NO_OVERRIDES)).running_tree is None:
                return False
            message = "The setting RunningTree has it booted with the running device tree instead"
            self._store.say(message, Level.WARNING)
            await self.boot(option_id, Overrides(devicetree_mode=_RUNNING), _COUNTDOWN)
        except CallError as error:
            self._store.say(str(error), Level.ERROR)
            return False
        return True

    async def _keep_wished_crash_kernel(self) -> None:
        """Load the option of the setting CrashOption once it is there, unless something waits."""
        while (option_id := self._wished_crash_option()) is None or self._load is not None:
            if self._load is None:
                await self._store.next_state(after=self._store.state.revision)
            else:
                await asyncio.wait({self._load})
        if await self._booter.has_crash_kernel():
            return
        with suppress(CallError):  # told in the menu and the log
            await self.keep_for_crash(option_id, NO_OVERRIDES, "the setting CrashOption")

    def _wished_crash_option(self) -> OptionId | None:
        pattern = self.wishes.crash_option
        fitting = (
            entry.resolved.id
            for entry in self._store.state.menu
            if entry.resolved.bootable and fnmatchcase(entry.resolved.id, pattern)
        )
        return next(fitting, None)

    def _load_done(self, task: asyncio.Task[None]) -> None:
        if self._load is task:
            self._load = None

    def _enter(self, phase: Phase, message: str, level: Level = Level.INFO) -> None:
        status = self._store.state.status
        self._store.update_status(
            replace(status, phase=phase, message=message, level=level, progress=None)
        )

    def _progress(self, doing: str, percent: int | None) -> None:
        status = self._store.state.status
        self._store.update_status(
            replace(status, message=doing, level=Level.INFO, progress=percent)
        )

    def _find(self, option_id: str, overrides: Overrides) -> tuple[ResolvedOption, Overrides]:
        """Return an option with what is to be changed in it; what was saved lies below the rest."""
        found = self.entry(option_id)
        if found is None:
            raise about(ErrorName.NO_SUCH_OPTION, option_id, _NONE_SUCH)
        try:
            return overridden(found.resolved, overrides), laid(found.changes, overrides)
        except LoadError as error:
            raise about(ErrorName.BOOT_FAILED, option_id, str(error)) from error

    def _bootable(self, option_id: str, overrides: Overrides) -> tuple[ResolvedOption, Overrides]:
        option, changes = self._find(option_id, overrides)
        if not option.bootable:
            raise about(ErrorName.NOT_BOOTABLE, option_id, why_not(option))
        return option, changes


def why_not(option: ResolvedOption) -> str:
    """Return the sentence on why an option cannot boot; it must not be bootable."""
    absent = [f"{it.what} {it.path} is not on {it.device}" for it in option.missing]
    return f"{option.option.title} cannot boot: {'; '.join([*option.reasons, *absent])}."
