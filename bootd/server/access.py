"""Who may do what: everybody here reads; root, the daemon's own user and one group change.

The gateway to other machines has a group of its own, which may do less than everybody and a little
of what changes: whoever breaks into it can select what is listed, and nothing else.
"""

from collections import Counter
from typing import Final

from bootd.linux.peer import Peer
from bootd.protocol.methods import Method
from bootd.record import dataclass, field

MAX_CLIENTS: Final = 32
MAX_CLIENTS_PER_UID: Final = 16
MAX_STRANGERS: Final = 24
"""Of users who may change nothing; a few places are always left for those who may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The rule for one run of the daemon.

    Attributes:
        uids: Users who may change things: root, and who runs the daemon (a development machine).
        gid: Number of the group `bootd`, or None where there is no such group.
        remote_gid: Number of the group `bootd-remote`, or None.
    """

    uids: frozenset[int]
    gid: int | None = None
    remote_gid: int | None = None

    def allows(self, peer: Peer, method: Method) -> bool:
        """Whether `peer` may call `method`."""
        if self.trusts(peer):
            return True
        if self.remote_gid in peer.groups:
            return method.remote
        return not method.changes

    def trusts(self, peer: Peer) -> bool:
        """Whether `peer` may do everything."""
        return peer.uid in self.uids or self.gid in peer.groups


@dataclass(slots=True)
class Doorman:
    """Counts connections, in all, of each user, and of strangers."""

    _inside: Counter[int] = field(default_factory=Counter)
    _strangers: int = 0

    def enter(self, uid: int, *, stranger: bool = False) -> bool:
        """Count one more connection of a user, unless there are too many; say whether it was."""
        if self._inside.total() >= MAX_CLIENTS or self._inside[uid] >= MAX_CLIENTS_PER_UID:
            return False
        if stranger and self._strangers >= MAX_STRANGERS:
            return False
        self._inside[uid] += 1
        self._strangers += stranger
        return True

    def leave(self, uid: int, *, stranger: bool = False) -> None:
        """Take back one `enter` that succeeded."""
        self._strangers -= stranger
        self._inside[uid] -= 1
        if not self._inside[uid]:
            del self._inside[uid]
