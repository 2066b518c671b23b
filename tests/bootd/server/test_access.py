"""Every method against every kind of user, from a child process with that user's ids."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator

import pytest

from bootd.linux.peer import Peer
from bootd.model.device import LUKS
from bootd.protocol.messages import ErrorName, Overrides
from bootd.protocol.methods import METHODS, Method, Replies
from bootd.record import replace
from bootd.server.access import MAX_CLIENTS, MAX_CLIENTS_PER_UID, MAX_STRANGERS, Access, Doorman
from tests.support.services import device, make_bench, options, serving

GROUP = 54_321
"""Plays the group `bootd`."""
REMOTE = 54_322
"""Plays the group `bootd-remote`."""
NOBODY = 65_534

OPTION = "extlinux:uuid-vda1:entry0000"
PARAMETERS = {
    **{
        name: {"id": OPTION}
        for name in ("Select", "Boot", "LoadCrashKernel", "Explain", "BrowseTree")
    },
    "InspectDevice": {"device": "vda1"},
    "OpenShell": {"console": "ttyAMA0"},
    "Unlock": {"device": "vdz1", "passphrase": "let me in"},
    "Leave": {"action": "reboot"},
    "SetDefault": {"id": ""},
    "SetOneShot": {"id": OPTION},
    "SaveOverrides": {"id": OPTION, "name": "quiet", "overrides": {"options": "quiet"}},
    "ForgetOverrides": {"id": f"{OPTION}+kept"},
}

ROLES = {
    "root": (0, 0, []),
    "member by main group": (NOBODY, GROUP, []),
    "member by further group": (NOBODY, NOBODY, [GROUP]),
    "nobody": (NOBODY, NOBODY, []),
    "gateway": (NOBODY, NOBODY, [REMOTE]),
    "gateway by main group": (NOBODY, REMOTE, []),
    "member who is in the gateway's group": (NOBODY, GROUP, [REMOTE]),
}
MAY_LITTLE = {"gateway", "gateway by main group"}
FROM_AFAR = {"Describe", "ListOptions", "Subscribe", "Select", "Cancel"}
"""All that other machines may do; written here once more, so that a new method is no accident."""
MAY_CHANGE = {
    "root",
    "member by main group",
    "member by further group",
    "member who is in the gateway's group",
}


@pytest.fixture
async def path() -> AsyncIterator[str]:
    bench = make_bench()
    bench.store.device_scanned(device(), options(1))
    bench.store.device_found(replace(device("vdz1"), fstype=LUKS))
    bench.choices.save_overrides(OPTION, "kept", Overrides(), "a test")
    async with serving(bench, gid=GROUP, remote_gid=REMOTE) as path:
        yield path


def call_as(uid: int, gid: int, groups: list[int], path: str, frame: bytes) -> bytes:
    """Fork, become somebody, call, and return the reply: the kernel sees that user connect."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups(groups)
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(10)
                client.connect(path)
                client.sendall(frame)
                received = b""
                while not received.endswith(b"\0"):
                    received += client.recv(65536)
            os.write(writing, received)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        received = answer.read()
    os.waitpid(pid, 0)
    return received


@pytest.mark.root
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
async def test_reading_is_for_everybody_and_changing_for_root_and_members(
    path: str, role: str, method: Method
) -> None:
    call = {
        "method": method.full_name,
        "parameters": PARAMETERS.get(method.name, {}),
        "more": method.replies is Replies.STREAM,
    }
    frame = json.dumps(call).encode() + b"\0"
    answer = await asyncio.to_thread(call_as, *ROLES[role], path, frame)
    reply = json.loads(answer.split(b"\0")[0])
    allowed = role in MAY_CHANGE or not method.changes
    if role in MAY_LITTLE:
        allowed = method.name in FROM_AFAR
    if not allowed:
        assert reply["error"] == ErrorName.PERMISSION_DENIED
    else:
        assert "error" not in reply


@pytest.mark.root
@pytest.mark.parametrize("wanted", ["manual:vda1", "extlinux:uuid-vda1:none", "/dev/vda1", ""])
async def test_only_what_is_listed_can_be_selected(path: str, wanted: str) -> None:
    call = {"method": "org.bootd.Boot.Select", "parameters": {"id": wanted}}
    frame = json.dumps(call).encode() + b"\0"
    answer = await asyncio.to_thread(call_as, *ROLES["gateway"], path, frame)
    assert json.loads(answer.removesuffix(b"\0"))["error"] == ErrorName.NO_SUCH_OPTION


def test_nobody_is_a_member_where_there_is_no_such_group() -> None:
    access = Access(uids=frozenset({0}), gid=None)
    changing = next(method for method in METHODS if method.changes)
    peer = Peer(pid=1, uid=NOBODY, groups=frozenset({NOBODY}))
    assert not access.allows(peer, changing)


def test_the_doorman_counts_users_and_all() -> None:
    doorman = Doorman()
    assert all(doorman.enter(1) for _ in range(MAX_CLIENTS_PER_UID))
    assert not doorman.enter(1)
    assert all(doorman.enter(2) for _ in range(MAX_CLIENTS - MAX_CLIENTS_PER_UID))
    assert not doorman.enter(3)
    doorman.leave(1)
    assert doorman.enter(3)


def test_the_limits_are_those_of_the_design() -> None:
    assert (MAX_CLIENTS, MAX_CLIENTS_PER_UID) == (32, 16)


def test_strangers_leave_room_for_those_who_may_change_things() -> None:
    doorman = Doorman()
    users = [1, 2]
    inside = [uid for uid in users for _ in range(16) if doorman.enter(uid, stranger=True)]
    assert len(inside) == MAX_STRANGERS
    assert all(doorman.enter(0) for _ in range(MAX_CLIENTS - MAX_STRANGERS))
    assert not doorman.enter(0)
    doorman.leave(1, stranger=True)
    assert doorman.enter(2, stranger=True)
