"""Textual's driver for serial consoles: nothing that only an xterm understands, and an end at EOF.

It relies on what textual 2.1 to 8.2 have in common: `LinuxDriver.write`, `run_input_thread`,
`exit_event` and `XTermParser.feed` and `tick`.
"""

import os
import re
import selectors
from codecs import getincrementaldecoder
from typing import TYPE_CHECKING, Final

from textual import events
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from bootmenu.noise import is_noise

if TYPE_CHECKING:
    from textual.app import App

NOISE: Final = "noise"
"""Name of the key that tells the app: what comes next may be no person."""

_POLL_S: Final = 0.1
"""A lone ESC is a key only after this silence; `XTermParser.tick` measures it."""

_READ_BYTES: Final = 4096

_UNWANTED: Final = re.compile(
    # kitty keyboard, focus reports, bracketed paste, mouse, mode queries, pointer shapes:
    # a plain terminal shows parts of them as letters, and the menu uses none
    r"\x1b\[[<>]\d*u|\x1b\[\?(?:1000|1003|1004|1006|1015|1016|2004|2048)[hl]"
    r"|\x1b\[\?\d+\$p|\x1b\]22;[^\x1b\x07]*(?:\x1b\\|\x07)"
)

_OWN_COLOURS: Final = re.compile(r"\x1b\[(?:39;)?49m([^\x1b]*)\x1b\[0m")
"""Text for which the terminal's own colours are asked, though nothing else was ever set; textual
before 3 does so for every run, later ones for blanks."""

_OWN_BACKGROUND: Final = re.compile(r"(\x1b\[[127](?:;[127])*);(?:39;)?49m")

_BLANKS: Final = re.compile(r" {4,}(?=\r?\n|\x1b\[\d+;\d+H|\Z)")
"""Blanks before the cursor goes elsewhere: `bootmenu.lines.changed` sees to it that they reach the
edge of the screen; Textual's own blanks fill whole lines."""

_FRAME: Final = "\x1b[1;1H"
"""Start of a whole screen: the cursor goes to the corner."""

_ERASE_LINE: Final = "\x1b[K"


class BootDriver(LinuxDriver):
    """Draws on the terminal at file descriptors 0 and 2, reads keys from 0."""

    _gone = False
    """The terminal has hung up: nothing can be written any more."""

    _last = ""
    """What was written last, while the terminal still shows it."""

    def write(self, data: str) -> None:
        """Write what any terminal understands, in few bytes; drop the rest.

        Textual draws its first frame three times over: 4 kB that a serial line is spared.
        """
        if data.startswith(_FRAME) and data == self._last:
            return
        self._last = data
        wanted = _shortened(_UNWANTED.sub("", data))
        if wanted and not self._gone:
            super().write(wanted)

    def forget(self) -> None:
        """Take it that something else has drawn on the terminal: what is written next is sent."""
        self._last = ""

    def run_input_thread(self) -> None:
        """Read keys until the app ends or the terminal is gone; then end the app.

        Textual's own loop takes an empty read for a pause, and spins.
        """
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")("replace").decode
        with selectors.DefaultSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if selector.select(_POLL_S):
                    data = self._read()
                    if not data:
                        self._hung_up()
                        return
                    if is_noise(data):
                        self.process_message(events.Key(NOISE, None))
                    for message in parser.feed(decode(data)):
                        self.process_message(message)
                for message in parser.tick():
                    self.process_message(message)

    def _read(self) -> bytes:
        try:
            return os.read(self.fileno, _READ_BYTES)
        except OSError:
            return b""  # EIO: the other side of the line is closed

    def _hung_up(self) -> None:
        self._gone = True
        app: App[object] = self._app
        self._loop.call_soon_threadsafe(app.exit)


def _shortened(data: str) -> str:
    """Return output that does the same in fewer bytes."""
    toned = _OWN_BACKGROUND.sub(r"\1m", _OWN_COLOURS.sub(r"\1", data))
    return _BLANKS.sub(_ERASE_LINE, toned)
