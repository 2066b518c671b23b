"""Verbs that change something: boot, crash, select, cancel, rescan, unlock."""

from argparse import Namespace
from typing import TYPE_CHECKING

from bootd.ctl.asking import add_overrides, add_verb, find_option, overrides, who

if TYPE_CHECKING:
    from bootd.client import Client
    from bootd.ctl.asking import Commands
    from bootd.protocol.messages import BootReply


def register(commands: "Commands") -> None:
    """Add the verbs."""
    for name, help_text, ask in (
        ("boot", "Load a boot option and start it.", _boot),
        ("crash", "Load a boot option that starts when this kernel crashes (kdump).", _crash),
    ):
        verb = add_verb(commands, name, help_text, ask)
        verb.add_argument("id", metavar="ID", help="id, or the entry's name where it is unique")
        add_overrides(verb)
        verb.add_argument("--json", action="store_true", help="print JSON")
    select = add_verb(commands, "select", "Have the countdown boot another option.", _select)
    select.add_argument("id", metavar="ID", help="id, or the entry's name where it is unique")
    add_verb(commands, "cancel", "Stop the countdown, or a boot under way.", _cancel)
    add_verb(commands, "rescan", "Look at every device again.", _rescan)
    unlock = add_verb(commands, "unlock", "Open an encrypted disk, read-only.", _unlock)
    unlock.add_argument("device", metavar="DEVICE", help="kernel name, or its node below /dev")


async def _boot(client: "Client", given: Namespace) -> int:
    option = await find_option(client, given.id)
    _print(await client.boot(option.id, overrides(given), by=who()), given)
    return 0


async def _crash(client: "Client", given: Namespace) -> int:
    option = await find_option(client, given.id)
    _print(await client.load_crash_kernel(option.id, overrides(given), by=who()), given)
    return 0


def _print(reply: "BootReply", given: Namespace) -> None:
    from bootd.ctl.output import print_json  # noqa: PLC0415 - see bootd.ctl.asking
    from bootd.ctl.table import print_record  # noqa: PLC0415 - ditto

    if given.json:
        print_json(reply)
        return
    print_record(
        [
            ("loader", reply.loader),
            ("tree", reply.summary or reply.tree),
            ("why", reply.why),
            ("tree SHA-256", reply.tree_sha256),
            *(("note", note) for note in reply.notes),
            ("executed", "" if reply.executed else "no, this was a dry run"),
        ]
    )


async def _select(client: "Client", given: Namespace) -> int:
    option = await find_option(client, given.id)
    await client.select(option.id, by=who())
    return 0


async def _cancel(client: "Client", _: Namespace) -> int:
    await client.cancel(by=who())
    return 0


async def _rescan(client: "Client", _: Namespace) -> int:
    await client.rescan()
    return 0


async def _unlock(client: "Client", given: Namespace) -> int:
    name = given.device.removeprefix("/dev/")
    await client.unlock(name, _passphrase(name), by=who())
    return 0


def _passphrase(name: str) -> str:
    """Ask for it without showing it; from a pipe take the first line."""
    import sys  # noqa: PLC0415 - see bootd.ctl.asking

    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    from getpass import getpass  # noqa: PLC0415 - see bootd.ctl.asking

    return getpass(f"Passphrase of {name}: ")
