"""A store with real options, a booter that boots nothing, and a server on a real socket."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory

from bootd.errors import BootdError, LoadError
from bootd.model.browsing import TreePage, TreeQuery, TreeRow
from bootd.model.device import BlockDevice
from bootd.model.load import LoadReport
from bootd.model.machine import Machine
from bootd.model.option import WAIT_FOREVER, BootOption, FileRef, ResolvedOption, ScanResult
from bootd.model.tree import TreeOrigin, TreeReport
from bootd.protocol.codec import Json
from bootd.protocol.messages import Overrides, Status
from bootd.server.access import Access
from bootd.server.handlers import Desk
from bootd.server.listener import Listener, bind
from bootd.server.service import Service
from bootd.services.about import About
from bootd.services.booter import Progress
from bootd.services.choices import Choices, Configured
from bootd.services.control import Control
from bootd.services.countdown import Countdown
from bootd.services.inspection import Inspection
from bootd.services.leaving import Leaving
from bootd.services.lifeline import Note
from bootd.services.locks import Locks
from bootd.services.settings import Settings
from bootd.services.shells import Shells
from bootd.services.store import Store


def device(name: str = "vda1", uuid: str = "") -> BlockDevice:
    """Return an ext4 device whose UUID is made from its name."""
    return BlockDevice(
        name=name, node=f"/dev/{name}", uuid=uuid or f"uuid-{name}", fstype="ext4", disk=name[:3]
    )


def option(entry: str = "debian", *, is_default: bool = False, cmdline: str = "ro") -> BootOption:
    """Return an option whose files are on its own device."""
    return BootOption(
        entry=entry,
        format="extlinux",
        source="/extlinux/extlinux.conf",
        title=f"Title of {entry}",
        linux=FileRef("/vmlinuz"),
        cmdline=cmdline,
        is_default=is_default,
    )


def options(count: int) -> ScanResult:
    """Return a scan result with so many options."""
    return ScanResult(options=tuple(option(f"entry{index:04}") for index in range(count)))


@dataclass
class FakeBooter:
    """Boots in a rehearsal; an option can be made to fail or to wait (`Booter`)."""

    error: BootdError | None = None
    hold: asyncio.Event | None = None
    booted: list[str] = field(default_factory=list)
    overrides: list[Overrides] = field(default_factory=list)
    executed: list[LoadReport] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    refuses_own_tree: bool = False
    discarded: int = 0
    started: int = 0
    is_left: bool = False

    async def start(self) -> None:
        """Count."""
        self.started += 1

    async def explain(
        self, resolved: ResolvedOption, overrides: Overrides
    ) -> tuple[TreeReport | None, str, str]:
        """Give a running tree."""
        self._refuse(overrides)
        mode = overrides.devicetree_mode or "merged"
        summary = f"{mode} for {resolved.id}"
        return TreeReport(origin=TreeOrigin(mode), summary=summary), "fake", "because it is a test"

    async def browse(
        self, resolved: ResolvedOption, overrides: Overrides, query: TreeQuery
    ) -> TreePage:
        """Give one row that repeats the question."""
        if self.error is not None:
            raise self.error
        row = TreeRow(path=query.path, property=query.find, value=overrides.devicetree_mode)
        rows = (row,) if query.offset == 0 else ()
        return TreePage(path=query.path, rows=rows, total=1, summary=resolved.id, sha256="")

    async def boot(
        self, resolved: ResolvedOption, overrides: Overrides, progress: Progress
    ) -> LoadReport:
        """Load nothing, perhaps after a while."""
        self.overrides.append(overrides)
        progress("Loading kernel", 50)
        if self.hold is not None:
            await self.hold.wait()
        self._refuse(overrides)
        self.booted.append(resolved.id)
        return LoadReport(loader="fake", tree=TreeOrigin.RUNNING, why="because it is a test")

    async def keep_for_crash(
        self, resolved: ResolvedOption, overrides: Overrides, progress: Progress
    ) -> LoadReport:
        """As `boot`, and remember that it waits."""
        report = await self.boot(resolved, overrides, progress)
        self.waiting.append(resolved.id)
        return report

    async def has_crash_kernel(self) -> bool:
        """Say what was kept."""
        return bool(self.waiting)

    async def execute(self, report: LoadReport) -> None:
        """Stay here."""
        self.executed.append(report)

    def _refuse(self, overrides: Overrides) -> None:
        if self.error is not None:
            raise self.error
        if self.refuses_own_tree and overrides.devicetree_mode != "running":
            raise LoadError("locked down, and the tree is not the running one")

    async def discard(self) -> None:
        """Count."""
        self.discarded += 1


@dataclass(kw_only=True)
class Bench:
    """The services, joined as `bootd.app` does."""

    store: Store
    booter: FakeBooter
    countdown: Countdown
    control: Control
    rescans: list[str]
    remembered: list[str]
    left: list[str]
    no_shell: str = ""
    helpers: "FakeHelpers"
    settings: Settings
    choices: Choices

    @property
    def desk(self) -> Desk:
        """What a server works with."""
        leaving = Leaving(self.store, self.left.append, ("reboot",))
        about = About(
            Machine(architecture="aarch64", model="Acme Board"),
            root="/nowhere",
            settings=lambda: (("Timeout", "10", ""),),
            actions=lambda: leaving.allowed,
        )
        return Desk(
            store=self.store,
            control=self.control,
            choices=self.choices,
            about=about,
            leaving=leaving,
            inspection=Inspection(self.store, _nothing_there),
            shells=Shells(self.store, self.left.append, lambda: self.no_shell),
            locks=Locks(self.store, self.helpers),
        )


@dataclass
class FakeHelpers:
    """Opens what is locked with one passphrase, and notes what it was asked."""

    passphrase: str = "let me in"  # noqa: S105 - of a fake
    asked: list[tuple[str, Json]] = field(default_factory=list)

    async def run(
        self, task: str, params: Json, fds: Sequence[int] = (), /, *, timeout_s: float
    ) -> tuple[Json, list[int]]:
        self.asked.append((task, params))
        given = os.read(fds[0], 4096).decode()
        assert os.read(fds[0], 1) == b""
        assert timeout_s > 0
        if given != self.passphrase:
            raise BootdError("the passphrase is wrong")
        return None, []


async def _nothing_there(_device: BlockDevice) -> Json:
    """Answer like the worker of an empty file system."""
    return [["bls", "/loader", False]]


def make_bench(
    timeout_s: int = WAIT_FOREVER,
    stopped_by: str = "",
    *,
    wait_for_s: int = 0,
    order: tuple[str, ...] = (),
    note: str = "/nowhere",
) -> Bench:
    """Join the services; call it with a running loop.

    Args:
        timeout_s: The setting Timeout.
        stopped_by: As for `Countdown`.
        wait_for_s: The setting WaitFor.
        order: The setting Order.
        note: Folder for what lasts until the next power-on; by default that is not kept.
    """
    store = Store(Status(architecture="aarch64"))
    booter = FakeBooter()
    remembered: list[str] = []
    rescans: list[str] = []
    settings = Settings()
    countdown = Countdown(
        store,
        timeout_s=timeout_s,
        stopped_by=stopped_by,
        remember=remembered.append,
        held=lambda: settings.loading,
    )
    choices = Choices(store, countdown, settings, Note(f"{note}/until-power-on"))
    choices.configure(Configured(timeout_s=timeout_s, wait_for_s=wait_for_s, order=order))
    control = Control(
        store, countdown, booter, lambda: rescans.append("rescan"), depart=choices.depart
    )
    return Bench(
        store=store,
        booter=booter,
        countdown=countdown,
        control=control,
        rescans=rescans,
        remembered=remembered,
        left=[],
        helpers=FakeHelpers(),
        settings=settings,
        choices=choices,
    )


@asynccontextmanager
async def running(bench: Bench) -> AsyncIterator[None]:
    """Run the control service for the length of the block."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(bench.control.run())
        settings = tasks.create_task(bench.settings.run())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        try:
            yield
        finally:
            task.cancel()
            settings.cancel()


@asynccontextmanager
async def serving(
    bench: Bench, *, gid: int | None = None, remote_gid: int | None = None
) -> AsyncIterator[str]:
    """Serve a bench on a socket for the length of the block; gives its path.

    The services run in a task of their own, because pytest enters and leaves an async fixture in
    two different tasks, which a TaskGroup does not allow.
    """
    with _directory() as directory:
        path = f"{directory}/bootd"
        ready = asyncio.Event()
        uids = frozenset({0, os.geteuid()})
        access = Access(uids=uids, gid=gid, remote_gid=remote_gid)
        task = asyncio.get_running_loop().create_task(_serve(bench, path, access, ready))
        await ready.wait()
        try:
            yield path
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _serve(bench: Bench, path: str, access: Access, ready: asyncio.Event) -> None:
    service = Service(bench.desk, access)
    with bind(path) as listening:
        async with running(bench):
            await Listener(listening, service.answer, service.trusts).run(ready)


@contextmanager
def _directory() -> Iterator[str]:
    with TemporaryDirectory(prefix="bootd-") as directory:
        os.chmod(directory, 0o755)  # noqa: PTH101, S103 - other users connect in some tests
        yield directory
