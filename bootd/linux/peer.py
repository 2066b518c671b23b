"""Who is at the other end of a unix socket, as the kernel saw it at connect(2)."""

import socket
import struct
from dataclasses import dataclass
from typing import Final, Protocol

SO_PEERGROUPS: Final = 59
"""include/uapi/asm-generic/socket.h; the same on every architecture that bootd supports."""

_UCRED: Final = struct.Struct("=iII")
_MAX_GROUPS_BYTES: Final = 4 * 65_536
"""NGROUPS_MAX (include/uapi/linux/limits.h) group ids."""


class PeerSocket(Protocol):
    """The part of a socket that is needed; asyncio's TransportSocket has it too."""

    def getsockopt(self, level: int, optname: int, buflen: int, /) -> bytes:
        """Read a socket option."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A process at the time it connected.

    Attributes:
        pid: 0 when it lives in a PID namespace that is not ours.
        groups: Effective group and supplementary groups.
    """

    pid: int
    uid: int
    groups: frozenset[int]


def peer_of(connection: PeerSocket) -> Peer:
    """Return the process that connected; see SO_PEERCRED in unix(7).

    Raises:
        OSError: It is not a connected unix socket.
    """
    ucred = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    pid, uid, gid = _UCRED.unpack(ucred)
    packed = connection.getsockopt(socket.SOL_SOCKET, SO_PEERGROUPS, _MAX_GROUPS_BYTES)
    groups = struct.unpack(f"={len(packed) // 4}I", packed)
    return Peer(pid=pid, uid=uid, groups=frozenset({gid, *groups}))
