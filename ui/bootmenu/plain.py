"""The plain face: numbered lines and a prompt, for dumb terminals, screen readers and scripts.

Nothing but text and line feeds is sent. As long as the countdown runs, each key is taken at once
and stops it; afterwards the kernel edits whole lines.
"""

import os
import signal
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from bootd.record import replace
from bootmenu.announce import Numbers, announced, listing, numbered, tree_line
from bootmenu.clean import clean
from bootmenu.edits import by_hand
from bootmenu.entry import Purpose
from bootmenu.keys import Action, action_of_command, command_help
from bootmenu.lines import Line, text_of
from bootmenu.loop import SelectLoop
from bootmenu.noise import is_noise
from bootmenu.session import Place, Session
from bootmenu.spoken import (
    HELP,
    WISHES,
    browsing,
    edit_lines,
    edited,
    find_option,
    setting,
    tree_lines,
)
from bootmenu.state import (
    Boot,
    Chosen,
    Describe,
    Described,
    Edited,
    Entered,
    Failed,
    Happening,
    Inspected,
    Leave,
    Looked,
    MenuState,
    Named,
    Noise,
    NotInspected,
    Pointed,
    Pressed,
    Wish,
    Wished,
    Wondered,
    reduce,
)
from bootmenu.terminal import KeyByKey, has_hung_up

_PROMPT: Final = "> "
_COLUMNS: Final = 78
_READ_BYTES: Final = 1024
_MAX_TYPED: Final = 4200
"""A longer command is line noise and forgotten; a command line of 4 KiB can be written."""

Text = Callable[[MenuState, int], tuple[Line, ...]]
"""A page of text, as the screen shows it."""


class PlainMenu:
    """Reads commands from file descriptor 0 and writes lines to 1.

    Args:
        state: To start with.
        place: Where the menu runs.
        answers: Asks whether the terminal answers by now (it may block a moment); called once, at
            the first key. None when the plain face was asked for.
    """

    def __init__(
        self,
        state: MenuState,
        place: Place,
        *,
        answers: Callable[[], bool] | None = None,
    ) -> None:
        self.state = state
        self.wants_screen = False
        self._loop = SelectLoop()
        self._session = Session(loop=self._loop, place=place, tell=self.tell)
        self._lifeline = place.lifeline
        self._answers = answers
        self._numbers: Numbers = ()
        self._listed = False
        self._tree = ""
        self._typed = ""
        self._after_machine: Text | None = None
        self._longer: Mapping[Action | None, Callable[[str], tuple[str, ...]]] = {
            Action.RUNNING: self._running,
            Action.DETAILS: self._details,
            Action.SETTINGS: self._settings,
            Action.EDIT: self._edit,
            Action.TREE: self._look,
            Action.WHY: self._wonder,
            Action.NEW: self._new,
            Action.SEARCH: self._search,
            Action.TIMEOUT: self._timeout,
            Action.SAVE: self._save,
            **{action: partial(self._wish, action) for action in WISHES},
        }
        self._keys = KeyByKey()

    def tell(self, happening: Happening) -> None:
        """Take in what has happened and say what changed."""
        old = self.state
        self.state, requests = reduce(old, happening)
        self._numbers = numbered(self.state, self._numbers)
        self._say((*self._news(old), *self._tree_news(), *self._answers_to(old, happening)))
        self.state = replace(self.state, notice=None)  # it has been said, and waits for no key
        if self.state.counting and not old.counting:
            self._keys.start()
        for request in requests:
            if isinstance(request, Leave):
                self._loop.stop()
            else:
                self._session.perform(request)

    def run(self) -> None:
        """Serve until it is left, the terminal is gone, or a screen is possible."""
        self._loop.on_signal(signal.SIGINT, self._interrupted)
        self._loop.on_signal(signal.SIGTERM, self._loop.stop)
        self._loop.add_reader(0, self._readable)
        if self._lifeline is not None:
            self._loop.add_reader(self._lifeline, self._loop.stop)
        try:
            self._say(("bootd: plain menu. ? for help.",))
            if self._answers is not None:
                self._keys.start()  # the first key is the sign that somebody is there
            self._session.start()
            self._loop.run()
        finally:
            self._session.stop()
            self._loop.remove_reader(0)
            self._keys.stop()

    def _readable(self) -> None:
        """Read here and nowhere else: only the loop knows that a read does not block now."""
        try:
            data = os.read(0, _READ_BYTES)
        except OSError:
            data = b""
        if data:
            self._typed_in(data)
        else:
            self._ended()

    def _typed_in(self, data: bytes) -> None:
        self._keys.stop()
        answers, self._answers = self._answers, None
        if answers is not None and answers():  # asked once: what comes meanwhile is the answer
            self.wants_screen = True
            self._loop.stop()
            return
        if not self._typed and is_noise(data) and not _is_text(data):
            self.tell(Noise())
        self._take(data.decode("utf-8", "replace"))

    def _ended(self) -> None:
        """Tell Ctrl-D, which is q, from a terminal that is gone."""
        if os.isatty(0) and not has_hung_up(0):
            self.tell(Pressed(action=Action.QUIT))
        else:
            self._loop.stop()

    def _interrupted(self) -> None:
        self.tell(Pressed(action=Action.LEAVE))

    def _take(self, text: str) -> None:
        *lines, self._typed = (self._typed + text.replace("\r", "\n")).split("\n")
        self._typed = self._typed[-_MAX_TYPED:]
        if not lines:
            self.tell(Pressed(action=Action.OTHER))
        for line in lines:
            self._command(line.strip())

    def _command(self, command: str) -> None:
        word, _, rest = command.partition(" ")
        action = action_of_command(word)
        option_id = self._id(command if action is not Action.BOOT_EDITED else rest)
        if (command.isdecimal() or action is Action.BOOT_EDITED) and option_id is not None:
            self.tell(Chosen(id=option_id))
            return
        self.tell(Pressed(action=self._spoken(action)))
        if action in self._longer:
            self._say(self._longer[action](rest.strip()))
        else:
            self._say(self._answer(command, action))

    def _answer(self, command: str, action: Action | None) -> tuple[str, ...]:
        match action:
            case Action.LIST:
                return listing(self.state, self._numbers)
            case Action.HELP:
                return (*HELP, *command_help())
            case Action.LOG:
                from bootmenu.pages import log  # noqa: PLC0415 - memory, see `_details`

                return _printed(log.text, self.state)
            case None if command.isdecimal():
                return ("There is no option with this number.",)
            case None if command:
                return ("No such command; ? for help.",)
            case _:
                return ()

    def _running(self, rest: str) -> tuple[str, ...]:
        if (option_id := self._id(rest)) is None:
            return ("Say which option: running NUMBER.",)
        asked_id, changes = self.state.question(option_id)
        changes = replace(changes, devicetree_mode="running")
        self._session.perform(Boot(id=asked_id, overrides=changes))
        return ()

    def _details(self, rest: str) -> tuple[str, ...]:
        if (option_id := self._id(rest)) is not None:
            self.tell(Pointed(id=option_id))
        from bootmenu.pages import details  # noqa: PLC0415 - most consoles never show a page

        return self._ask_machine(details.text)

    def _settings(self, rest: str) -> tuple[str, ...]:
        if rest:
            return self._ask(setting(self.state.status, rest, self._id))
        from bootmenu.pages import settings  # noqa: PLC0415 - as above

        return self._ask_machine(settings.text)

    def _save(self, rest: str) -> tuple[str, ...]:
        number, _, name = rest.partition(" ")
        if (option_id := self._id(number)) is None:
            return ("Say which option, and its new name: save NUMBER NAME.",)
        self.tell(Named(id=option_id, name=name))
        return ()

    def _wish(self, action: Action, rest: str) -> tuple[str, ...]:
        return self._ask(WISHES[action](self.state, rest, self._id))

    def _ask(self, wish: Wish | str) -> tuple[str, ...]:
        """Ask for something for later boots, or say what is wrong with it."""
        if isinstance(wish, str):
            return (wish,)
        self.tell(Wished(wish=wish))
        return ()

    def _ask_machine(self, text: Text) -> tuple[str, ...]:
        """Have the daemon asked; its answer is told with the text."""
        if not self.state.connected:
            return _printed(text, self.state)
        self._after_machine = text
        self._session.perform(Describe())
        return ()

    def _edit(self, rest: str) -> tuple[str, ...]:
        number, _, words = rest.partition(" ")
        option_id = self._id(number)
        option = None if option_id is None else find_option(self.state, option_id)
        if option is None:
            return ("Say which option: e NUMBER.",)
        base = self.state.base_of(option)
        if words:
            edit = edited(base, self.state.edit_of(option.id), words)
            if edit is None:
                return ("There is no such line; e NUMBER lists them.",)
            self.tell(Edited(id=option.id, edit=edit))
        return edit_lines(self.state, option)

    def _look(self, rest: str) -> tuple[str, ...]:
        look = self.state.tree
        if rest == "+" and look is not None:
            offset = look.asked.offset + len(look.rows)
            self.tell(Looked(asked=replace(look.asked, offset=offset)))
            return ()
        number, _, words = rest.partition(" ")
        option_id = self._id(number)
        if option_id is None:
            return ("Say which option: d NUMBER.",)
        self.tell(Looked(asked=browsing(*self.state.question(option_id), words)))
        return ()

    def _wonder(self, rest: str) -> tuple[str, ...]:
        names = [device.name for device in self.state.devices]
        if rest and rest not in names:
            return (f"Say of which device: w {'|'.join(map(clean, names))}; w alone tells all.",)
        self.tell(Wondered(device=rest))
        return () if names else ("There are no devices.",)

    def _new(self, rest: str) -> tuple[str, ...]:
        names = [device.name for device in self.state.devices]
        if rest not in names:
            return (f"Say on which device: n {'|'.join(map(clean, names))}.",)
        option = by_hand(rest)
        if option.id not in self._numbers:
            self._numbers = (*self._numbers, option.id)
        number = self._numbers.index(option.id) + 1
        return (f"+ {number}) a new option", *edit_lines(self.state, option))

    def _search(self, rest: str) -> tuple[str, ...]:
        self.tell(Entered(purpose=Purpose.FILTER, text=rest))
        return listing(self.state, self._numbers)

    def _timeout(self, rest: str) -> tuple[str, ...]:
        self.tell(Entered(purpose=Purpose.TIMEOUT, text=rest))
        return ()

    def _id(self, number: str) -> str | None:
        """Return the id of an option that is there, by its number."""
        if not number.isascii() or not number.isdecimal():
            return None
        index = int(number[:6]) - 1
        if not 0 <= index < len(self._numbers):
            return None
        option = find_option(self.state, self._numbers[index])
        return None if option is None else option.id

    def _news(self, old: MenuState) -> tuple[str, ...]:
        if self.state.connected and not self._listed:
            self._listed = True
            seen = replace(self.state, log=old.log, status=old.status)
            return listing(self.state, self._numbers) + announced(seen, self.state, self._numbers)
        return announced(old, self.state, self._numbers)

    def _tree_news(self) -> tuple[str, ...]:
        """Tell a tree once, though the daemon is asked again after each change of its option."""
        line = tree_line(self.state, self._numbers)
        if not line or line == self._tree:
            return ()
        self._tree = line
        return (line,)

    def _spoken(self, action: Action | None) -> Action:
        """Return what a command means to the reducer: pages are printed here, not shown there."""
        printed = {Action.LIST, Action.HELP, Action.LOG, *self._longer}
        return Action.OTHER if action is None or action in printed else action

    def _answers_to(self, old: MenuState, happening: Happening) -> tuple[str, ...]:
        """Tell what was asked for a moment ago."""
        look = self.state.tree
        if look is not None and look is not old.tree and not look.waiting:
            return tree_lines(look)
        if isinstance(happening, Inspected | NotInspected):
            return self._device(happening.device)
        if isinstance(happening, Described | Failed) and self._after_machine is not None:
            text, self._after_machine = self._after_machine, None
            return _printed(text, self.state)
        return ()

    def _device(self, name: str) -> tuple[str, ...]:
        from bootmenu.pages import devices  # noqa: PLC0415 - as above

        device = next((each for each in self.state.devices if each.name == name), None)
        if device is None:
            return ()  # pulled out since
        return tuple(map(text_of, devices.device_text(self.state, device, _COLUMNS)))

    def _say(self, lines: tuple[str, ...]) -> None:
        """Write over the prompt, then prompt again."""
        if not lines:
            return
        text = "".join(f"{line}\n" for line in lines)
        data = f"\r{text}{_PROMPT}{self._typed}".encode("utf-8", "replace")
        try:
            while data:
                data = data[os.write(1, data) :]
        except OSError:
            self._loop.stop()  # the terminal is gone


def _printed(text: Text, state: MenuState) -> tuple[str, ...]:
    """Return a page of the screen as lines."""
    return tuple(map(text_of, text(state, _COLUMNS)))


def _is_text(data: bytes) -> bool:
    """Return whether bytes may be a command that came in one piece."""
    return data.isascii() and data.decode().replace("\r", "").replace("\n", "").isprintable()
