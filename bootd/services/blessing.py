"""Confirms a boot from within the system that was booted: `bootd-bless`. No daemon is needed.

Which option it was is in the tree or on the command line (`bootd.model.started`). That it came up
is written where boots are counted: the name of the entry's own file, and what bootd remembers.
Doing it again changes nothing.
"""

from collections.abc import Iterator
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Final

from bootd import config
from bootd.errors import BootdError
from bootd.linux import systemctl, udev_database
from bootd.model import started
from bootd.model.option import OptionId
from bootd.model.remembered import NOTHING, Remembered
from bootd.model.text import clean
from bootd.model.tries import Tries
from bootd.policy import counting
from bootd.probe.remembering import remember
from bootd.protocol import memory
from bootd.protocol.codec import Json
from bootd.protocol.messages import SOCKET
from bootd.record import dataclass, replace
from bootd.services import entryfiles
from bootd.services.entryfiles import EntryFile
from bootd.services.keeping import HelperKeeper, is_state, on_partition, places

_MAX_BYTES: Final = 1 << 16
_UNIT: Final = "bootd.service"
_TREE: Final = f"proc/device-tree/chosen/{started.PROPERTY}"


class Verdict(Enum):
    """What became of the boot; the value is the word of the command."""

    GOOD = "good"
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was done.

    Attributes:
        said: Sentences.
        failed: Something that had to be written could not be.
    """

    said: tuple[str, ...]
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A place where boots may be counted.

    Attributes:
        may_begin: bootd would take it, too, if nothing were in it: it is no folder of this system.
        remembered: What it has.
    """

    keeper: HelperKeeper
    may_begin: bool
    remembered: Remembered = NOTHING


def started_from(root: str = "/") -> str:
    """Return the id of the option that this system was booted from, or ""."""
    return started.read(_bytes(root, _TREE), (_bytes(root, "proc/cmdline") or b"").decode())


async def bless(option_id: str, verdict: Verdict, root: str = "/") -> Outcome:
    """Write down what became of the boot of an option.

    Args:
        option_id: From `started_from`.
        verdict: It is good, or nobody is to boot it without being asked any more.
        root: Of the machine.
    """
    said: list[str] = []
    name = clean(option_id)
    file, failed = _entry_file(option_id, said)
    counter = None if file is None else _judge_file(file, verdict, said)
    if counter is not None and counter.own:
        failed = True  # the name of the file could not be changed: what is remembered has to do
    places_failed, kept = await _kept(option_id, root, said)
    if kept is None:
        if not said:
            said.append(f"{name}: its boots are counted nowhere that this system can reach")
        return Outcome(said=tuple(said), failed=failed or places_failed)
    try:
        said.append(f"{name} {await _judge(kept, option_id, counter, verdict)}")
    except (BootdError, OSError) as error:
        said.append(f"{name}: nothing can be written {kept.keeper.where}: {_reason(error)}")
        return Outcome(said=tuple(said), failed=True)
    _tell_daemon()
    return Outcome(said=tuple(said))


async def describe(option_id: str, root: str = "/") -> str:
    """Return the sentence on how an option stands."""
    said: list[str] = []
    file, _ = _entry_file(option_id, said)
    _, kept = await _kept(option_id, root, said)
    if kept is not None:
        found = next((e for e in kept.remembered.tries if e.id == option_id), None)
        if found is not None:
            words = counting.describe(found) or "is confirmed"
            return f"{clean(option_id)} {words} ({kept.keeper.where})"
    if file is not None and file.left is not None:
        own = Tries(id=option_id, left=file.left, done=file.done, own=True)
        words = counting.describe(own) or "was not tried yet"
        return f"{clean(option_id)} {words} ({file.path} on {file.device.name})"
    return f"{clean(option_id)} has no counter"


def _entry_file(option_id: str, said: list[str]) -> tuple[EntryFile | None, bool]:
    try:
        return entryfiles.find(option_id), False
    except OSError as error:
        said.append(f"the entries' file system cannot be read: {_reason(error)}")
        return None, True


def _judge_file(file: EntryFile, verdict: Verdict, said: list[str]) -> Tries | None:
    """Give the file its name; returns the counter that it still has when that did not work."""
    if file.left is None:
        return None
    whole = file.left + file.done
    wanted = (None, 0) if verdict is Verdict.GOOD else (0, whole)
    try:
        name = entryfiles.rename(file, *wanted)
    except OSError as error:
        said.append(f"{file.path} on {file.device.name} keeps its counter: {_reason(error)}")
        return Tries(id="", left=file.left, done=file.done, own=True)
    said.append(f"the entry's file on {file.device.name} is called {name} now")
    return None


async def _judge(kept: _Place, option_id: str, counter: Tries | None, verdict: Verdict) -> str:
    before = kept.remembered
    known = counting.sound(before.tries)
    if counter is not None:
        # As the entry's own: it counts for as long as the file has this counter.
        others = tuple(each for each in known if each.id != option_id)
        known = (*others, replace(counter, id=option_id))
    judge = counting.confirm if verdict is Verdict.GOOD else counting.condemn
    now = replace(before, tries=judge(OptionId(option_id), known))
    if verdict is Verdict.GOOD:
        now = replace(now, last_good=option_id)
    done = "is confirmed" if verdict is Verdict.GOOD else "is marked as bad"
    if now == before:
        return f"{done} already, {kept.keeper.where}"
    await kept.keeper.write(memory.write(now))
    return f"{done}, {kept.keeper.where}"


async def _kept(option_id: str, root: str, said: list[str]) -> tuple[bool, _Place | None]:
    """Return whether a place failed, and the place where this option is counted.

    Of several the one that has counted it, else the first that has anything; else the first one
    that bootd would take, unless that is a folder: this system's folders are not bootd's.
    """
    found: list[_Place] = []
    failed = False
    for place in _keepers(root):
        where = place.keeper.where
        try:
            remembered, problem = memory.read(await place.keeper.read())
        except (BootdError, OSError) as error:
            said.append(f"what is kept {where} cannot be read: {_reason(error)}")
            failed = True
            continue
        if problem:
            said.append(f"{where}: {problem}")
        found.append(replace(place, remembered=remembered))
    counted = [e for e in found if any(t.id == option_id for t in e.remembered.tries)]
    filled = [each for each in found if each.remembered != NOTHING]
    begun = [each for each in found if each.may_begin]
    return failed, next(iter([*counted, *filled, *begun]), None)


def _keepers(root: str) -> Iterator[_Place]:
    """Yield the places of this machine, best first."""
    choice = config.load(root)[0].state
    devices = udev_database.devices() if choice == "auto" or choice.startswith("/dev/") else []
    for device in devices:
        if is_state(device, choice):
            yield _Place(keeper=on_partition(device, _run), may_begin=True)
    for keeper in places(choice, root, _run):
        yield _Place(keeper=keeper, may_begin=choice != "auto" or not keeper.is_folder)


async def _run(params: Json) -> Json:
    return remember(None, params, [])[0]


def _tell_daemon() -> None:
    """Have a daemon that runs in this system read again what it would else write over."""
    if Path(SOCKET).exists() and systemctl.is_there():
        with suppress(OSError):  # it reads it at its next start
            systemctl.run("try-reload-or-restart", "--no-block", _UNIT)


def _bytes(root: str, name: str) -> bytes | None:
    try:
        with Path(root, name).open("rb") as file:
            return file.read(_MAX_BYTES)
    except OSError:
        return None


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else "") or str(error)
