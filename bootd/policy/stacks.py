"""Which volumes can be put together from the disks that are there, and what is to be told of them.

The disks of a group agree on what it consists of, or the one that was written last is right. A
group of which one disk is there twice, as after copying it, is left alone: nobody can tell which of
the two belongs to it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from bootd.model.stack import Member, Place, Volume
from bootd.record import dataclass

PREFIX: Final = "bootd-"
_MAX_NAME: Final = 100
"""Of the 127 that the device mapper takes."""
_FOREIGN: Final = re.compile(r"[^A-Za-z0-9+_.-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A stretch of a volume to be made; see `bootd.model.stack.Piece`.

    Attributes:
        places: Kernel name of a disk and the sector on it.
    """

    length: int
    places: tuple[tuple[str, int], ...]
    stripe: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """A volume to be made.

    Attributes:
        name: For the device mapper; unique.
        uuid: Ditto.
    """

    name: str
    uuid: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do.

    Attributes:
        assemblies: By name.
        notes: By kernel name of a disk, what keeps its volumes from being made.
    """

    assemblies: tuple[Assembly, ...]
    notes: Mapping[str, tuple[str, ...]]


def plan(members: Mapping[str, Member]) -> Plan:
    """Return what can be made.

    Args:
        members: By kernel name, what each disk is a part of.
    """
    groups: dict[str, dict[str, Member]] = {}
    for name, member in sorted(members.items()):
        groups.setdefault(member.group, {})[name] = member
    made: dict[str, Assembly] = {}
    notes: dict[str, tuple[str, ...]] = {}
    for disks in groups.values():
        said: list[str] = []
        for assembly in _assemblies(disks, said):
            if assembly.name in made:
                said.append(f"another volume is called {assembly.name.removeprefix(PREFIX)}, too")
            else:
                made[assembly.name] = assembly
        for name, member in disks.items():
            own = (f"not used: {member.reason}",) if member.reason else ()
            notes[name] = own + tuple(said)
    return Plan(assemblies=tuple(made.values()), notes=notes)


def _assemblies(disks: Mapping[str, Member], said: list[str]) -> Iterator[Assembly]:
    usable = {name: member for name, member in disks.items() if not member.reason}
    places: dict[str, str] = {}
    for name, member in usable.items():
        if member.uuid in places:
            twins = f"{places[member.uuid]} and {name}"
            said.append(f"{twins} claim to be the same disk of {member.name}; take one of them out")
            return
        places[member.uuid] = name
    if not usable:
        return
    latest = max(usable.values(), key=lambda member: member.sequence)
    for volume in latest.volumes:
        if volume.reason:
            said.append(f"{volume.name} is not shown: {volume.reason}")
        elif any(place.member not in places for place in _places(volume)):
            said.append(f"{volume.name} is not shown: a disk of {latest.name} is missing")
        else:
            yield _assembly(latest, volume, places)


def _assembly(member: Member, volume: Volume, disks: Mapping[str, str]) -> Assembly:
    group, own = (_FOREIGN.sub("_", name) for name in (member.name, volume.name))
    name = own if group == own else f"{group}-{own}"
    return Assembly(
        name=f"{PREFIX}{name}"[:_MAX_NAME],
        uuid=f"{PREFIX}{_FOREIGN.sub('_', member.group)}-{_FOREIGN.sub('_', volume.uuid)}"[
            :_MAX_NAME
        ],
        lines=tuple(
            Line(
                length=piece.length,
                places=tuple((disks[place.member], place.start) for place in piece.places),
                stripe=piece.stripe,
            )
            for piece in volume.pieces
        ),
    )


def _places(volume: Volume) -> Iterator[Place]:
    return (place for piece in volume.pieces for place in piece.places)
