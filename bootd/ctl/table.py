"""Tables and records for people: cut to the terminal's width, foreign text made safe.

Where the output is no terminal nothing is cut, columns are separated by tabs, and there are no
headings: one line a record for other programs (which do better with --json).
"""

import os
import shutil
import sys
from collections.abc import Sequence
from typing import Final

from bootd.model.text import escape

Row = Sequence[str]

GAP: Final = "  "
MIN_COLUMN: Final = 8


def print_table(headings: Row, rows: Sequence[Row]) -> None:
    """Print rows below their headings.

    Column 0 and the last one are the last to be cut: the first is short, the last an id.
    """
    safe = [[escape(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in safe:
            print("\t".join(row))
        return
    widths = fit([headings, *safe], shutil.get_terminal_size().columns)
    print(bold(_line(headings, widths)))
    for row in safe:
        print(_line(row, widths))


def print_record(pairs: Sequence[tuple[str, str]]) -> None:
    """Print `name: value` lines, names aligned to the right; empty values are left out."""
    shown = [(name, escape(value)) for name, value in pairs if value]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        print(f"{name:>{width}}: {value}")


def fit(rows: Sequence[Row], total: int) -> list[int]:
    """Return column widths whose sum with gaps is `total` at most, if the columns can be cut so."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    room = total - len(GAP) * (len(widths) - 1)
    middle = list(range(1, len(widths) - 1)) or [0]
    for candidates in (middle, range(len(widths))):
        while sum(widths) > room:
            widest = max(candidates, key=widths.__getitem__)
            if widths[widest] <= MIN_COLUMN:
                break
            widths[widest] -= 1
    return widths


def bold(text: str) -> str:
    """Return text for a heading: bold on a terminal that can and whose user wants it."""
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM", "dumb") == "dumb"
    return text if plain or not sys.stdout.isatty() else f"\x1b[1m{text}\x1b[0m"


def _line(row: Row, widths: Sequence[int]) -> str:
    cells = [_cut(cell, width) for cell, width in zip(row, widths, strict=True)]
    return GAP.join(f"{c:<{w}}" for c, w in zip(cells, widths, strict=True)).rstrip()


def _cut(cell: str, width: int) -> str:
    return cell if len(cell) <= width else cell[: width - 3] + "..."
