"""Start of `bootmenu`: which terminal, which face, which daemon."""

import os
import sys
from collections.abc import Callable, Sequence
from getopt import GetoptError, gnu_getopt
from typing import Final

from bootd.reach import find_socket
from bootd.record import dataclass, replace
from bootmenu import launching, terminal
from bootmenu.session import Place
from bootmenu.state import MenuState

_SPOILERS: Final = ("LINES", "COLUMNS", "TEXTUAL_DEBUG", "TEXTUAL_DRIVER")
"""Would freeze the size, or put another driver under the menu."""


_FACES: Final = ("auto", "tui", "plain")

_WORDS: Final = ["help", "socket=", "ui=", "tty=", "console=", "launcher=", "serve="]

_HELP: Final = """\
usage: bootmenu [-h] [--socket PATH] [--ui {auto,tui,plain}] [--tty DEVICE] [--console NAME]
                [--launcher PATH] | --serve PATH

The boot menu of bootd on this terminal.

  -h, --help       show this help and exit
  --socket PATH    unix socket of the daemon
  --ui FACE        tui: a screen; plain: lines and a prompt; auto: what the terminal can take
                   (default)
  --tty DEVICE     terminal to use instead of this one
  --console NAME   name of this console for the other ones to see
  --launcher PATH  have the menu forked by the process that serves there, if one does
  --serve PATH     be that process
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says; "" where it says nothing."""

    socket: str = ""
    ui: str = _FACES[0]
    tty: str = ""
    console: str = ""
    launcher: str = ""
    serve: str = ""


def main(arguments: list[str] | None = None) -> int:
    """Run the menu; the exit status is 0 when it was left, 1 when its terminal cannot be used."""
    try:
        arguments = sys.argv[1:] if arguments is None else arguments
        options = _options(arguments)
    except GetoptError as error:
        sys.stderr.write(f"{_HELP.splitlines()[0]}\nbootmenu: error: {error}\n")
        return 2
    if options is None:
        sys.stdout.write(_HELP)
        return 0
    if options.serve:
        launching.serve(options.serve, _launched)
    return _run(options, arguments, may_leave=os.getppid() != 1)  # 1: a console's service


def _launched(request: launching.Request, lifeline: int) -> int:
    """Run a menu that a console asked for."""
    options = _options(list(request.arguments))
    if options is None:
        return 2
    alone = replace(options, launcher="", serve="")
    return _run(alone, request.arguments, may_leave=request.may_leave, lifeline=lifeline)


def _run(
    options: Options,
    arguments: Sequence[str],
    *,
    may_leave: bool,
    lifeline: int | None = None,
) -> int:
    """Run the menu on the terminal that is meant."""
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
    if options.launcher:
        term = os.environ.get("TERM", "")
        launching.hand_over(
            options.launcher,
            launching.Request(arguments=tuple(arguments), term=term, may_leave=may_leave),
        )
    name = options.console or terminal.console_name()
    place = Place(
        socket=options.socket or find_socket(),
        by=f"console {name}".strip(),
        lifeline=lifeline,
    )
    _show(options.ui, place, MenuState(may_leave=may_leave))
    return 0


def _options(arguments: list[str]) -> Options | None:
    """Read the command line; None asks for help. Not argparse, which is 0.5 MB of memory.

    Raises:
        GetoptError: It makes no sense.
    """
    found, rest = gnu_getopt(arguments, "h", _WORDS)
    given = {name.lstrip("-"): value for name, value in found}
    if {"h", "help"} & given.keys():
        return None
    if rest:
        raise GetoptError(f"unrecognized arguments: {' '.join(rest)}")
    options = Options(**given)
    if options.ui not in _FACES:
        raise GetoptError(f"--ui is one of {', '.join(_FACES)}, not {options.ui!r}")
    return options


def _show(ui: str, place: Place, state: MenuState) -> None:
    """Run the face that fits; a plain one may find that the terminal answers by now."""
    probe = _probe_for_screen(ui)
    if probe is None:
        may_draw = ui == "auto" and terminal.can_draw(os.environ.get("TERM", ""))
        answers = _can_draw_now if may_draw else None
        if not _run_lines(state, place, answers):
            return
        probe = terminal.Probe(size=None, typed=b"key")
    from bootmenu.screen import run_screen  # noqa: PLC0415 - 17 MB that plain lines save

    run_screen(replace(state, stops=bool(probe.typed)), place)


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


def _run_lines(state: MenuState, place: Place, answers: Callable[[], bool] | None) -> bool:
    """Serve plain lines; True when the screen should take over."""
    from bootmenu.plain import PlainMenu  # noqa: PLC0415 - the screen has no use for it

    menu = PlainMenu(state, place, answers=answers)
    menu.run()
    return menu.wants_screen


if __name__ == "__main__":
    sys.exit(main())
