"""From a chosen option to a loaded kernel: files, tree, loader, load, and the jump.

Only sequence and failure are here. Foreign bytes are parsed in confined workers, the load runs in a
helper of its own, and every failure becomes a sentence about the option.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING, Final

from bootd.errors import BootdError, LoadError, MergeRefusedError, ProbeError, ProtocolError
from bootd.model.board import Board, HookPolicy
from bootd.model.browsing import TreePage, TreeQuery
from bootd.model.device import BlockDevice
from bootd.model.load import LoadReport
from bootd.model.machine import Machine
from bootd.model.option import ResolvedOption
from bootd.model.text import clean
from bootd.model.tree import IndexedTree, TreeReport
from bootd.protocol.codec import from_json, to_json
from bootd.protocol.messages import Overrides
from bootd.record import replace
from bootd.services.booter import Progress

if TYPE_CHECKING:
    from bootd.loaders.choice import Choice
    from bootd.probe.prober import Prober
    from bootd.services.artefacts import Artefacts
    from bootd.services.execution import Execution
    from bootd.services.hooks import Hooked

log = logging.getLogger(__name__)

LOAD_S: Final = 300.0
"""A kernel and initrd of 100 MB from the slowest cards take a third of this."""


class Booting:
    """Boots one option at a time.

    Args:
        prober: Has the tasks `open`, `tree` and `image`, and the helpers `load` and `unload`
            (`bootd.loaders.task`).
        machine: Describes this one, with all that a load asks; called in a thread.
        find_device: Gives a present device by its kernel name.
        board: Reads what is known of this machine; called in a thread.
        way: How to leave, a key of `execution.WAYS`.
        rehearsal: Nothing is loaded or executed.

    Attributes:
        watchdog_s: The setting RebootWatchdogSec.
        says_entry: A kernel that gets no tree from bootd is told on its command line which option
            it was started from; the setting Tries.
        hooks: What a hook that fails means; the setting of that name.
        root: Directory below which the folders of hooks are.
    """

    def __init__(
        self,
        prober: "Prober",
        machine: Callable[[], Machine],
        *,
        find_device: Callable[[str], BlockDevice | None],
        board: Callable[[], Board],
        way: str = "auto",
        rehearsal: bool = False,
    ) -> None:
        self._prober = prober
        self._machine = machine
        self._find_device = find_device
        self._board = board
        self._way = way
        self._rehearsal = rehearsal
        self.watchdog_s = 0
        self.says_entry = False
        self.hooks = HookPolicy.TRY
        self.root = "/"
        self.is_left = False
        self._lock = asyncio.Lock()
        self._indexes: dict[str, tuple[IndexedTree, ...]] = {}

    async def start(self) -> None:
        """Take out a kernel that an earlier daemon, killed in between, has left loaded."""
        from bootd.linux import kexec  # noqa: PLC0415 - loaded already where it is a real machine

        if self._rehearsal or not await asyncio.to_thread(kexec.kexec_loaded):
            return
        log.warning("a kernel was still loaded from before bootd started; taking it out")
        await self.discard()

    async def explain(
        self, resolved: ResolvedOption, overrides: Overrides
    ) -> tuple[TreeReport | None, str, str]:
        """Say which tree an option would get, by which loader, and why; loads nothing.

        Raises:
            BootdError: Why it cannot be booted.
        """
        with _failing(resolved):
            async with AsyncExitStack() as stack:
                found = await self._gather(stack, resolved, overrides, _silent)
                choice = await self._choose(resolved, found)
                notes = (*found.tree.notes, *await self._coming_hooks())
                return replace(found.tree, notes=notes), choice.loader.name, choice.why

    async def browse(
        self, resolved: ResolvedOption, overrides: Overrides, query: TreeQuery
    ) -> TreePage:
        """Look into the tree that an option would get.

        Raises:
            BootdError: There is no such tree, or no such node in it.
        """
        from bootd.services import artefacts  # noqa: PLC0415 - see `_gather`

        with _failing(resolved):
            async with AsyncExitStack() as stack:
                board = await asyncio.to_thread(self._board)
                bench = artefacts.Bench(stack, self._prober, self._find_device, self._indexes)
                request = artefacts.tree_request(resolved, overrides, board)
                device = artefacts.tree_device(resolved, overrides)
                return await bench.browse(device, request, board, query)

    async def boot(
        self, resolved: ResolvedOption, overrides: Overrides, progress: Progress
    ) -> LoadReport:
        """Load an option; nothing stays loaded when this raises or is cancelled.

        Raises:
            MergeRefusedError: No safe tree can be made.
            LoadError: Anything else, in a sentence.
        """
        return await self._prepare_and_load(resolved, overrides, progress, crash=False)

    async def keep_for_crash(
        self, resolved: ResolvedOption, overrides: Overrides, progress: Progress
    ) -> LoadReport:
        """Load an option that starts when the running kernel crashes, in place of an earlier one.

        The entry's command line gets what a crash kernel needs (`bootd.loaders.crash`); a person's
        own is taken as it is.

        Raises:
            BootdError: As `boot`; no kernel waits for a crash then.
        """
        from bootd.loaders import crash  # noqa: PLC0415 - see `_gather`

        if overrides.options is None:
            overrides = replace(overrides, options=crash.cmdline(resolved.option.cmdline))
        return await self._prepare_and_load(resolved, overrides, progress, crash=True)

    async def has_crash_kernel(self) -> bool:
        """Say whether a kernel waits already, from whomever."""
        return not self._rehearsal and await asyncio.to_thread(_waits_for_crash)

    async def _prepare_and_load(
        self, resolved: ResolvedOption, overrides: Overrides, progress: Progress, *, crash: bool
    ) -> LoadReport:
        if self._lock.locked():
            raise LoadError("another boot is under way; cancel it first")
        async with self._lock, AsyncExitStack() as stack:
            with _failing(resolved):
                found = await self._gather(stack, resolved, overrides, progress)
                found = replace(found, crash=crash)
                hooked = await self._run_hooks(stack, resolved, overrides, found, progress)
                found = hooked.found
                choice = await self._choose(resolved, found)
                if self.says_entry and not crash and (found.blob is None or choice.loader.own_tree):
                    found = _with_entry(resolved, found)
                await self._read_ahead(stack, resolved, found, progress)
                progress(f"Loading {_mib(found.total_bytes)} of kernel and initrd", None)
                report = await self._load(resolved, found, choice)
        report = replace(report, notes=(*report.notes, *hooked.notes))
        tree = report.tree_sha256 or "made by the running kernel"
        log.info("loaded %s with %s: %s (tree: %s)", resolved.id, report.loader, report.why, tree)
        return report

    async def execute(self, report: LoadReport) -> None:
        """Leave for the loaded kernel; returns only after a dry run.

        Raises:
            LoadError: The machine did not leave; nothing is loaded any more.
        """
        if not report.executed:
            return
        execution = self._execution()
        try:
            await execution.run(report)
        finally:
            self.is_left = execution.accepted

    async def discard(self) -> None:
        """Take out what is loaded; a failure is logged, and the next load tries again."""
        await self._execution().discard()

    def _execution(self) -> "Execution":
        from bootd.services.execution import Execution  # noqa: PLC0415 - not on the way to the menu

        return Execution(self._prober, self._board, self._way, self.watchdog_s)

    async def _gather(
        self,
        stack: AsyncExitStack,
        resolved: ResolvedOption,
        overrides: Overrides,
        progress: Progress,
    ) -> "Artefacts":
        board = await asyncio.to_thread(self._board)
        # 15 ms that the way to the menu need not pay.
        from bootd.services.artefacts import Bench, gather  # noqa: PLC0415 - see above

        bench = Bench(stack, self._prober, self._find_device, self._indexes)
        return await gather(bench, resolved, overrides, board, progress)

    async def _coming_hooks(self) -> tuple[str, ...]:
        from bootd.services import hooks  # noqa: PLC0415 - see `_gather`

        return await asyncio.to_thread(hooks.announce, self.root, self.hooks)

    async def _run_hooks(
        self,
        stack: AsyncExitStack,
        resolved: ResolvedOption,
        overrides: Overrides,
        found: "Artefacts",
        progress: Progress,
    ) -> "Hooked":
        from bootd.services.artefacts import Bench  # noqa: PLC0415 - see `_gather`
        from bootd.services.hooks import Hooks  # noqa: PLC0415 - ditto

        async def remake(cmdline: str) -> "Artefacts":
            changed = replace(overrides, options=cmdline)
            return await self._gather(stack, resolved, changed, progress)

        board = await asyncio.to_thread(self._board)
        bench = Bench(stack, self._prober, self._find_device, self._indexes)
        hooks = Hooks(self._prober, bench, board, self.hooks, remake)
        return await hooks.run(self.root, resolved, found, progress)

    async def _read_ahead(
        self,
        stack: AsyncExitStack,
        resolved: ResolvedOption,
        found: "Artefacts",
        progress: Progress,
    ) -> None:
        from bootd.services import artefacts  # noqa: PLC0415 - see `_gather`

        if resolved.linux is None or found.total_bytes < artefacts.AHEAD_BYTES:
            return  # that fast that nobody would see it
        bench = artefacts.Bench(stack, self._prober, self._find_device, self._indexes)
        files = (resolved.linux, *resolved.initrds)
        await artefacts.read_ahead(bench, files, found.total_bytes, progress)

    async def _choose(self, resolved: ResolvedOption, found: "Artefacts") -> "Choice":
        return await asyncio.to_thread(self._choose_now, resolved, found)

    def _choose_now(self, resolved: ResolvedOption, found: "Artefacts") -> "Choice":
        from bootd.loaders import table  # noqa: PLC0415 - 30 ms that a start need not pay

        loaders = table.REHEARSAL if self._rehearsal else table.LOADERS
        return table.choose(found.request(resolved), self._machine(), loaders)

    async def _load(
        self, resolved: ResolvedOption, found: "Artefacts", choice: "Choice"
    ) -> LoadReport:
        from bootd.loaders.request import LoadJob  # noqa: PLC0415 - loaded with the table already

        job = LoadJob(
            loader=choice.loader.name,
            request=found.request(resolved),
            has_tree=found.blob is not None,
            watchdog_s=self.watchdog_s,
        )
        try:
            answer, _ = await self._prober.run("load", to_json(job), found.fds, timeout_s=LOAD_S)
            return from_json(LoadReport, answer)
        except (ProbeError, ProtocolError, asyncio.CancelledError) as error:
            # The helper has died, run out of time or been killed, perhaps in the middle of a load.
            if not self._rehearsal:
                await self._execution().unload({"interrupted": True, "crash": found.crash})
            if isinstance(error, ProbeError):
                raise LoadError(f"the load did not finish: {error.reason}") from error
            raise


def _with_entry(resolved: ResolvedOption, found: "Artefacts") -> "Artefacts":
    from bootd.loaders.request import cmdline_limit  # noqa: PLC0415 - loaded already
    from bootd.model.started import with_word  # noqa: PLC0415 - not on the way to the menu

    cmdline = with_word(found.cmdline, resolved.id, cmdline_limit(found.kernel))
    return replace(found, cmdline=cmdline)


@contextmanager
def _failing(resolved: ResolvedOption) -> Iterator[None]:
    """Turn whatever stops a boot into one sentence about the option."""
    try:
        yield
    except (BootdError, OSError) as error:
        from bootd.services.execution import explain  # noqa: PLC0415 - only when something failed

        reason = explain(error) if isinstance(error, OSError) else str(error)
        kind = MergeRefusedError if isinstance(error, MergeRefusedError) else LoadError
        title = clean(resolved.option.title)
        raise kind(f"cannot boot {title}: {clean(reason, 1000)}") from error


def _waits_for_crash() -> bool:
    from bootd.linux import kexec  # noqa: PLC0415 - ditto

    return kexec.crash_loaded()


def _silent(_doing: str, _percent: int | None) -> None:
    """Ignore progress: nobody waits for an explanation."""


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.0f} MiB"
