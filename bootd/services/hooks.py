"""Runs the administrator's hooks before a load, one after the other, and lists what they change.

Hooks are executable files in hooks.d of the three folders of settings, run in the order of their
names; a file hides others of its name as with settings. Each runs in a helper that first gives up
what could do harm (`bootd.linux.hook`). What it answers is checked here like any hostile message.
"""

import asyncio
import logging
import os
import stat
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from bootd.config import DIRECTORIES
from bootd.errors import FdtError, LoadError, MergeRefusedError, ProbeError, ProtocolError
from bootd.linux import files
from bootd.loaders.hook_contracts import NOTE_COLUMNS, contract_of
from bootd.model.board import Board, HookPolicy, Tier
from bootd.model.hook import (
    HookAnswer,
    HookFile,
    HookJob,
    HookOption,
    HookOutcome,
    HookQuestion,
    HookTree,
)
from bootd.model.option import ResolvedOption
from bootd.model.text import clean, escape
from bootd.model.tree import Fact
from bootd.protocol.codec import from_json, to_json
from bootd.record import dataclass, replace
from bootd.services.artefacts import Artefacts, Bench
from bootd.services.booter import Progress

if TYPE_CHECKING:
    from bootd.probe.prober import Prober

log = logging.getLogger(__name__)

HOOK_S: Final = 10.0
SPARE_S: Final = 5.0
"""For the helper around a hook."""
MAX_HOOKS: Final = 32
SAID_LINES: Final = 20
SHOWN_FACTS: Final = 6

_SKIPPED: Final = ("~", ".bak", ".orig", ".rej", ".rpmnew", ".rpmsave", ".dpkg-dist", ".dpkg-old")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooked:
    """What is to be loaded after the hooks.

    Attributes:
        notes: Every effect, each with the name of its hook.
    """

    found: Artefacts
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HookedTree:
    """What a worker says of a tree that a hook has changed."""

    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The hooks of this machine.

    Attributes:
        paths: In the order to run.
        refused: Sentences on files that are none.
    """

    paths: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


class Hooks:
    """Runs hooks for one boot.

    Args:
        prober: Has the helper `hook` and the task `hooked`.
        bench: Owns what is opened.
        board: What is known of this machine.
        policy: What a failure means.
        remake: Makes the option's tree again, for another command line.
    """

    def __init__(
        self,
        prober: "Prober",
        bench: Bench,
        board: Board,
        policy: HookPolicy,
        remake: Callable[[str], Awaitable[Artefacts]],
    ) -> None:
        self._prober = prober
        self._bench = bench
        self._board = board
        self._policy = policy
        self._remake = remake

    async def run(
        self, root: str, resolved: ResolvedOption, found: Artefacts, progress: Progress
    ) -> Hooked:
        """Return what is to be loaded instead, and all that is different.

        Args:
            root: Directory below which the folders of hooks are.
            resolved: What is booted.
            found: What would be loaded.
            progress: Told which hook runs.

        Raises:
            LoadError: A hook refuses, or one failed that must not.
        """
        if self._policy is HookPolicy.OFF:
            return Hooked(found=found)
        hooks = await asyncio.to_thread(find, root)
        done = Hooked(found=found)
        for reason in hooks.refused:
            done = self._failed(done, reason)
        for path in hooks.paths:
            name = clean(os.path.basename(path), 60)  # noqa: PTH119 - pathlib costs 10 ms
            progress(f"Running the hook {name}", None)
            done = await self._run_one(path, name, resolved, done)
        if done.found.cmdline == found.cmdline:
            return done
        return replace(done, found=await self._with_cmdline(found, done.found))

    async def _with_cmdline(self, before: Artefacts, found: Artefacts) -> Artefacts:
        """Have the tree say the new command line, whose console counts for other properties too."""
        if found.blob == before.blob:
            made = await self._remake(found.cmdline)
            return replace(found, tree=made.tree, blob=made.blob, cmdline=made.cmdline)
        if found.blob is None:
            return found
        blob, _ = await self._accept(found, found.blob[0])
        return replace(found, blob=blob)

    async def _run_one(
        self, path: str, name: str, resolved: ResolvedOption, before: Hooked
    ) -> Hooked:
        found = before.found
        job = HookJob(
            program=path,
            contract=contract_of(name),
            question=question(resolved, found, self._board),
            timeout_s=HOOK_S,
        )
        try:
            answer, fds = await self._prober.run(
                "hook", to_json(job), found.fds, timeout_s=HOOK_S + SPARE_S
            )
            given = self._bench.keep(fds, len(fds))
            outcome = from_json(HookOutcome, answer)
            _log(name, outcome)
            if outcome.failure:
                return self._failed(before, f"The hook {name} failed: {outcome.failure}")
            return await self._apply(name, outcome.answer, given, before)
        except (ProbeError, ProtocolError, MergeRefusedError, FdtError, OSError) as error:
            return self._failed(before, f"The hook {name} failed: {error}")
        finally:
            for fd in found.fds:  # shared with the hook, which may have read
                os.lseek(fd, 0, os.SEEK_SET)

    async def _apply(
        self, name: str, answer: HookAnswer, fds: Sequence[int], before: Hooked
    ) -> Hooked:
        """Return what an answer makes of it; raises for one that cannot be used as a whole."""
        if answer.refuse is not None:
            reason = clean(answer.refuse, NOTE_COLUMNS) or "it gave no reason"
            raise LoadError(f"the hook {name} refuses: {reason}")
        if len(fds) != len(answer.initrd) + (answer.devicetree is not None):
            raise ProtocolError("$.fds: not one open file for each that is named")
        found = before.found
        effects = [clean(note, NOTE_COLUMNS) for note in answer.notes]
        if answer.cmdline is not None and answer.cmdline != found.cmdline:
            found = replace(found, cmdline=answer.cmdline)
            effects.append(f"command line is now {clean(answer.cmdline, NOTE_COLUMNS)}")
            log.info("hook %s: changes the command line", name)  # which may hold a secret
        if answer.initrd:
            given = tuple((fd, os.fstat(fd).st_size) for fd in fds[: len(answer.initrd)])
            own = () if answer.replace_initrd else found.initrds
            found = replace(found, initrds=(*own, *given))
            instead = " instead of the entry's" if answer.replace_initrd else ""
            effects.append(f"gives an initrd of {sum(size for _, size in given)} bytes{instead}")
            log.info("hook %s: %s", name, effects[-1])
        if answer.devicetree is not None:
            found, changed = await self._with_tree(found, fds[-1], name)
            effects.append(f"changes the device tree: {changed}")
            log.info("hook %s: %s", name, effects[-1])
        notes = (f"Hook {name}: {effect}." for effect in effects)
        return Hooked(found=found, notes=(*before.notes, *notes))

    async def _with_tree(self, found: Artefacts, fd: int, name: str) -> tuple[Artefacts, str]:
        if self._board.tier is not Tier.OPEN:
            tier = self._board.tier.value
            raise MergeRefusedError(f"it may not change the device tree, which is {tier}")
        blob, facts = await self._accept(found, fd)
        tree = replace(
            found.tree,
            summary=f"{found.tree.summary}, changed by the hook {name}",
            facts=(*found.tree.facts, *facts),
            changed_outside_chosen=found.tree.changed_outside_chosen
            or any(not fact.path.startswith("/chosen") for fact in facts),
        )
        return replace(found, tree=tree, blob=blob), _shown(facts)

    async def _accept(self, found: Artefacts, fd: int) -> tuple[tuple[int, int], tuple[Fact, ...]]:
        """Have a worker check a hook's tree, and write the command line into it."""
        if found.blob is None or self._board.live is None:
            raise MergeRefusedError("it gives a device tree, and this machine has none")
        with files.memory_file("tree", (self._board.live,)) as live:
            answer, fds = await self._prober.run(
                "hooked",
                {"cmdline": found.cmdline},
                (fd, found.blob[0], live),
                timeout_s=HOOK_S,
            )
        (blob,) = self._bench.keep(fds, 1)
        facts = from_json(HookedTree, {"facts": answer}).facts
        return (blob, os.fstat(blob).st_size), facts

    def _failed(self, before: Hooked, reason: str) -> Hooked:
        """Go on without what a hook wanted, or not at all."""
        if self._policy is HookPolicy.REQUIRE:
            raise LoadError(f"{reason} (the setting Hooks=require)")
        log.warning("%s", reason)
        return replace(before, notes=(*before.notes, f"{reason}; it changes nothing."))


def find(root: str) -> Found:
    """Return the hooks below the folders of settings; blocks."""
    places = [f"{root.rstrip('/')}/{each}/bootd/hooks.d" for each in DIRECTORIES]
    named: dict[str, str] = {}
    for place in reversed(places):
        with suppress(OSError):
            named |= {name: f"{place}/{name}" for name in os.listdir(place)}  # noqa: PTH208 - as above
    paths, refused = [], []
    for name, path in sorted(named.items()):
        if name.startswith(".") or name.endswith(_SKIPPED):
            continue
        reason = _why_none(path)
        if reason is None:
            paths.append(path)
        elif reason:
            refused.append(f"{escape(path)} does not run as a hook: {reason}")
    if len(paths) > MAX_HOOKS:
        refused.append(f"of {len(paths)} hooks only the first {MAX_HOOKS} run")
    return Found(paths=tuple(paths[:MAX_HOOKS]), refused=tuple(refused))


def announce(root: str, policy: HookPolicy) -> tuple[str, ...]:
    """Return a sentence on what runs at a boot and may change what is explained; blocks."""
    if policy is HookPolicy.OFF or not (paths := find(root).paths):
        return ()
    names = ", ".join(clean(os.path.basename(path), 60) for path in paths)  # noqa: PTH119 - as above
    return (f"Before a load these hooks run, and may change it: {names}.",)


def question(resolved: ResolvedOption, found: Artefacts, board: Board) -> HookQuestion:
    """Return what a hook is told; the helper puts in how its files are opened."""
    option = resolved.option
    tree = None
    changeable = ["cmdline", "initrd"]
    if found.blob is not None:
        tree = HookTree(
            file=_file(found.blob), origin=found.tree.origin.value, summary=found.tree.summary
        )
        if board.tier is Tier.OPEN:
            changeable.append("devicetree")
    return HookQuestion(
        option=HookOption(
            id=resolved.id,
            title=option.title,
            format=option.format,
            source=option.source,
            device=resolved.device,
            version=option.version,
        ),
        cmdline=found.cmdline,
        linux=_file((found.kernel_fd, found.kernel.file_bytes)),
        initrd=tuple(map(_file, found.initrds)),
        devicetree=tree,
        crash=found.crash,
        may_change=tuple(changeable),
    )


def _file(file: tuple[int, int]) -> HookFile:
    return HookFile(path="", fd=file[0], bytes=file[1])


def _why_none(path: str) -> str | None:
    """Return why a file is no hook, "" for one that is not meant to be, or None."""
    try:
        found = os.stat(path)  # noqa: PTH116 - as above
    except OSError as error:
        return error.strerror or str(error)
    if not found.st_size:
        return ""  # hides one of the same name, as /dev/null does
    if not stat.S_ISREG(found.st_mode):
        return "it is no plain file"
    if not found.st_mode & stat.S_IXOTH:
        return "it is not executable for everybody"
    if found.st_uid not in {0, os.geteuid()} or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "others than root can write to it"
    return None


def _log(name: str, outcome: HookOutcome) -> None:
    for line in outcome.said.splitlines()[-SAID_LINES:]:
        if line.strip():
            log.info("hook %s: %s", name, clean(line, NOTE_COLUMNS))
    if outcome.missing:
        log.info("hook %s ran without a sandbox of: %s", name, ", ".join(outcome.missing))


def _shown(facts: Sequence[Fact]) -> str:
    """Return the places of changes, the first few by name."""
    places = [f"{fact.path}{':' if fact.property else ''}{fact.property}" for fact in facts]
    more = f" and {len(places) - SHOWN_FACTS} more" if len(places) > SHOWN_FACTS else ""
    return clean(", ".join(places[:SHOWN_FACTS]), NOTE_COLUMNS) + more if places else "nothing"
