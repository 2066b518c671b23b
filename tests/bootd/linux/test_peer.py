import os
import socket

import pytest

from bootd.linux.peer import peer_of


def test_a_socket_pair_is_between_this_process_and_itself() -> None:
    one, other = socket.socketpair()
    with one, other:
        peer = peer_of(one)
    assert (peer.pid, peer.uid) == (os.getpid(), os.geteuid())
    assert peer.groups == frozenset({os.getegid(), *os.getgroups()})


def test_a_network_socket_has_no_peer_that_the_kernel_vouches_for() -> None:
    with socket.socket(socket.AF_INET) as other:
        peer = None
        try:
            peer = peer_of(other)
        except OSError:
            return
    pytest.fail(f"got {peer}")
