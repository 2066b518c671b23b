"""iPXE scripts, followed without running them: what each way through a script boots.

Source: src/core/exec.c (commands are expanded one by one) and src/hci/commands of iPXE. Every
command succeeds, except those that wait for a person or ask the network. At `choose` each item of
the menu is a way of its own. Settings that only the running machine has are empty and noted.

Not supported, and noted: `initrd` with a path of its own. Without a word: `params`, `sanboot`,
`inc`, certificates and signatures.
"""

import re
from typing import Final

from bootd.errors import ConfigError, ConfigLimitError
from bootd.fetch import Fetch, Lease, join
from bootd.formats.ipxe import state as states
from bootd.formats.ipxe.state import State
from bootd.formats.ipxe.syntax import MAX_TEXT, Script, commands, is_script, options, parse
from bootd.formats.lexing import MAX_FILES
from bootd.fsview import decode
from bootd.model.text import clean
from bootd.record import dataclass

MAX_STEPS: Final = 20_000
MAX_WAYS: Final = 256
MAX_DEPTH: Final = 8
"""Scripts that chain scripts, and menus that lead to menus."""

MAX_SCRIPTS: Final = 64
MAX_CHARACTERS: Final = 4 << 20
"""Of all commands, counted for each setting in them."""
MAX_NESTING: Final = 256
"""Settings in one command."""

_SETTING: Final = re.compile(r"\$\{([^${}]*)\}")
_ENDING: Final = frozenset({"exit", "reboot", "poweroff", "sanboot"})
_PROGRAMS: Final = (".efi", ".0", ".kpxe", ".pxe", ".lkrn", ".c32", ".bin")
_JOINTS: Final = {"&&": True, "||": False}
"""What the command before has to be for the next one to run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What one way through a script boots.

    Attributes:
        labels: Of the items that were chosen, in order.
        titles: Their texts, foreign.
        name: What the script calls its kernel, or "".
        kernel: URL, or "" when it boots something else.
        initrds: URLs.
        is_default: Every choice was the menu's own.
        source: URL of the script that boots.
        reason: Why bootd cannot boot it, or "".
    """

    labels: tuple[str, ...]
    titles: tuple[str, ...]
    kernel: str
    initrds: tuple[str, ...]
    cmdline: str
    is_default: bool
    source: str
    line: int
    name: str = ""
    reason: str = ""
    notes: tuple[str, ...] = ()


class _EndError(Exception):
    """This way ends here."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A line of a script, `depth` scripts deep."""

    script: Script
    index: int
    depth: int

    @property
    def number(self) -> int:
        """1-based line."""
        return self.script.lines[self.index][0]

    @property
    def text(self) -> str:
        """As written."""
        return self.script.lines[self.index][1]

    def limit(self, what: str) -> ConfigLimitError:
        """Return the error for a budget that is used up here."""
        reason = f"configuration too complex: {what}; the rest is left out"
        return ConfigLimitError(reason, source=self.script.url, line=self.number)


class Interpreter:
    """Follows one script with all that it chains; `ways` grows as it goes.

    Attributes:
        ways: In the order of the menus.
        timeout_s: Of the first menu, or None.
        came_to: (URL, line) that was reached last.
    """

    def __init__(self, fetch: Fetch, lease: Lease) -> None:
        self._fetch = fetch
        self._known = states.known(lease)
        self._steps = 0
        self._scripts = 0
        self._characters = 0
        self.ways: list[Way] = []
        self.timeout_s: int | None = None
        self.came_to = ("", 0)

    def run(self, url: str, text: str) -> None:
        """Follow a script.

        Raises:
            ConfigLimitError: A budget is used up; what was found so far counts.
        """
        script, state = parse(url, text), State(settings=dict(self._known))
        try:
            self._run(script, state, 0, 0)
        except _EndError:
            return
        self._unbooted(script, state)

    def _run(self, script: Script, state: State, start: int, depth: int) -> None:
        """Follow a script to its end; raises _EndError when the way ends before."""
        index = start
        while index < len(script.lines):
            place = _Place(script, index, depth)
            self.came_to = (script.url, place.number)
            self._steps += 1
            if self._steps > MAX_STEPS:
                raise place.limit(f"more than {MAX_STEPS} steps")
            index = self._line(place, state)

    def _line(self, place: _Place, state: State, *, resume: bool = False) -> int:
        """Run a line; returns the index of the line to go on with.

        Args:
            place: Which line.
            state: Of this way.
            resume: Go on behind `choose`, which has succeeded.
        """
        line, good = place.text, True
        wanted: bool | None = None
        for words, joint in () if line.startswith((":", "#")) else commands(line):
            if words and wanted in {None, good}:
                if resume:
                    resume, good = words[0] != "choose", True
                else:
                    target = self._command(place, self._expand(place, words, state), state)
                    if isinstance(target, str):
                        return place.script.labels.get(target, len(place.script.lines))
                    good = target
            wanted = _JOINTS.get(joint)
        return place.index + 1

    def _expand(self, place: _Place, words: list[str], state: State) -> list[str]:
        """Put settings into a command, the innermost first."""
        line = " ".join(words)
        for _ in range(MAX_NESTING):
            match = _SETTING.search(line)
            if match is None:
                return line.split()
            found = states.value(match[1], state)
            line = line[: match.start()] + found + line[match.end() :]
            self._characters += len(line)
            if len(line) > MAX_TEXT or self._characters > MAX_CHARACTERS:
                break
        raise place.limit("settings grow without end")

    def _command(self, place: _Place, words: list[str], state: State) -> bool | str:
        """Run one command; returns whether it succeeds, or a label to go to."""
        name, arguments = (words[0], words[1:]) if words else ("", [])
        match name:
            case "goto":
                return arguments[0] if arguments else ""
            case "kernel" | "imgselect" | "imgload":
                self._kernel(place, arguments, state)
            case "initrd" | "module" | "imgfetch":
                self._initrd(place, arguments, state)
            case "boot" | "imgexec" | "chain":
                self._boot(place, words, state)
            case "choose":
                self._choose(place, arguments, state)
            case _ if name in _ENDING:
                raise _EndError
            case _:
                return states.run(name, arguments, state)
        return True

    def _kernel(self, place: _Place, arguments: list[str], state: State) -> None:
        found, rest = options(arguments)
        if rest:
            known = state.kernel is not None and rest[0] == state.kernel[0]
            url = state.kernel[1] if known and state.kernel else join(place.script.url, rest[0])
            label = found.get("name") or url.rpartition("/")[2]
            arguments = rest[1:]
            if arguments[:1] == ["--name"]:  # behind the URL iPXE would pass it to the kernel
                label, arguments = next(iter(arguments[1:]), label), arguments[2:]
            state.kernel = (label, url, " ".join(arguments))

    def _initrd(self, place: _Place, arguments: list[str], state: State) -> None:
        found, rest = options(arguments)
        if len(rest) > 1:
            state.note(f"{rest[0]:.200} is not put into the initrd as {rest[1]:.200}")
        for name in _names(rest[0]) if len(rest) == 1 else ():
            if len(state.initrds) < MAX_FILES:
                url = join(place.script.url, name)
                state.initrds[found.get("name") or url.rpartition("/")[2]] = url

    def _boot(self, place: _Place, words: list[str], state: State) -> None:
        """Boot what is loaded, or what is named; a script that is named is followed."""
        _, rest = options(words[1:])
        reason = ""
        kernel = state.kernel
        if rest and (kernel is None or rest[0] != kernel[0]):
            url = join(place.script.url, rest[0])
            if words[0] != "boot" and self._chain(place, url, state):
                return
            kernel = (rest[0], url, " ".join(rest[1:]))
            if url.partition("?")[0].casefold().endswith(_PROGRAMS):
                reason = clean(f"it starts another program, {url}, not a Linux kernel")
        elif kernel is not None and len(rest) > 1:
            kernel = (*kernel[:2], " ".join(rest[1:]))
        if kernel is not None:
            self._found(place, state, kernel, reason)
        raise _EndError

    def _found(
        self, place: _Place, state: State, kernel: tuple[str, str, str], reason: str
    ) -> None:
        if len(self.ways) >= MAX_WAYS:
            raise place.limit(f"more than {MAX_WAYS} options")
        self.ways.append(
            Way(
                labels=state.labels,
                titles=state.titles,
                name=kernel[0] if kernel[0] != kernel[1].rpartition("/")[2] else "",
                kernel="" if reason else kernel[1],
                initrds=tuple(state.initrds.values()),
                cmdline=kernel[2],
                is_default=state.is_default,
                source=place.script.url,
                line=place.number,
                reason=reason,
                notes=state.notes,
            )
        )

    def _chain(self, place: _Place, url: str, state: State) -> bool:
        """Follow another script; False when the file is none."""
        self._scripts += 1
        if place.depth >= MAX_DEPTH or self._scripts > MAX_SCRIPTS:
            raise place.limit("too many scripts chain each other")
        try:
            text = decode(self._fetch.fetch(url))
        except (OSError, ConfigError):
            return False
        if not is_script(text):
            return False
        self._run(parse(url, text), state, 0, place.depth + 1)
        return True

    def _choose(self, place: _Place, arguments: list[str], state: State) -> None:
        """Follow every item of the menu; the way itself ends here.

        Raises:
            _EndError: Always.
        """
        found, rest = options(arguments)
        here = (place.script.url, place.number)
        if here in state.menus or len(state.menus) >= MAX_DEPTH or not rest:
            raise _EndError
        timeout = found.get("timeout", "")
        if self.timeout_s is None and timeout.isascii() and timeout.isdecimal():
            self.timeout_s = -(-int(timeout[:9]) // 1000) or None
        marked = [label for label, _, chosen in state.items if chosen]
        all_of_them = [label for label, _, _ in state.items]
        default = found.get("default") or next(iter([*marked, *all_of_them]), "")
        for label, text, _ in state.items:
            way = state.copy()
            way.settings[rest[0]] = label
            way.labels, way.titles = (*state.labels, label), (*state.titles, text or label)
            way.is_default = state.is_default and label == default
            way.menus, way.items = (*state.menus, here), ()
            try:
                self._run(place.script, way, self._line(place, way, resume=True), place.depth)
            except _EndError:
                continue
            self._unbooted(place.script, way)
        raise _EndError

    def _unbooted(self, script: Script, state: State) -> None:
        """List what a way has loaded when its script ends; iPXE would leave it at that."""
        if state.kernel is not None and script.lines:
            state.is_default = False
            state.note("its script loads it and ends without booting it")
            self._found(_Place(script, len(script.lines) - 1, 0), state, state.kernel, "")


def _names(text: str) -> list[str]:
    """Return the files of an `initrd`: u-root takes a list with commas, iPXE one URL."""
    return [text] if "?" in text or "://" in text.partition(",")[2] else text.split(",")
