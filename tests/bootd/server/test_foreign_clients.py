"""Varlink clients that others wrote, against a real daemon."""

import asyncio
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import varlink
from asyncvarlink import (
    VarlinkClientProtocol,
    VarlinkMethodCall,
    VarlinkMethodReply,
    connect_unix_varlink,
)

from tests.support.daemon import EXTLINUX, Daemon, running_daemon, write_tree

DEBIAN = "extlinux:vda1:debian"
PYTHON = shlex.quote(sys.executable)

VARLINKCTL = os.environ.get("VARLINKCTL") or shutil.which("varlinkctl")
"""systemd's, of version 255 or newer; the variable may be a whole command."""

PROGRAMS = {
    "varlink of the Python package": f"{PYTHON} -m varlink.cli call unix:{{socket}}/{{method}}",
    "the same through bootdctl's bridge": f"{PYTHON} -m varlink.cli --bridge "
    f"'{PYTHON} -m bootd.ctl.main --socket {{socket}} bridge' call {{method}}",
    **({"varlinkctl": f"{VARLINKCTL} call unix:{{socket}} {{method}}"} if VARLINKCTL else {}),
}
"""Command lines that call a method; parameters follow."""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    write_tree(tmp_path / "vda1", EXTLINUX)
    with running_daemon(tmp_path) as daemon:
        yield daemon


@pytest.fixture
def foreign(daemon: Daemon) -> Iterator[Any]:
    """A proxy of the `varlink` package, which reads the interface from the daemon."""
    address = f"unix:{daemon.socket}"
    with varlink.Client(address) as client, client.open("org.bootd.Boot") as proxy:
        yield proxy


def test_varlink_finds_out_what_the_service_is(daemon: Daemon) -> None:
    with varlink.Client(f"unix:{daemon.socket}") as client:
        names = client.get_interfaces()
        assert client.info["product"] == "bootd"
    assert "org.bootd.Boot" in names


def test_varlink_calls_a_method(foreign: Any) -> None:  # noqa: ANN401 - the package has no types
    assert foreign.Describe()["status"]["board"] == "Radxa ROCK 5B"
    assert foreign.Select(DEBIAN, "a test") == {}
    assert foreign.Describe()["status"]["selectedId"] == DEBIAN


def test_varlink_follows_a_stream(foreign: Any) -> None:  # noqa: ANN401 - ditto
    first = next(iter(foreign.Subscribe(_more=True)))
    assert first["event"]["sequence"] == 0
    assert first["event"]["snapshot"]["status"]["dryRun"] is True


def test_varlink_gets_a_named_error_with_its_sentence(foreign: Any) -> None:  # noqa: ANN401 - ditto
    with pytest.raises(varlink.VarlinkError) as caught:
        foreign.Boot("bls:x:y", None, None)
    assert caught.value.error() == "org.bootd.Boot.NoSuchOption"
    assert caught.value.parameters()["message"] == "There is no such boot option (any more)."


async def test_asyncvarlink_calls_a_method_and_follows_a_stream(daemon: Daemon) -> None:
    transport, protocol = await connect_unix_varlink(VarlinkClientProtocol, daemon.socket)
    try:
        answer = await protocol.call(VarlinkMethodCall("org.bootd.Boot.Describe", {}))
        assert answer is not None
        reply, _ = answer
        assert "Radxa ROCK 5B" in repr(reply.parameters)
        subscribe = VarlinkMethodCall("org.bootd.Boot.Subscribe", {}, more=True)
        stream = cast(
            AsyncGenerator[tuple[VarlinkMethodReply, object], None], protocol.call_more(subscribe)
        )
        first, _ = await anext(stream)
        await stream.aclose()
        assert first.continues
        assert "'sequence': 0" in repr(first.parameters)
    finally:
        transport.close()
        await asyncio.sleep(0)


async def test_asyncvarlink_gets_a_named_error(daemon: Daemon) -> None:
    transport, protocol = await connect_unix_varlink(VarlinkClientProtocol, daemon.socket)
    try:
        answer = await protocol.call(VarlinkMethodCall("org.bootd.Boot.Subscribe", {}))
        assert answer is not None
        reply, _ = answer
        assert reply.error == "org.varlink.service.ExpectedMore"
    finally:
        transport.close()
        await asyncio.sleep(0)


def call(program: str, daemon: Daemon, method: str, parameters: dict[str, object]) -> str:
    """Call a method by a program of somebody else's and return all that it prints."""
    command = PROGRAMS[program].format(socket=daemon.socket, method=f"org.bootd.Boot.{method}")
    done = subprocess.run(
        [*shlex.split(command), json.dumps(parameters)],
        capture_output=True, text=True, timeout=40, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_of_others_list_select_and_are_told_what_is_wrong(
    daemon: Daemon, program: str
) -> None:
    listed = json.loads(call(program, daemon, "ListOptions", {}))
    assert [each["id"] for each in listed["options"]] == [DEBIAN, "extlinux:vda1:broken"]
    assert call(program, daemon, "Select", {"id": DEBIAN}).strip() in {"", "{}"}
    status = json.loads(call(program, daemon, "Describe", {}))["status"]
    assert status["selectedId"] == DEBIAN
    told = call(program, daemon, "Boot", {"id": "bls:x:y"})
    assert "NoSuchOption" in told
