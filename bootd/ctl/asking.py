"""What the verbs that ask the daemon share: where it is, how to ask, what its errors mean."""

import os
import shlex
import sys
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from bootd.errors import BootdError, CallError, MergeRefusedError, SettingError
from bootd.protocol.messages import ErrorName, Overrides

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from bootd.client import Client
    from bootd.protocol.messages import OptionView
    from bootd.ways import Way

    Commands = _SubParsersAction[ArgumentParser]

FAILED: Final = 1
USAGE: Final = 2
REFUSED: Final = 3
NO_SUCH_OPTION: Final = 4

_STATUS: Final = {
    ErrorName.NO_SUCH_OPTION: NO_SUCH_OPTION,
    ErrorName.REFUSED: REFUSED,
    ErrorName.PERMISSION_DENIED: REFUSED,
}

Question = Callable[["Client", Namespace], Awaitable[int]]
"""Asks the daemon what a verb wants to know, prints it, and returns the exit status."""


def add_connection_options(parser: ArgumentParser) -> None:
    """Add what says which daemon is asked; it stands before or after the verb."""
    add_socket_option(parser)
    for names, metavar, text in (
        (("-H", "--host"), "HOST", "ask the daemon of HOST, over ssh"),
        (("--tls",), "HOST:PORT", "ask the daemon behind that gateway"),
        (("--ca",), "FILE", "what signs the gateway's certificate"),
        (("--cert",), "FILE", "your certificate for the gateway"),
        (("--key",), "FILE", "its key"),
    ):
        parser.add_argument(*names, metavar=metavar, default=SUPPRESS, help=text)


def add_socket_option(parser: ArgumentParser) -> None:
    """Add --socket, for a daemon of this machine."""
    parser.add_argument("--socket", metavar="PATH", default=SUPPRESS, help="ask the daemon there")


def add_verb(commands: "Commands", name: str, help_text: str, ask: Question) -> ArgumentParser:
    """Add a verb that asks the daemon; returns its parser for further arguments."""
    parser = commands.add_parser(name, help=help_text, description=help_text)
    add_connection_options(parser)
    parser.set_defaults(run=lambda given: _run(ask, given), asks=True)
    return parser


def add_overrides(parser: ArgumentParser) -> None:
    """Add what a person may change for one boot; `overrides` reads it."""
    parser.add_argument("--options", metavar="TEXT", help="another kernel command line")
    parser.add_argument(
        "--tree",
        choices=("merged", "running", "shipped"),
        help="which device tree to hand over",
    )
    parser.add_argument("--devicetree", metavar="PATH", help="another DTB on the option's device")


def overrides(given: Namespace) -> Overrides:
    """Return what the options of `add_overrides` say."""
    return Overrides(options=given.options, devicetree_mode=given.tree, devicetree=given.devicetree)


def exit_status(error: BootdError) -> int:
    """Return the exit status that an error means."""
    if isinstance(error, CallError):
        return _STATUS.get(error.name, FAILED)
    return REFUSED if isinstance(error, MergeRefusedError) else FAILED


def who() -> str:
    """Return who acts, for other people to see."""
    name = os.environ.get("SUDO_USER") or os.environ.get("USER")
    return f"bootdctl of {name or f'uid {os.geteuid()}'}"


async def find_option(client: "Client", wanted: str) -> "OptionView":
    """Return the option with this id, or the only one whose entry is called so.

    Raises:
        CallError: There is none, or several.
    """
    options = await client.list_options()
    exact = [option for option in options if option.id == wanted]
    found = exact or [option for option in options if option.id.rpartition(":")[2] == wanted]
    if len(found) == 1:
        return found[0]
    if found:
        ids = "\n  ".join(option.id for option in found)
        message = f"Several boot options are called {wanted}:\n  {ids}"
    else:
        message = f"There is no boot option {wanted}; `bootdctl list` shows them."
    raise CallError(ErrorName.NO_SUCH_OPTION, message, {"id": wanted})


def run_remotely(host: str, words: list[str]) -> int:
    """Become ssh, which runs the same bootdctl on `host`; returns only when ssh cannot be had.

    For verbs that ask no daemon; the others bring the daemon's answers here (`bootd.ways.Ssh`).
    """
    _check_host(host)
    rest = _without_host(words)
    command = " ".join(shlex.quote(word) for word in ("bootdctl", *rest))
    try:
        os.execvp("ssh", ["ssh", "--", host, command])  # noqa: S606 - ssh quotes for no shell, we do
    except FileNotFoundError:
        print("bootdctl: --host needs ssh, which is not installed here", file=sys.stderr)
        return FAILED


def _without_host(words: list[str]) -> list[str]:
    rest: list[str] = []
    skip = False
    for index, word in enumerate(words):
        if skip:
            skip = False
        elif word == "--":
            return rest + words[index:]
        elif word in {"-H", "--host"}:
            skip = True
        elif not word.startswith(("--host=", "-H")):
            rest.append(word)
    return rest


def _run(ask: Question, given: Namespace) -> int:
    import asyncio  # noqa: PLC0415 - 60 ms that verbs without a daemon need not pay

    async def connect_and_ask() -> int:
        from bootd.client import Client  # noqa: PLC0415 - ditto

        async with await Client.connect(_way(given)) as client:
            return await ask(client, given)

    return asyncio.run(connect_and_ask())


def _way(given: Namespace) -> "Way":
    from bootd import ways  # noqa: PLC0415 - ditto
    from bootd.reach import find_socket  # noqa: PLC0415 - ditto

    socket = getattr(given, "socket", "")
    host, gateway = getattr(given, "host", None), getattr(given, "tls", None)
    if host is not None and gateway is not None:
        raise SettingError("--host and --tls are two different ways; take one")
    if host is not None:
        _check_host(host)
        return ways.Ssh(host, socket)
    if gateway is not None:
        return _gateway(gateway, given)
    return ways.UnixSocket(socket or find_socket())


def _gateway(place: str, given: Namespace) -> "Way":
    from bootd import ways  # noqa: PLC0415 - ditto

    host, _, port = place.rpartition(":")
    files = {name: getattr(given, name, "") for name in ("ca", "cert", "key")}
    if not host or not (port.isascii() and port.isdecimal()):
        raise SettingError(f"{place}: --tls takes HOST:PORT")
    if absent := [f"--{name}" for name, file in files.items() if not file]:
        raise SettingError(f"--tls needs {' and '.join(absent)} as well")
    return ways.Tls(
        host=host.strip("[]"),
        port=int(port),
        ca=files["ca"],
        certificate=files["cert"],
        key=files["key"],
    )


def _check_host(host: str) -> None:
    if host.startswith("-"):
        raise SettingError(f"{host} is no host name")
