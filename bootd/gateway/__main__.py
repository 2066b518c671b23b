"""`bootd-remote`: the gateway as a program."""

import asyncio
import logging
import signal
import socket
import sys
from argparse import ArgumentParser, Namespace
from contextlib import ExitStack
from typing import Final

from bootd import VERSION, config
from bootd.errors import BootdError, SettingError
from bootd.gateway.entrance import Entrance
from bootd.gateway.identity import Identity
from bootd.gateway.settings import SETTINGS, Remote, load
from bootd.linux import sd
from bootd.log import start_log
from bootd.record import replace
from bootd.ways import UnixSocket

log = logging.getLogger(__name__)

SOCKET_NAME: Final = "remote"
"""FileDescriptorName of bootd-remote.socket."""

_BACKLOG: Final = 128


def main(words: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; returns the exit status."""
    given = build_parser().parse_args(words)
    start_log("bootd-remote")
    try:
        with ExitStack() as undo:
            settings, errors = _settings(given)
            for error in errors:
                log.warning("%s", error)
            identity = Identity(settings)
            identity.context()
            listening = _listen(settings, undo)
            daemon = UnixSocket(given.socket or config.load()[0].socket)
            asyncio.run(_run(Entrance(listening, identity, daemon)))
    except (BootdError, OSError) as error:
        log.error("bootd-remote ends: %s", error)  # noqa: TRY400 - expected, and said in a sentence
        return 1
    return 0


def build_parser() -> ArgumentParser:
    """Return the parser of the command line."""
    parser = ArgumentParser(
        prog="bootd-remote",
        description="Let machines with a certificate select what this one boots.",
    )
    parser.add_argument("--socket", metavar="PATH", default="", help="where bootd listens")
    for setting in SETTINGS:
        parser.add_argument(
            f"--{setting.key.lower()}",
            metavar="VALUE",
            dest=setting.field,
            type=setting.parse,
            help=f"instead of the setting {setting.key}; its default is {setting.written}",
        )
    parser.add_argument("--version", action="version", version=f"bootd-remote {VERSION}")
    return parser


def _settings(given: Namespace) -> tuple[Remote, tuple[SettingError, ...]]:
    settings, errors = load()
    fields = (setting.field for setting in SETTINGS)
    overrides = {name: getattr(given, name) for name in fields if getattr(given, name) is not None}
    return replace(settings, **overrides), errors


def _listen(settings: Remote, undo: ExitStack) -> list[socket.socket]:
    """Return what systemd opened for us, or a socket of our own."""
    taken = sd.take_sockets()
    if taken:
        return [undo.enter_context(socket.socket(fileno=fd)) for fd in taken.values()]
    host, port = settings.listen
    family = socket.AF_INET if host and ":" not in host else socket.AF_INET6
    dual = not host and socket.has_dualstack_ipv6()
    try:
        listening = socket.create_server(
            (host, port),
            family=family if host or dual else socket.AF_INET,
            backlog=_BACKLOG,
            dualstack_ipv6=dual,
        )
    except OSError as error:
        shown = f"port {port} of {host or 'this machine'}"
        raise BootdError(f"cannot listen on {shown}: {error.strerror or error}") from error
    return [undo.enter_context(listening)]


async def _run(entrance: Entrance) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, entrance.drop_all)
    async with asyncio.TaskGroup() as tasks:
        letting_in = tasks.create_task(entrance.run())
        sd.notify("READY=1")
        await stop.wait()
        sd.notify("STOPPING=1")
        letting_in.cancel()


if __name__ == "__main__":
    sys.exit(main())
