"""Storage in layers: disks that hold a part of something, and what is put together from them.

A logical volume of LVM and a mirror are both said as `Volume`: so many sectors, and where each of
them lies. Sectors have 512 bytes here.
"""

from typing import Final

from bootd.record import dataclass

MAX_VOLUMES: Final = 256
MAX_PIECES: Final = 1024
"""Of a volume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a stretch begins.

    Attributes:
        member: `Member.uuid` of the disk.
        start: Sector on it.
    """

    member: str
    start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of a volume.

    Attributes:
        length: In sectors.
        places: One; or several of the same length that take turns.
        stripe: Sectors of each turn; 0 with one place.
    """

    length: int
    places: tuple[Place, ...]
    stripe: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """What is put together.

    Attributes:
        name: For a person; cleaned.
        uuid: Of the volume.
        pieces: In order, without gaps; empty when bootd cannot put it together.
        reason: Why not, and what can; "" when it can.
    """

    name: str
    uuid: str
    pieces: tuple[Piece, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """What a disk is a part of.

    Attributes:
        uuid: Of this disk within the group.
        group: UUID of the group.
        name: Of the group, for a person; cleaned.
        sequence: Grows with each change of the group: the disk with the highest is right.
        volumes: Of the whole group, as this disk knows it.
        reason: Why this disk takes no part, such as a mirror's half that has failed; else "".
    """

    uuid: str
    group: str
    name: str
    sequence: int
    volumes: tuple[Volume, ...] = ()
    reason: str = ""
