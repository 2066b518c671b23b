"""Problems: what is wrong on a device, as data that a person gets to see."""

from bootd.record import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong and cost at most one entry.

    Attributes:
        source: Absolute path within the file system, or "" when the device as a whole is meant.
        line: 1-based, or None.
        message: A sentence, foreign text in it already cleaned.
    """

    source: str
    message: str
    line: int | None = None
