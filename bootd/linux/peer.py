"""Who is at the other end of a unix socket, as the kernel saw it at connect(2)."""

import errno
import socket
import struct
from typing import Final, Protocol

from bootd.record import dataclass

SO_PEERGROUPS: Final = 59
"""include/uapi/asm-generic/socket.h; the same on every architecture that bootd supports."""

_UCRED: Final = struct.Struct("=iII")
_GROUPS_BYTES: Final = 1_024
"""Python's limit for getsockopt(2): 256 groups."""


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
    return Peer(pid=pid, uid=uid, groups=frozenset({gid, *_supplementary(connection)}))


def _supplementary(connection: PeerSocket) -> tuple[int, ...]:
    """Return the supplementary groups; none for somebody with more than 256, who has no rights."""
    try:
        packed = connection.getsockopt(socket.SOL_SOCKET, SO_PEERGROUPS, _GROUPS_BYTES)
    except OSError as error:
        if error.errno == errno.ERANGE:
            return ()
        raise
    return struct.unpack(f"={len(packed) // 4}I", packed)
