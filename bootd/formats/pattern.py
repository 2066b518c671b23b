"""Extended POSIX regular expressions, matched in time that grows with pattern and text only.

Python's `re` tries ways one after the other, which for some patterns takes for ever; this one
follows all ways at once (Thompson's construction, with captures as in Pike's). Of several matches
at the first place where there is one, the one that a greedy search from left to right prefers is
taken; POSIX would take the longest. Not supported: back references, collating elements.

Source: POSIX.1-2017, Base Definitions 9.4; R. Cox, "Regular Expression Matching: the Virtual
Machine Approach" (2009).
"""

from collections.abc import Callable
from typing import Final

from bootd.record import dataclass, field

MAX_PROGRAM: Final = 2000
"""Instructions; `a{500}` has 500."""

MAX_DEPTH: Final = 20
"""Groups inside one another."""

_CLASSES: Final = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": " \t",
    "digit": "0-9",
    "lower": "a-z",
    "punct": "!-/:-@[-`{-~",
    "space": " \t\n\r\f\v",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}


@dataclass(frozen=True, slots=True)
class _Set:
    """A character out of ranges, or one out of none of them."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool = False

    def has(self, char: str) -> bool:
        return any(low <= char <= high for low, high in self.ranges) is not self.negated


@dataclass(frozen=True, slots=True)
class _Save:
    slot: int


@dataclass(frozen=True, slots=True)
class _Edge:
    """`^` or `$`."""

    at_end: bool


@dataclass(frozen=True, slots=True)
class _Split:
    """Goes on at both places; offsets from here, the preferred one first."""

    first: int
    second: int


_Instruction = _Set | _Save | _Edge | _Split
_Code = list[_Instruction]


class PatternError(Exception):
    """Not a pattern, or one that is too large."""


@dataclass(slots=True)
class _Thread:
    place: int
    saved: tuple[int, ...]


@dataclass(slots=True)
class Pattern:
    """A pattern that can be searched for.

    Attributes:
        groups: How many pairs of parentheses it has.
    """

    code: _Code
    groups: int

    @property
    def size(self) -> int:
        """Instructions; a search takes at most that many steps for each character."""
        return len(self.code)

    def search(self, text: str) -> tuple[str, ...] | None:
        """Return what matched and what each group matched ("" for none), or None."""
        unset = (-1,) * (2 * self.groups + 2)
        threads: list[_Thread] = []
        found: tuple[int, ...] | None = None
        for at in range(len(text) + 1):
            if found is None:
                threads.append(_Thread(0, unset))
            reached, match = self._follow(threads, text, at)
            if match is not None:
                found = match
            threads = self._read(reached, text[at : at + 1])
            if not threads and found is not None:
                break
        if found is None:
            return None
        return tuple(
            text[start:end] if start >= 0 else ""
            for start, end in zip(found[::2], found[1::2], strict=True)
        )

    def _follow(
        self, threads: list[_Thread], text: str, at: int
    ) -> tuple[list[_Thread], tuple[int, ...] | None]:
        """Go on to where a character is needed; also return a match, which ends weaker threads."""
        reached: list[_Thread] = []
        seen: set[int] = set()
        stack = threads[::-1]
        while stack:
            thread = stack.pop()
            place = thread.place
            if place in seen:
                continue
            seen.add(place)
            if place == len(self.code):
                return reached, thread.saved
            if isinstance(self.code[place], _Set):
                reached.append(thread)
            else:
                stack += self._onward(thread, at, len(text))
        return reached, None

    def _onward(self, thread: _Thread, at: int, end: int) -> list[_Thread]:
        """Return where a thread goes on without a character, the preferred way last."""
        place, saved = thread.place, thread.saved
        match self.code[place]:
            case _Save(slot):
                return [_Thread(place + 1, (*saved[:slot], at, *saved[slot + 1 :]))]
            case _Split(first, second):
                return [_Thread(place + second, saved), _Thread(place + first, saved)]
            case _Edge(at_end) if at == (end if at_end else 0):
                return [_Thread(place + 1, saved)]
            case _:
                return []

    def _read(self, threads: list[_Thread], char: str) -> list[_Thread]:
        """Return the threads that `char` lets go on; at the end of the text there are none."""
        return [
            _Thread(thread.place + 1, thread.saved)
            for thread in threads
            if char and isinstance(here := self.code[thread.place], _Set) and here.has(char)
        ]


def compile_pattern(text: str, *, lazy: bool = False) -> Pattern:
    """Return the pattern.

    Args:
        text: As POSIX writes it.
        lazy: A question mark behind a repetition has it match as little as possible.

    Raises:
        PatternError: It is none, or too large.
    """
    parser = _Parser(text, lazy=lazy)
    code: _Code = [_Save(0), *parser.alternatives(0), _Save(1)]
    if parser.at < len(text):
        raise PatternError("a parenthesis is closed that was not opened")
    return Pattern(_bounded(code), parser.groups)


def _bounded(code: _Code) -> _Code:
    if len(code) > MAX_PROGRAM:
        raise PatternError("the pattern is too large")
    return code


@dataclass(slots=True)
class _Parser:
    text: str
    lazy: bool
    at: int = field(default=0)
    groups: int = field(default=0)

    def alternatives(self, depth: int) -> _Code:
        code = self._sequence(depth)
        while self._take("|"):
            other = self._sequence(depth)
            # The jump over `other` is a split with one way.
            over = len(other) + 1
            code = [_Split(1, len(code) + 2), *code, _Split(over, over), *other]
            _bounded(code)
        return code

    def _sequence(self, depth: int) -> _Code:
        code: _Code = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            code += self._repeated(self._atom(depth))
            _bounded(code)
        return code

    def _take(self, char: str) -> bool:
        taken = self.text.startswith(char, self.at)
        self.at += taken
        return taken

    def _atom(self, depth: int) -> _Code:
        char = self.text[self.at]
        self.at += 1
        match char:
            case "(":
                return self._group(depth + 1)
            case "[":
                return [self._bracket()]
            case ".":
                return [_Set((), negated=True)]
            case "^" | "$":
                return [_Edge(at_end=char == "$")]
            case "\\":
                char = self.text[self.at : self.at + 1] or "\\"
                self.at += 1
            case _:
                pass
        return [_Set(((char, char),))]

    def _group(self, depth: int) -> _Code:
        if depth > MAX_DEPTH:
            raise PatternError("groups are nested too deep")
        self.groups += 1
        number = self.groups
        code = self.alternatives(depth)
        if not self._take(")"):
            raise PatternError("a parenthesis is never closed")
        return [_Save(2 * number), *code, _Save(2 * number + 1)]

    def _repeated(self, code: _Code) -> _Code:
        while self.at < len(self.text) and self.text[self.at] in "*+?{":
            least, most = self._bounds()
            if len(code) * max(least, most or 0, 1) > MAX_PROGRAM:
                raise PatternError("the pattern is too large")
            split = self._splits()
            if most is None:
                loop: _Code = [split(1, len(code) + 2), *code, _Split(-len(code) - 1, 1)]
                code = [*(code * least), *loop]
            else:
                optional: _Code = [split(1, len(code) + 1), *code]
                code = [*(code * least), *(optional * (most - least))]
            _bounded(code)
        return code

    def _splits(self) -> Callable[[int, int], _Split]:
        """Return how to choose between going on and ending: greedy, or lazy where that is asked."""
        if self.lazy and self._take("?"):
            return lambda on, end: _Split(end, on)
        return _Split

    def _bounds(self) -> tuple[int, int | None]:
        char = self.text[self.at]
        self.at += 1
        if char != "{":
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[char]
        end = self.text.find("}", self.at)
        low, comma, high = self.text[self.at : max(end, self.at)].partition(",")
        self.at = end + 1
        if end < 0 or not _is_number(low) or (high and not _is_number(high)):
            raise PatternError("a repetition has no number")
        least = int(low)
        most = (int(high) if high else None) if comma else least
        if most is not None and most < least:
            raise PatternError("a repetition ends before it starts")
        return least, most

    def _bracket(self) -> _Set:
        negated = self._take("^")
        ranges: list[tuple[str, str]] = []
        first = True
        while first or not self.text.startswith("]", self.at):
            first = False
            if self.at >= len(self.text):
                raise PatternError("a bracket is never closed")
            if self.text.startswith("[:", self.at) and ":]" in self.text[self.at :]:
                end = self.text.index(":]", self.at)
                ranges += _ranges(_CLASSES.get(self.text[self.at + 2 : end], ""))
                self.at = end + 2
                continue
            low = high = self.text[self.at]
            if self.text[self.at + 1 : self.at + 2] == "-" and self.text[
                self.at + 2 : self.at + 3
            ] not in {"", "]"}:
                high = self.text[self.at + 2]
                self.at += 2
            ranges.append((low, high))
            self.at += 1
        self.at += 1
        return _Set(tuple(ranges), negated)


def _ranges(text: str) -> list[tuple[str, str]]:
    """Return the ranges of a class, written like the inside of a bracket."""
    ranges: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        if text[at + 1 : at + 2] == "-":
            ranges.append((text[at], text[at + 2]))
            at += 3
        else:
            ranges.append((text[at], text[at]))
            at += 1
    return ranges


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 4
