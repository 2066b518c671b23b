"""Start of `bootmenu`: which terminal, which face, which daemon."""

# ruff: noqa: E402 - the imports below must come after the one that must not happen
import sys

# asyncio does without ssl: 4.5 MB less memory for what a unix socket never needs
sys.modules.setdefault("ssl", None)  # type: ignore[arg-type] # None is the documented way

import argparse
import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Final

from bootd.client import Client
from bootd.reach import find_socket
from bootd.record import replace
from bootmenu import terminal
from bootmenu.session import BootClient, Session
from bootmenu.state import Happening, MenuState

_SPOILERS: Final = ("LINES", "COLUMNS", "TEXTUAL_DEBUG", "TEXTUAL_DRIVER")
"""Would freeze the size, or put another driver under the menu."""


def main(arguments: list[str] | None = None) -> int:
    """Run the menu; the exit status is 0 when it was left, 1 when its terminal cannot be used."""
    options = _parser().parse_args(arguments)
    if options.tty:
        path = options.tty if options.tty.startswith("/") else f"/dev/{options.tty}"
        try:
            terminal.occupy(path)
        except OSError as error:
            sys.stderr.write(f"bootmenu: cannot use the terminal {path}: {error.strerror}\n")
            return 1
    if not terminal.can_be_waited_for(0):
        sys.stderr.write("bootmenu: the standard input is no terminal; name one with --tty\n")
        return 1
    for name in _SPOILERS:
        os.environ.pop(name, None)
    name = options.console or terminal.console_name()
    asyncio.run(_serve(options.ui, options.socket or find_socket(), f"console {name}".strip()))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bootmenu", description="The boot menu of bootd on this terminal."
    )
    parser.add_argument("--socket", metavar="PATH", help="unix socket of the daemon")
    parser.add_argument(
        "--ui",
        choices=("auto", "tui", "plain"),
        default="auto",
        help="tui: a screen; plain: lines and a prompt; auto: what the terminal can take (default)",
    )
    parser.add_argument("--tty", metavar="DEVICE", help="terminal to use instead of this one")
    parser.add_argument(
        "--console", metavar="NAME", help="name of this console for the other ones to see"
    )
    return parser


async def _serve(ui: str, socket: str, by: str) -> None:
    """Run the face that fits; a plain one may find that the terminal answers by now."""
    state = MenuState(may_leave=os.getppid() != 1)  # started by init: this console is a service
    probe = await asyncio.to_thread(_probe_for_screen, ui)
    if probe is None:
        may_draw = ui == "auto" and terminal.can_draw(os.environ.get("TERM", ""))
        answers = _can_draw_now if may_draw else None
        if not await _run_lines(state, socket, by, answers):
            return
        probe = terminal.Probe(size=None, typed=b"key")
    await _run_screen(replace(state, stops=bool(probe.typed)), socket, by)


def _probe_for_screen(ui: str) -> terminal.Probe | None:
    """Ask the terminal for its size and set it; None when it gets plain lines."""
    if ui == "plain" or not terminal.can_draw(os.environ.get("TERM", "")):
        return None
    probe = terminal.probe()
    if ui == "auto" and not terminal.is_large_enough(probe.size):
        return None
    terminal.set_size(probe.size or terminal.DEFAULT_SIZE)
    return probe


def _can_draw_now() -> bool:
    return _probe_for_screen("auto") is not None


async def _run_screen(state: MenuState, socket: str, by: str) -> None:
    from bootmenu.app import MenuApp  # noqa: PLC0415 - Textual costs 0.2 s that plain lines save

    app = MenuApp(state)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, app.exit)
    async with asyncio.TaskGroup() as tasks:
        app.session = _session(socket, by, app.tell, tasks)
        app.session.start()
        with redirect_stdout(None):  # textual 2.1 prints a line of its log when it ends
            await app.run_async(mouse=False)
        app.session.stop()


async def _run_lines(
    state: MenuState, socket: str, by: str, answers: Callable[[], bool] | None
) -> bool:
    """Serve plain lines; True when the screen should take over."""
    from bootmenu.plain import PlainMenu  # noqa: PLC0415 - the screen has no use for it

    menu = PlainMenu(state, answers=answers)
    async with asyncio.TaskGroup() as tasks:
        menu.session = _session(socket, by, menu.tell, tasks)
        menu.session.start()
        await menu.run()
        menu.session.stop()
    return menu.wants_screen


def _session(
    socket: str, by: str, tell: Callable[[Happening], None], tasks: asyncio.TaskGroup
) -> Session:
    async def connect() -> BootClient:
        return await Client.connect(socket)

    return Session(connect=connect, by=by, tell=tell, tasks=tasks)


if __name__ == "__main__":
    sys.exit(main())
