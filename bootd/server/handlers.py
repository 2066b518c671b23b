"""One function a method: parameters in, reply out; `bootd.protocol.methods` says how to add one."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import count
from typing import Any, Final

from bootd.errors import CallError
from bootd.linux.peer import Peer
from bootd.model.browsing import Against, TreeQuery
from bootd.model.text import clean
from bootd.policy.autoboot import MAX_TIMEOUT_S
from bootd.protocol import methods
from bootd.protocol.messages import NO_OVERRIDES, ErrorName, Explanation, Resync
from bootd.protocol.methods import Method
from bootd.record import dataclass
from bootd.server import delta, views
from bootd.services.about import About
from bootd.services.choices import Choices
from bootd.services.control import Control
from bootd.services.inspection import Inspection
from bootd.services.leaving import Leaving
from bootd.services.locks import Locks
from bootd.services.shells import Shells
from bootd.services.store import Store

MAX_BEHIND: Final = 256
"""A subscriber that is more states behind than this gets a Resync instead of what it missed."""

MAX_BY: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the handlers work with."""

    store: Store
    control: Control
    choices: Choices
    about: About
    leaving: Leaving
    inspection: Inspection
    shells: Shells
    locks: Locks


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who calls.

    Attributes:
        more: Several replies are welcome.
        send: Sends one reply that another one follows.
    """

    peer: Peer
    more: bool
    send: Callable[[object], Awaitable[None]]


Handler = Callable[[Desk, Any, Asker], Awaitable[object]]
"""Takes the method's parameters record, returns its reply record: the last one of a call."""


async def describe(desk: Desk, _: methods.NoParameters, __: Asker) -> methods.Describing:
    """Return the status."""
    return methods.Describing(status=desk.store.state.status)


async def describe_machine(
    desk: Desk, _: methods.NoParameters, __: Asker
) -> methods.DescribingMachine:
    """Return the machine at this moment."""
    return methods.DescribingMachine(machine=await asyncio.to_thread(desk.about.look))


async def list_options(desk: Desk, _: methods.NoParameters, asker: Asker) -> methods.Listing:
    """Return the options in menu order, in parts when they do not fit one message.

    Raises:
        CallError: ExpectedMore, when they do not fit and the client takes one reply only.
    """
    *parts, last = delta.parts(map(views.option, desk.store.state.menu))
    if parts and not asker.more:
        message = "The menu is too long for one reply; ask with `more`."
        raise CallError(ErrorName.EXPECTED_MORE, message, {})
    for part in parts:
        await asker.send(methods.Listing(options=part))
    return methods.Listing(options=last)


async def subscribe(desk: Desk, _: methods.NoParameters, asker: Asker) -> methods.Occurrence:
    """Send the state, then every change; returns a Resync to a client that is too slow.

    A slow client takes several states in one step, so its delay costs no memory here.
    """
    seen = desk.store.state
    sequence = count()
    for event in delta.beginning(seen):
        await asker.send(methods.Occurrence(event=event, sequence=next(sequence)))
    while True:
        state = await desk.store.next_state(after=seen.revision)
        lost = state.revision - seen.revision
        if lost > MAX_BEHIND:
            return methods.Occurrence(event=Resync(lost=lost), sequence=next(sequence))
        for event in delta.changes(seen, state):
            await asker.send(methods.Occurrence(event=event, sequence=next(sequence)))
        seen = state


async def explain(desk: Desk, asked: methods.Explaining, _: Asker) -> methods.Explained:
    """Return what would happen at a boot."""
    outlook = await desk.control.explain(asked.id, asked.overrides)
    entry = desk.control.entry(asked.id)
    if entry is None:
        message = "The boot option went away while it was looked at."
        raise CallError(ErrorName.NO_SUCH_OPTION, message, {"id": asked.id, "message": message})
    explanation = Explanation(
        option=views.option(entry),
        tree=views.tree(outlook.tree) if outlook.tree else None,
        loader=outlook.loader,
        why=outlook.why,
        refused=outlook.refused,
        running_tree=outlook.running_tree,
    )
    return methods.Explained(explanation=explanation)


async def browse_tree(desk: Desk, asked: methods.Browsing, _: Asker) -> methods.Browsed:
    """Return rows of the tree that an option would get.

    Raises:
        CallError: InvalidParameter, when `against` names no tree.
    """
    try:
        against = Against(asked.against)
    except ValueError:
        message = f"There is no tree {clean(asked.against, 40)!r} to compare with."
        raise CallError(
            ErrorName.INVALID_PARAMETER, message, {"parameter": "against", "message": message}
        ) from None
    query = TreeQuery(path=asked.path, find=asked.find, against=against, offset=asked.offset)
    page = await desk.control.browse(asked.id, asked.overrides, query)
    return methods.Browsed(page=views.tree_page(page))


async def inspect_device(desk: Desk, asked: methods.Inspecting, _: Asker) -> methods.Inspected:
    """Return where the formats look on a device."""
    return methods.Inspected(looks=await desk.inspection.look(asked.device))


async def select(desk: Desk, asked: methods.Selecting, asker: Asker) -> methods.NoParameters:
    """Select an option."""
    desk.control.select(asked.id, _who(asked.by, asker))
    return methods.NoParameters()


async def boot(desk: Desk, asked: methods.Booting, asker: Asker) -> methods.Booted:
    """Boot an option; the reply is sent before the machine leaves."""
    report = await desk.control.boot(asked.id, asked.overrides, _who(asked.by, asker))
    entries = desk.store.state.menu
    trees = (entry.tree for entry in entries if entry.resolved.id == asked.id)
    # What is kept is about the tree that the option gets by itself.
    summary = next(trees, "") if asked.overrides == NO_OVERRIDES else ""
    return methods.Booted(reply=views.boot_reply(report, summary))


async def load_crash_kernel(desk: Desk, asked: methods.Booting, asker: Asker) -> methods.Booted:
    """Have an option wait for a crash."""
    by = _who(asked.by, asker)
    report = await desk.control.keep_for_crash(asked.id, asked.overrides, by)
    return methods.Booted(reply=views.boot_reply(report, ""))


async def cancel(desk: Desk, asked: methods.Cancelling, asker: Asker) -> methods.NoParameters:
    """Stop the countdown or a load."""
    await desk.control.cancel(_who(asked.by, asker))
    return methods.NoParameters()


async def rescan(desk: Desk, _: methods.NoParameters, __: Asker) -> methods.NoParameters:
    """Look at every device again."""
    desk.control.rescan()
    return methods.NoParameters()


async def unlock(desk: Desk, asked: methods.Unlocking, asker: Asker) -> methods.NoParameters:
    """Open an encrypted device."""
    await desk.locks.unlock(asked.device, asked.passphrase, _who(asked.by, asker))
    return methods.NoParameters()


async def set_timeout(
    desk: Desk, asked: methods.SettingTimeout, asker: Asker
) -> methods.NoParameters:
    """Count again, or never.

    Raises:
        CallError: InvalidParameter, for a time out of range.
    """
    if asked.seconds is not None and not 0 <= asked.seconds <= MAX_TIMEOUT_S:
        message = f"The timeout must be 0 to {MAX_TIMEOUT_S} seconds."
        raise CallError(
            ErrorName.INVALID_PARAMETER, message, {"parameter": "seconds", "message": message}
        )
    desk.control.set_timeout(asked.seconds, _who(asked.by, asker))
    return methods.NoParameters()


async def set_default(
    desk: Desk, asked: methods.SettingDefault, asker: Asker
) -> methods.NoParameters:
    """Make an option the default."""
    desk.choices.set_default(asked.id, asked.until, _who(asked.by, asker))
    await desk.choices.settle()
    return methods.NoParameters()


async def set_one_shot(desk: Desk, asked: methods.Selecting, asker: Asker) -> methods.NoParameters:
    """Boot an option once."""
    desk.choices.set_one_shot(asked.id, _who(asked.by, asker))
    await desk.choices.settle()
    return methods.NoParameters()


async def configure(desk: Desk, asked: methods.Configuring, asker: Asker) -> methods.NoParameters:
    """Remember settings."""
    desk.choices.change_settings(asked, _who(asked.by, asker))
    await desk.choices.settle()
    return methods.NoParameters()


async def save_overrides(desk: Desk, asked: methods.SavingOverrides, asker: Asker) -> methods.Saved:
    """Keep changes as an option of its own."""
    by = _who(asked.by, asker)
    new = desk.choices.save_overrides(asked.id, asked.name, asked.overrides, by)
    await desk.choices.settle()
    return methods.Saved(id=new)


async def forget_overrides(
    desk: Desk, asked: methods.Selecting, asker: Asker
) -> methods.NoParameters:
    """Forget an option that somebody saved."""
    desk.choices.forget_overrides(asked.id, _who(asked.by, asker))
    await desk.choices.settle()
    return methods.NoParameters()


async def open_shell(desk: Desk, asked: methods.OpeningShell, asker: Asker) -> methods.NoParameters:
    """Open a shell on a console."""
    await desk.shells.open(asked.console, _who(asked.by, asker))
    return methods.NoParameters()


async def leave(desk: Desk, asked: methods.Leaving, asker: Asker) -> methods.NoParameters:
    """Restart the machine or switch it off."""
    with suppress(CallError):  # it was told to who decided what cannot be written
        await desk.choices.settle()
    await desk.leaving.do(asked.action, _who(asked.by, asker))
    return methods.NoParameters()


HANDLERS: Final[dict[Method, Handler]] = {
    methods.DESCRIBE: describe,
    methods.DESCRIBE_MACHINE: describe_machine,
    methods.LIST_OPTIONS: list_options,
    methods.SUBSCRIBE: subscribe,
    methods.EXPLAIN: explain,
    methods.BROWSE_TREE: browse_tree,
    methods.INSPECT_DEVICE: inspect_device,
    methods.SELECT: select,
    methods.BOOT: boot,
    methods.LOAD_CRASH_KERNEL: load_crash_kernel,
    methods.CANCEL: cancel,
    methods.RESCAN: rescan,
    methods.UNLOCK: unlock,
    methods.SET_TIMEOUT: set_timeout,
    methods.SET_DEFAULT: set_default,
    methods.SET_ONE_SHOT: set_one_shot,
    methods.CONFIGURE: configure,
    methods.SAVE_OVERRIDES: save_overrides,
    methods.FORGET_OVERRIDES: forget_overrides,
    methods.OPEN_SHELL: open_shell,
    methods.LEAVE: leave,
}


def _who(by: str, asker: Asker) -> str:
    """Return who acts, for other people to see: as the client says, else its user."""
    return clean(by, MAX_BY) or f"user {asker.peer.uid}"
