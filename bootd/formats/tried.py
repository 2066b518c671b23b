"""Where each format looks, and what of that is there: the answer to "why is nothing here?".

Nothing is parsed: a scan has already told what it found, and what was wrong with that.
"""

from bootd.formats.table import FORMATS
from bootd.fsview import FsView

Tried = tuple[tuple[str, str, bool], ...]
"""(format, place, whether something is there) of all that is looked at."""


def tried(fs: FsView) -> Tried:
    """Return every place of every format on one file system, in the order of the table."""
    return tuple(
        (each.name, place, each.holds(fs, place)) for each in FORMATS for place in each.places
    )
