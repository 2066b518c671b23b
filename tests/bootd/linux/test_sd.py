import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootd.linux import sd


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    name = f"@bootd-test-{os.getpid()}" if request.param == "abstract" else f"{tmp_path}/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(name.replace("@", "\0"))
        receiver.settimeout(2)
        yield receiver, name


def test_fields_reach_the_manager(manager: tuple[socket.socket, str]) -> None:
    receiver, name = manager
    assert sd.notify("READY=1", "STATUS=3 options", environ={"NOTIFY_SOCKET": name})
    assert receiver.recv(100) == b"READY=1\nSTATUS=3 options"


def test_a_reload_says_when_it_began(
    manager: tuple[socket.socket, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver, name = manager
    monkeypatch.setenv("NOTIFY_SOCKET", name)
    assert sd.reloading()
    first, second = receiver.recv(100).decode().split("\n")
    assert first == "RELOADING=1"
    assert second.removeprefix("MONOTONIC_USEC=").isdecimal()


@pytest.mark.parametrize("address", ["", "relative", "/nonexistent/socket", "vsock:2:1"])
def test_nobody_to_tell_is_no_failure(address: str) -> None:
    assert not sd.notify("READY=1", environ={"NOTIFY_SOCKET": address})


def test_sockets_for_this_process_are_taken_once() -> None:
    environ = {
        "LISTEN_PID": str(os.getpid()),
        "LISTEN_FDS": "1",
        "LISTEN_FDNAMES": "varlink",
        "OTHER": "x",
    }
    keep = os.dup(3) if _is_open(3) else None
    with socket.socket(socket.AF_UNIX) as listening:
        os.dup2(listening.fileno(), 3, inheritable=True)
        try:
            assert sd.take_sockets(environ) == {"varlink": 3}
            assert not os.get_inheritable(3)
        finally:
            if keep is None:
                os.close(3)
            else:
                os.dup2(keep, 3, inheritable=False)
                os.close(keep)
    assert environ == {"OTHER": "x"}


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"LISTEN_PID": "1", "LISTEN_FDS": "1"},
        {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "many"},
    ],
)
def test_sockets_of_others_are_left_alone(environ: dict[str, str]) -> None:
    assert sd.take_sockets(environ) == {}


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_only_heeded_when_it_is_ours(
    environ: dict[str, str], seconds: float | None
) -> None:
    assert sd.watchdog_s(environ) == seconds


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True
