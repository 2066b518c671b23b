"""What passes the gateway, and how it is rewritten; and clients that know no manners."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.errors import ProtocolError
from bootd.gateway import relay
from bootd.gateway.relay import ALLOWED, Refused, Relay, admitted
from bootd.protocol.codec import Json
from bootd.protocol.messages import ErrorName
from bootd.protocol.methods import METHODS
from bootd.protocol.varlink import Call, decode_call
from bootd.ways import UnixSocket
from tests.support.services import Bench, device, make_bench, options, serving

FIRST = "extlinux:uuid-vda1:entry0000"
BY = "alice at 192.0.2.1"


def call(name: str, **parameters: Json) -> Call:
    return Call(method=f"org.bootd.Boot.{name}", parameters=parameters)


def test_the_name_is_the_certificate_s_whatever_the_client_says() -> None:
    passed = admitted(call("Select", id=FIRST, by="root on console"), BY)
    assert passed.parameters == {"id": FIRST, "by": BY}
    assert admitted(call("Cancel"), BY).parameters == {"by": BY}


def test_what_the_method_does_not_know_is_left_behind() -> None:
    passed = admitted(call("Select", id=FIRST, overrides={"options": "init=/bin/sh"}), BY)
    assert set(passed.parameters) == {"id", "by"}


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_a_method_passes_only_where_the_table_says_so(method: object) -> None:
    name = getattr(method, "name", "")
    asked = call(name, id=FIRST)
    if asked.method in ALLOWED:
        assert admitted(asked, BY).method == asked.method
        return
    with pytest.raises(Refused) as refused:
        admitted(asked, BY)
    assert refused.value.reply.error == ErrorName.PERMISSION_DENIED


def test_all_that_passes() -> None:
    names = {name.rpartition(".")[2] for name in ALLOWED}
    assert names == {"Describe", "ListOptions", "Subscribe", "Select", "Cancel"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(
    method=st.sampled_from([*ALLOWED, "org.bootd.Boot.Boot", "org.varlink.service.GetInfo", "x"]),
    parameters=st.dictionaries(
        st.sampled_from(["id", "by", "interface", "more", "x"]), json_values
    ),
    flags=st.tuples(st.booleans(), st.booleans()),
)
def test_whatever_is_asked_passes_in_one_of_a_few_forms(
    method: str, parameters: dict[str, Json], flags: tuple[bool, bool]
) -> None:
    asked = Call(method=method, parameters=parameters, more=flags[0], oneway=flags[1])
    try:
        passed = admitted(asked, BY)
    except Refused:
        return
    assert passed.method == method
    assert set(passed.parameters) <= {"id", "by", "interface"}
    assert passed.parameters.get("by", BY) == BY


# Over real sockets, without TLS


@pytest.fixture
async def bench() -> Bench:
    bench = make_bench()
    bench.store.device_scanned(device(), options(3))
    return bench


@pytest.fixture
async def path(bench: Bench) -> AsyncIterator[str]:
    async with serving(bench) as path:
        yield path


@asynccontextmanager
async def connected(
    daemon: str, directory: str
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Serve one client by a relay; gives the client's streams."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await Relay((reader, writer), UnixSocket(daemon), BY).run()
        finally:
            writer.transport.abort()

    gateway = f"{directory}/gateway"
    async with await asyncio.start_unix_server(serve, gateway, limit=relay.MAX_CALL_BYTES):
        reader, writer = await asyncio.open_unix_connection(gateway)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


async def ended(reader: asyncio.StreamReader) -> bool:
    """Whether the relay ends the connection without a word."""
    try:
        async with asyncio.timeout(10):
            return await reader.read() == b""
    except ConnectionError:
        return True


async def reply(reader: asyncio.StreamReader) -> dict[str, object]:
    async with asyncio.timeout(10):
        answer = json.loads((await reader.readuntil(b"\0")).removesuffix(b"\0"))
    assert isinstance(answer, dict)
    return answer


async def test_pipelined_requests_are_answered_in_their_order(
    path: str, bench: Bench, tmp_path: object
) -> None:
    async with connected(path, str(tmp_path)) as (reader, writer):
        for name, parameters in (
            ("Select", {"id": FIRST}),
            ("Boot", {"id": FIRST}),
            ("Cancel", {}),
        ):
            asked = {"method": f"org.bootd.Boot.{name}", "parameters": parameters}
            writer.write(json.dumps(asked).encode() + b"\0")
        answers = [await reply(reader) for _ in range(3)]
    assert [answer.get("error", "") for answer in answers] == ["", ErrorName.PERMISSION_DENIED, ""]
    assert bench.booter.booted == []
    assert bench.store.state.status.countdown_stopped_by == BY


async def test_half_a_request_is_dropped_after_its_time(
    path: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "HALF_S", 0.2)
    async with connected(path, str(tmp_path)) as (reader, writer):
        writer.write(b'{"method":')
        assert await ended(reader)


async def test_a_client_that_never_reads_is_dropped(
    path: str, bench: Bench, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "UNREAD_S", 0.3)
    for index in range(4):
        bench.store.device_scanned(device(f"vd{index}"), options(1000))
    async with connected(path, str(tmp_path)) as (reader, writer):
        reader._transport.pause_reading()  # type: ignore[attr-defined] # nothing else stops reading
        writer.write(b'{"method":"org.bootd.Boot.Subscribe","more":true}\0')
        await asyncio.sleep(1.5)
        reader._transport.resume_reading()  # type: ignore[attr-defined] # as above
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(64 << 20)


async def test_a_stream_ends_with_its_client(path: str, bench: Bench, tmp_path: object) -> None:
    async with connected(path, str(tmp_path)) as (reader, writer):
        writer.write(b'{"method":"org.bootd.Boot.Subscribe","more":true}\0')
        assert (await reply(reader))["continues"] is True
        writer.write_eof()
        bench.store.say("something else")
        assert b"snapshot" not in await reader.read()


async def test_a_daemon_that_is_not_there_is_said_and_may_come_back(tmp_path: object) -> None:
    async with connected(f"{tmp_path}/none", str(tmp_path)) as (reader, writer):
        for _ in range(2):
            writer.write(b'{"method":"org.bootd.Boot.Describe"}\0')
            answer = await reply(reader)
            assert answer["error"] == ErrorName.BUSY
            assert "bootd is not running" in str(answer["parameters"])


def test_deep_and_wrong_messages_are_refused_by_the_reader_they_share_with_the_daemon() -> None:
    for frame in (b"[" * 5000 + b"\0", b'{"method":7}\0', b"{}\0"):
        with pytest.raises(ProtocolError):
            decode_call(frame)
