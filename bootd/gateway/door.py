"""How many may knock and be inside, in all and from one address. Pure.

Who has proved nothing yet must not keep out who can: of those who knock the one that has taken the
longest gives way to the next.
"""

from collections import Counter
from ipaddress import IPv6Address, ip_address
from typing import Final, Generic, TypeVar

from bootd.record import dataclass, field

MAX_KNOCKING: Final = 16
MAX_INSIDE: Final = 12
"""Below what bootd allows one user (`bootd.server.access`)."""
MAX_OF_ADDRESS: Final = 4
"""Knocking and inside together."""

G = TypeVar("G")


def shown(address: str) -> str:
    """Return an address as people write it: an IPv4 one on a socket for both is IPv4."""
    found = ip_address(address.partition("%")[0])
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped or found)


def origin(address: str) -> str:
    """Return what an address is counted by: itself, or the network that an IPv6 host is given."""
    found = ip_address(shown(address))
    if not isinstance(found, IPv6Address):
        return str(found)
    return f"{IPv6Address(int(found) >> 64 << 64)}/64"


@dataclass(slots=True)
class Door(Generic[G]):
    """Counts guests, which are any value that can be a key."""

    _knocking: dict[G, str] = field(default_factory=dict)
    _inside: dict[G, str] = field(default_factory=dict)
    _origins: Counter[str] = field(default_factory=Counter)

    def full_for(self, place: str) -> bool:
        """Whether so many of an origin are here that the next one is turned away."""
        return self._origins[place] >= MAX_OF_ADDRESS

    def knock(self, guest: G, place: str) -> G | None:
        """Count a guest who knocks; returns the one who must give way, if any."""
        late = next(iter(self._knocking)) if len(self._knocking) >= MAX_KNOCKING else None
        self._knocking[guest] = place
        self._origins[place] += 1
        return late

    def enter(self, guest: G) -> bool:
        """Let a guest who knocked in, unless too many are inside; says whether."""
        if len(self._inside) >= MAX_INSIDE or guest not in self._knocking:
            return False
        self._inside[guest] = self._knocking.pop(guest)
        return True

    def leave(self, guest: G) -> None:
        """Forget a guest, wherever he is."""
        place = self._knocking.pop(guest, None) or self._inside.pop(guest, None)
        if place is None:
            return
        self._origins[place] -= 1
        if not self._origins[place]:
            del self._origins[place]
