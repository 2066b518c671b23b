"""Lines of a screen before any terminal: runs of text with a tone."""

from enum import Enum, auto

from bootd.record import dataclass
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
    """Return a line of exactly `columns` columns, cut or filled; a reverse run at its end grows."""
    runs: list[Run] = []
    left = columns
    for run in line:
        text = take(run.text, left)
        runs.append(Run(text, run.tone))
        left -= cells(text)
    if left and runs and runs[-1].tone in {Tone.PLAIN, Tone.REVERSE}:
        return (*runs[:-1], Run(runs[-1].text + " " * left, runs[-1].tone))
    return (*runs, Run(" " * left)) if left else tuple(runs)


def changed(old: Line, new: Line) -> tuple[int, int] | None:
    """Return the columns, from (inclusive) and to (exclusive), in which two fitted lines differ.

    None when they are the same. The part ends in a visible character or with the line: blanks at
    its end are then all blanks up to the edge, and the driver may send them as one sequence. A
    line with characters of two columns counts as one piece.
    """
    if old == new:
        return None
    before, after = _characters(old), _characters(new)
    columns = sum(cells(run.text) for run in new)
    if len(before) != len(after) or len(after) != columns:
        return 0, columns
    different = [index for index in range(columns) if before[index] != after[index]]
    if not different:
        return None
    end = different[-1] + 1
    return different[0], columns if after[end - 1] == (" ", Tone.PLAIN) else end


def _characters(line: Line) -> list[tuple[str, Tone]]:
    return [(character, run.tone) for run in line for character in run.text]
