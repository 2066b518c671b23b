"""The screen in an event loop of asyncio, with its session."""

# ruff: noqa: E402 - the imports below must come after the one that must not happen
import sys

# asyncio does without ssl: 4.5 MB less memory for what a unix socket never needs
sys.modules.setdefault("ssl", None)  # type: ignore[arg-type] # None is the documented way

import asyncio
import signal
from contextlib import redirect_stdout
from functools import partial
from typing import Any

from bootmenu.app import MenuApp
from bootmenu.session import Place, Session
from bootmenu.state import MenuState


def run_screen(state: MenuState, place: Place) -> None:
    """Serve the screen until it is left or the terminal is gone.

    Args:
        state: To start with.
        place: Where the menu runs.
    """
    asyncio.run(_serve(state, place))


async def _serve(state: MenuState, place: Place) -> None:
    app = MenuApp(state)
    loop = asyncio.get_running_loop()
    broken: list[BaseException] = []

    def on_error(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A mistake in a callback ends the menu, as everywhere; its service starts it anew."""
        broken.append(context.get("exception") or RuntimeError(context.get("message")))
        app.exit()

    loop.set_exception_handler(on_error)
    loop.add_signal_handler(signal.SIGTERM, app.exit)
    if place.lifeline is not None:
        loop.add_reader(place.lifeline, partial(_gone, loop, app, place.lifeline))
    app.session = Session(loop=loop, place=place, tell=app.tell)
    app.session.start()
    try:
        with redirect_stdout(None):  # textual 2.1 prints a line of its log when it ends
            await app.run_async(mouse=False)
    finally:
        app.session.stop()
    if broken:
        raise broken[0]


def _gone(loop: asyncio.AbstractEventLoop, app: MenuApp, lifeline: int) -> None:
    """End the menu of a console that is gone."""
    loop.remove_reader(lifeline)
    app.exit()
