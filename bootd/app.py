"""The daemon put together: the only place that joins concrete sources, services and sockets.

Order at start: zygote (in `bootd.__main__`), socket, services, READY. An error in one service ends
the daemon with a line in the log, and systemd starts it again.
"""

import asyncio
import gc
import logging
import os
import signal
import socket
from collections.abc import Callable, Coroutine, Iterable
from contextlib import ExitStack
from functools import partial
from typing import Any, Final

from bootd import VERSION, config
from bootd.__main__ import HELPERS, Arguments
from bootd.config import Config
from bootd.errors import BootdError, SettingError
from bootd.linux import console_log, reboot, sd, systemctl
from bootd.listening import listen
from bootd.log import start_log
from bootd.model.board import Board, Tier
from bootd.model.machine import Machine
from bootd.place import Place, played_place, real_place
from bootd.policy import trust
from bootd.policy.counting import Rules
from bootd.probe.prober import Prober
from bootd.probe.spawn import Spawned
from bootd.protocol.codec import Json
from bootd.protocol.messages import Level, Status
from bootd.server.access import Access
from bootd.server.handlers import Desk
from bootd.server.listener import Listener
from bootd.server.service import Service
from bootd.services.about import About
from bootd.services.board import BoardReader
from bootd.services.booting import Booting
from bootd.services.choices import Choices, Configured
from bootd.services.control import Control
from bootd.services.deciding import Deciding, Places
from bootd.services.discovery import Discovery
from bootd.services.file_systems import AllowedFileSystems
from bootd.services.health import watch_health
from bootd.services.inspection import LOOK_S, Inspection
from bootd.services.leaving import Leaving
from bootd.services.lifeline import keep_alive, tell_status
from bootd.services.locks import Locks
from bootd.services.settings import SAVE_S
from bootd.services.shells import Shells
from bootd.services.stacks import Stacks
from bootd.services.store import Store
from bootd.services.trying import WRITE_S, Rename, Trying
from bootd.services.wishes import Wishes
from bootd.values import CountTries

log = logging.getLogger(__name__)

GROUP: Final = "bootd"
"""Its members may change things."""

REMOTE_GROUP: Final = "bootd-remote"
"""Its members, of which the gateway is one, may list, select and cancel, and nothing else."""


def run(arguments: Arguments, spawned: Spawned) -> int:
    """Run the daemon until SIGTERM or SIGINT; returns the exit status."""
    start_log()
    failed = False
    try:
        with ExitStack() as undo:
            place = played_place(arguments.machine) if arguments.machine else real_place()
            undo.callback(place.close)
            settings, errors = config.load(place.root)
            listening = listen(arguments.socket, settings.socket, undo)
            daemon = _Daemon(arguments, place, settings)
            asyncio.run(daemon.run(spawned, listening, errors))
    except* (BootdError, OSError) as group:
        failed = True
        for error in _leaves(group):
            log.error("bootd ends: %s", error)  # noqa: TRY400 - expected, and said in a sentence
    return int(failed)


class _Daemon:
    """Everything that runs, for the time of one `run`."""

    def __init__(self, arguments: Arguments, place: Place, settings: Config) -> None:
        self._arguments = arguments
        self._place = place
        self._settings = settings
        self._stop = asyncio.Event()
        self._mistake: Exception | None = None

    async def run(
        self, spawned: Spawned, listening: socket.socket, errors: tuple[SettingError, ...]
    ) -> None:
        """Serve until told to stop."""
        prober = Prober.adopt(spawned, helpers=HELPERS, early=self._place.real)
        silence = self._place.real and not reboot.through_systemd()
        if silence and not console_log.quiet():
            log.warning("messages of the kernel will write over the menu: printk cannot be set")
        try:
            await self._serve(prober, listening, errors)
        finally:
            sd.notify("STOPPING=1")
            if silence:
                console_log.loud()
            await prober.close()

    async def _serve(
        self, prober: Prober, listening: socket.socket, errors: tuple[SettingError, ...]
    ) -> None:
        dry_run = self._arguments.dry_run or self._settings.dry_run or not self._place.real
        store = _store(self._place.machine, dry_run=dry_run)
        deciding = Deciding.join(store, self._configured(), self._places(prober, listening))
        choices = deciding.choices
        stacks = Stacks(store, prober)
        allowed = AllowedFileSystems(prober, self._settings.file_systems, stacks)
        watch_health(prober, store)
        early = await prober.early_devices()
        source = self._place.source(early, prober.is_looking, allowed.preview)
        discovery = Discovery(source, allowed, store)
        booting = self._booting(prober, store, dry_run=dry_run)
        control = Control(
            store,
            deciding.countdown,
            booting,
            discovery.rescan,
            wishes=_wishes(self._settings),
            depart=choices.depart,
        )
        count = self._counting(Trying(store, deciding.settings, _renaming(prober)), booting)
        control.tries = count()
        leaving = Leaving(store, _leave_nothing if dry_run else _leave, self._settings.actions)
        service = Service(self._desk(prober, store, control, choices, leaving), _access())
        ready = asyncio.Event()

        def apply(settings: Config) -> None:
            choices.configure(self._configured())
            allowed.allowed = settings.file_systems
            leaving.allowed = settings.actions
            service.access = _access()
            control.wishes = _wishes(settings)
            count()
            deciding.keeping.read_again()
            discovery.rescan()

        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reload, store, apply)
        services = (
            Listener(listening, service.answer, service.trusts).run(ready),
            discovery.run(),
            control.run(),
            stacks.run(),
            deciding.run(),
            keep_alive(),
            tell_status(store),
        )
        _report(errors, store)
        await self._run_until_stopped(services, ready)

    def _desk(
        self, prober: Prober, store: Store, control: Control, choices: Choices, leaving: Leaving
    ) -> Desk:
        return Desk(
            store=store,
            control=control,
            choices=choices,
            about=self._about(leaving),
            leaving=leaving,
            inspection=Inspection(store, partial(prober.ask, task="tried", timeout_s=LOOK_S)),
            shells=Shells(store, self._start_unit, self._why_no_shell),
            locks=Locks(store, prober),
        )

    def _why_no_shell(self) -> str:
        """Return why nobody gets a shell here, or ""."""
        if not self._settings.shell:
            return "The settings of bootd do not allow a shell."
        if trust.tier(self._settings.trust, self._place.machine.lockdown) is not Tier.OPEN:
            return "There is no shell where device trees have to be signed."
        return ""

    def _start_unit(self, unit: str) -> None:
        if not self._place.real:
            raise OSError(None, "this machine is only played")
        if not systemctl.is_there():
            raise OSError(None, "only systemd can start one here")
        systemctl.run("start", "--no-block", unit)

    def _booting(self, prober: Prober, store: Store, *, dry_run: bool) -> Booting:
        booting = Booting(
            prober,
            self._place.for_load,
            find_device=store.find_device,
            board=self._read_board,
            way=self._settings.execute.value,
            rehearsal=dry_run,
        )
        booting.hooks, booting.root = self._settings.hooks, self._place.root
        return booting

    def _counting(self, trying: Trying, booting: Booting) -> Callable[[], Trying]:
        """Return what has boots counted as the settings say, at the start and at a reload."""

        def count() -> Trying:
            it = self._settings
            trying.rules = Rules(tries=it.tries, every=it.count_tries is CountTries.ALL)
            trying.on_medium = it.count_on_medium
            booting.says_entry = it.tries > 0
            booting.watchdog_s = it.reboot_watchdog_sec
            return trying

        return count

    def _places(self, prober: Prober, listening: socket.socket) -> Places:
        """Return where what is remembered may be kept."""

        async def run(params: Json) -> Json:
            return (await prober.run("remember", params, timeout_s=SAVE_S))[0]

        return Places(
            choice=self._settings.state,
            root=self._place.root,
            folder=os.path.dirname(listening.getsockname()),  # noqa: PTH120 - pathlib costs 10 ms
            run=run,
        )

    def _about(self, leaving: Leaving) -> About:
        return About(
            self._place.machine,
            root="/" if self._place.real else self._place.root,
            settings=lambda: config.describe(self._place.root),
            actions=lambda: leaving.allowed,
        )

    def _configured(self) -> Configured:
        """Return what remembered choices are stronger than."""
        it = self._settings
        return Configured(
            timeout_s=it.timeout_s,
            autoboot=it.autoboot,
            order=it.order,
            wait_for_s=it.wait_for_s,
            counts=it.tries > 0,
            fixed=config.fixed(self._place.root),
        )

    def _read_board(self) -> Board:
        """Read what is known of the machine; called in a thread."""
        reader = BoardReader(root=self._place.root, live=self._place.live_tree)
        tier = trust.tier(self._settings.trust, self._place.machine.lockdown)
        return reader.read(self._settings.live_tree, tier, self._settings.allow_risky_dt)

    def _reload(self, store: Store, apply: Callable[[Config], None]) -> None:
        sd.reloading()
        self._settings, errors = config.load(self._place.root)
        apply(self._settings)
        _report(errors, store)
        sd.notify("READY=1")

    def _fail(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """End the daemon for an error in a callback, as a task's error does.

        asyncio would only log it, and leave a daemon that no longer hears of devices.
        """
        error = context.get("exception")
        if isinstance(error, Exception) and self._mistake is None:
            self._mistake = error
            self._stop.set()
        else:
            loop.default_exception_handler(context)

    async def _run_until_stopped(
        self, services: Iterable[Coroutine[None, None, None]], ready: asyncio.Event
    ) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._fail)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in services]
            await ready.wait()
            sd.notify("READY=1")
            gc.freeze()  # what has been imported stays, so collections need not look at it
            gc.enable()
            await self._stop.wait()
            for task in tasks:
                task.cancel()
        if self._mistake is not None:
            raise self._mistake


def _store(machine: Machine, *, dry_run: bool) -> Store:
    return Store(_status(machine, dry_run=dry_run), machine.compatible, machine.hardware)


def _status(machine: Machine, *, dry_run: bool) -> Status:
    ways = {"kexec_load": machine.kexec_load, "kexec_file_load": machine.kexec_file}
    return Status(
        board=machine.model,
        architecture=machine.architecture,
        kernel=machine.kernel,
        version=VERSION,
        kexec=tuple(name for name, there in ways.items() if there),
        lockdown=machine.lockdown,
        dry_run=dry_run,
    )


def _wishes(settings: Config) -> Wishes:
    return Wishes(
        running_tree=settings.running_tree,
        crash_option=settings.crash_option,
        tries=settings.tries,
    )


def _renaming(prober: Prober) -> Rename:
    async def rename(params: dict[str, Json]) -> None:
        await prober.run("rename", params, timeout_s=WRITE_S)

    return rename


def _access() -> Access:
    return Access(
        uids=frozenset({0, os.geteuid()}), gid=_group(GROUP), remote_gid=_group(REMOTE_GROUP)
    )


def _group(name: str) -> int | None:
    from grp import getgrnam  # noqa: PLC0415 - reads files, so only when the loop runs already

    try:
        return getgrnam(name).gr_gid
    except KeyError:
        return None


def _leave(action: str) -> None:
    ways = {"reboot": reboot.restart, "powerOff": reboot.power_off}
    ways[action]()


def _leave_nothing(_action: str) -> None:
    """Stay: this is a rehearsal."""


def _report(errors: tuple[SettingError, ...], store: Store) -> None:
    for error in errors:
        log.warning("%s", error)
        store.say(str(error), Level.WARNING)


def _leaves(group: BaseExceptionGroup[Exception]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
