"""Looking into the tree that an option would get: what is asked, and the rows of the answer."""

from enum import Enum

from bootd.record import dataclass


class Against(Enum):
    """Which tree the next one is compared with; the value is the word on the wire."""

    NOTHING = ""
    SHIPPED = "shipped"
    LIVE = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeQuery:
    """One look; of `find`, `against` and `path` the first that is given counts.

    Attributes:
        path: Node whose properties and children are wanted.
        find: Text (any case) in names and values of the whole tree.
        against: Wanted are all differences to that tree.
        offset: Rows to leave out; the answer says how many there are.
    """

    path: str = "/"
    find: str = ""
    against: Against = Against.NOTHING
    offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeRow:
    """A property, or a node where `property` is "".

    Attributes:
        value: As device tree source, printable ASCII, cut; None when only other trees have it.
        shipped: The same in the shipped tree.
        live: The same in the running kernel's tree.
        source: `shipped`, `live`, `policy` or `boot-option`: where the value came from.
        rule: Of the merge that decided, or "".
        reason: Sentence, or "".
    """

    path: str
    property: str = ""
    value: str | None = None
    shipped: str | None = None
    live: str | None = None
    source: str = ""
    rule: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreePage:
    """Some rows of an answer.

    Attributes:
        path: Whole path of the node that was asked for.
        total: Rows of the whole answer.
        summary: What the tree was made from.
        sha256: Hex digest of the blob.
    """

    path: str
    rows: tuple[TreeRow, ...]
    total: int
    summary: str
    sha256: str
