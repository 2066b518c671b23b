"""Lines of a screen before any terminal: runs of text with a tone."""

from dataclasses import dataclass
from enum import Enum, auto

from bootmenu.clean import cells, take


class Tone(Enum):
    """How a run looks; the words must say the same, since terminals differ."""

    PLAIN = auto()
    DIM = auto()
    BOLD = auto()
    REVERSE = auto()


@dataclass(frozen=True, slots=True)
class Run:
    """Cleaned text of one tone."""

    text: str
    tone: Tone = Tone.PLAIN


Line = tuple[Run, ...]


def plain(text: str) -> Line:
    """Return a line of one plain run."""
    return (Run(text),)


def text_of(line: Line) -> str:
    """Return a line without its tones."""
    return "".join(run.text for run in line)


def fitted(line: Line, columns: int) -> Line:
    """Return a line of exactly `columns` columns, cut or filled in the tone of its last run."""
    runs: list[Run] = []
    left = columns
    for run in line:
        text = take(run.text, left)
        runs.append(Run(text, run.tone))
        left -= cells(text)
    tone = line[-1].tone if line and line[-1].tone is Tone.REVERSE else Tone.PLAIN
    return (*runs, Run(" " * left, tone)) if left else tuple(runs)


def changed(old: Line, new: Line) -> tuple[int, int] | None:
    """Return the columns, from (inclusive) and to (exclusive), in which two fitted lines differ.

    None when they are the same. A line with characters of two columns counts as one piece.
    """
    if old == new:
        return None
    before, after = _characters(old), _characters(new)
    columns = sum(cells(run.text) for run in new)
    if len(before) != len(after) or len(after) != columns:
        return 0, columns
    different = [index for index in range(columns) if before[index] != after[index]]
    return (different[0], different[-1] + 1) if different else None


def _characters(line: Line) -> list[tuple[str, Tone]]:
    return [(character, run.tone) for run in line for character in run.text]


def split(line: Line, start: int, end: int) -> Line:
    """Return the same line with runs that begin and end at two columns (of one-column text)."""
    runs: list[Run] = []
    column = 0
    for run in line:
        at = column
        for edge in (start, end):
            if at < edge < column + len(run.text):
                runs.append(Run(run.text[at - column : edge - column], run.tone))
                at = edge
        runs.append(Run(run.text[at - column :], run.tone))
        column += len(run.text)
    return tuple(runs)
