"""The server over real sockets: what good, hostile and slow clients get."""

import asyncio
import json
import os
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bootd.client import Client
from bootd.errors import CallError, UnreachableError
from bootd.protocol.machine import LookView
from bootd.protocol.messages import (
    DeviceRemoved,
    ErrorName,
    Event,
    OptionChanged,
    Overrides,
    Resync,
    Snapshot,
    TreeRowView,
)
from bootd.protocol.methods import Browsing
from bootd.server import connection, handlers
from tests.support.services import Bench, device, make_bench, options, serving

FIRST = "extlinux:uuid-vda1:entry0000"


@pytest.fixture
async def bench() -> Bench:
    bench = make_bench()
    bench.store.device_scanned(device(), options(3))
    return bench


@pytest.fixture
async def path(bench: Bench) -> AsyncIterator[str]:
    async with serving(bench) as path:
        yield path


async def raw(path: str, data: bytes, *, timeout_s: float = 3.0) -> bytes:
    """Send bytes and return everything until the server closes or nothing comes any more."""
    reader, writer = await asyncio.open_unix_connection(path)
    received = b""
    try:
        writer.write(data)
        async with asyncio.timeout(timeout_s):
            while part := await reader.read(65536):
                received += part
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.transport.abort()
    return received


def message(method: str, **members: Any) -> bytes:  # noqa: ANN401 - JSON of any kind, wrong ones too
    return json.dumps({"method": method, **members}).encode() + b"\0"


async def ask(path: str, *messages: bytes) -> list[dict[str, Any]]:
    """Return the replies to messages sent in one go, read until a pause of 0.3 s."""
    frames = (await raw(path, b"".join(messages), timeout_s=0.3)).split(b"\0")
    return [json.loads(frame) for frame in frames if frame]


# What good clients get


async def test_the_status_options_and_explanation_are_told(path: str) -> None:
    async with await Client.connect(path) as client:
        assert (await client.describe()).architecture == "aarch64"
        assert (await client.list_options())[0].id == FIRST
        explanation = await client.explain(FIRST, Overrides(devicetree_mode="shipped"))
        assert explanation.tree is not None
        assert explanation.tree.origin == "shipped"


async def test_a_boot_answers_before_the_machine_leaves(path: str, bench: Bench) -> None:
    async with await Client.connect(path) as client:
        reply = await client.boot(FIRST, by="a test")
        assert (reply.loader, reply.tree, bench.booter.executed) == ("fake", "running", [])
    assert bench.booter.booted == [FIRST]


async def test_what_a_person_changed_reaches_the_loader(path: str, bench: Bench) -> None:
    async with await Client.connect(path) as client:
        await client.boot(FIRST, Overrides(options="single"))
    assert bench.booter.overrides == [Overrides(options="single")]


async def test_select_cancel_and_rescan_do_what_they_say(path: str, bench: Bench) -> None:
    async with await Client.connect(path) as client:
        await client.select(FIRST, by="a test")
        await client.rescan()
        await client.cancel(by="console\x1b[2Jx")
        status = await client.describe()
    assert status.selected_id == FIRST
    assert bench.rescans == ["rescan"]
    assert status.countdown_stopped_by == r"console\x1b[2Jx"


async def test_who_does_not_say_a_name_is_called_by_the_user_id(path: str, bench: Bench) -> None:
    async with await Client.connect(path) as client:
        await client.cancel()
    assert bench.store.state.status.countdown_stopped_by == f"user {os.geteuid()}"


async def test_a_subscriber_sees_each_change_in_order(path: str, bench: Bench) -> None:
    async with await Client.connect(path) as client:
        events = aiter(client.events())
        assert isinstance(await anext(events), Snapshot)
        bench.store.device_scanned(device("vdb1"), options(1))
        seen = [await anext(events) for _ in range(3)]
        assert [type(event).__name__ for event in seen] == [
            "DeviceChanged", "OptionChanged", "StatusChanged",
        ]  # fmt: skip
        bench.store.device_removed("vdb1")
        seen = [await anext(events) for _ in range(3)]
        assert DeviceRemoved(name="vdb1") in seen


async def test_four_thousand_options_arrive_whole_by_list_and_by_subscription(
    path: str, bench: Bench
) -> None:
    for index in range(4):
        bench.store.device_scanned(device(f"vd{index}"), options(1000))
    async with await Client.connect(path) as client:
        listed = await client.list_options()
        events = aiter(client.events())
        snapshot = await anext(events)
        assert isinstance(snapshot, Snapshot)
        shown = list(snapshot.options)
        while len(shown) < len(listed):
            event = await anext(events)
            assert isinstance(event, OptionChanged)
            shown.insert(event.position, event.option)
    assert tuple(shown) == listed
    assert len(listed) == 4003


async def test_a_boot_goes_on_when_who_asked_for_it_leaves(path: str, bench: Bench) -> None:
    bench.booter.hold = asyncio.Event()
    _, writer = await asyncio.open_unix_connection(path)
    writer.write(message("org.bootd.Boot.Boot", parameters={"id": FIRST}))
    await asyncio.sleep(0.1)
    writer.transport.abort()
    await asyncio.sleep(0.1)
    bench.booter.hold.set()
    await asyncio.sleep(0.1)
    assert bench.booter.booted == [FIRST]


async def test_a_cancel_does_not_wait_behind_the_boot_it_cancels(path: str, bench: Bench) -> None:
    bench.booter.hold = asyncio.Event()
    async with await Client.connect(path) as client, asyncio.TaskGroup() as tasks:
        boot = tasks.create_task(failing(client))
        await asyncio.sleep(0.1)
        await client.cancel(by="a test")
        assert (await boot).name == ErrorName.BOOT_FAILED


async def failing(client: Client) -> CallError:
    with pytest.raises(CallError) as caught:
        await client.boot(FIRST)
    return caught.value


# Errors


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (message("org.bootd.Boot.Subscribe"), ErrorName.EXPECTED_MORE),
        (message("org.bootd.Boot.Frob"), ErrorName.METHOD_NOT_FOUND),
        (message("org.varlink.service.Frob"), ErrorName.METHOD_NOT_FOUND),
        (message("io.systemd.BootControl.Frob"), ErrorName.INTERFACE_NOT_FOUND),
        (message("Frob"), ErrorName.INTERFACE_NOT_FOUND),
        (message("org.bootd.Boot.Select"), ErrorName.INVALID_PARAMETER),
        (message("org.bootd.Boot.Select", parameters={"id": 7}), ErrorName.INVALID_PARAMETER),
        (message("org.bootd.Boot.Select", parameters={"id": "x"}), ErrorName.NO_SUCH_OPTION),
        (message("org.bootd.Boot.Boot", parameters={"id": "x"}), ErrorName.NO_SUCH_OPTION),
    ],
)
async def test_a_wrong_call_gets_a_named_error_and_the_next_one_an_answer(
    path: str, sent: bytes, error: str
) -> None:
    first, second = await ask(path, sent, message("org.bootd.Boot.Describe"))
    assert first["error"] == error
    assert "status" in second["parameters"]


async def test_a_oneway_call_gets_no_reply_not_even_an_error(path: str) -> None:
    calls = [
        message("org.bootd.Boot.Rescan", oneway=True),
        message("org.bootd.Boot.Frob", oneway=True),
        message("org.bootd.Boot.Describe"),
    ]
    (reply,) = await ask(path, *calls)
    assert "status" in reply["parameters"]


async def test_pipelined_calls_are_answered_in_order(path: str) -> None:
    calls = [message("org.bootd.Boot.Describe"), message("org.bootd.Boot.ListOptions")] * 10
    replies = await ask(path, *calls)
    assert [next(iter(reply["parameters"])) for reply in replies] == ["status", "options"] * 10


async def test_a_long_menu_needs_more(path: str, bench: Bench) -> None:
    bench.store.device_scanned(device(), options(200))
    (reply,) = await ask(path, message("org.bootd.Boot.ListOptions"))
    assert reply["error"] == ErrorName.EXPECTED_MORE
    parts = await ask(path, message("org.bootd.Boot.ListOptions", more=True))
    assert [part.get("continues", False) for part in parts] == [True, False]


# Hostile and slow clients


@pytest.mark.parametrize(
    "garbage",
    [
        b"\0",
        b"GET / HTTP/1.1\r\n\r\n\0",
        b"{}\0",
        b'{"method":"\xff"}\0',
        b"[" * 100_000 + b"\0",
        b"x" * (2 << 20),
    ],
)
async def test_garbage_ends_the_connection_at_once_and_nothing_else(
    path: str, garbage: bytes
) -> None:
    began = asyncio.get_running_loop().time()
    assert await raw(path, garbage) == b""
    assert asyncio.get_running_loop().time() - began < 1
    async with await Client.connect(path) as client:
        await client.describe()


async def test_half_a_message_is_dropped_after_its_time(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HALF_MESSAGE_S", 0.2)
    began = asyncio.get_running_loop().time()
    assert await raw(path, b'{"method":') == b""
    assert 0.2 <= asyncio.get_running_loop().time() - began < 1


async def test_a_byte_now_and_then_does_not_keep_half_a_message_alive(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HALF_MESSAGE_S", 0.3)
    reader, writer = await asyncio.open_unix_connection(path)
    ended = asyncio.get_running_loop().time() + 2
    with pytest.raises(ConnectionError):  # noqa: PT012 - which write fails is the kernel's affair
        while asyncio.get_running_loop().time() < ended:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)
    assert reader.at_eof() or reader.exception() is not None
    writer.transport.abort()


async def test_the_limits_are_those_of_the_design() -> None:
    assert connection.HALF_MESSAGE_S == 5
    assert connection.UNREAD_S == 10
    assert connection.UNREAD_BYTES == 256 * 1024


async def test_a_client_that_never_reads_is_dropped_and_delays_nobody(
    path: str, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "UNREAD_S", 0.5)
    reader, writer = await asyncio.open_unix_connection(path, limit=1024)
    writer.write(message("org.bootd.Boot.Subscribe", more=True))
    latencies = []
    async with await Client.connect(path) as client:
        for index in range(60):
            bench.store.device_scanned(device(f"vd{index % 20}"), options(60 + index))
            began = asyncio.get_running_loop().time()
            await client.describe()
            latencies.append(asyncio.get_running_loop().time() - began)
            await asyncio.sleep(0.03)
    # Who waits for the dropped client waits for UNREAD_S; below that is this machine's own noise.
    assert sorted(latencies)[-2] < 0.25
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(64 << 20)
    writer.transport.abort()


async def test_a_client_that_falls_far_behind_gets_one_resync_and_may_start_again(
    path: str, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "MAX_BEHIND", 5)
    async with await Client.connect(path) as client:
        events = aiter(client.events())
        seen: list[Event] = [await anext(events)]
        bench.store.device_scanned(device("vdz"), options(4000))
        await asyncio.sleep(0.3)
        for index in range(20):
            bench.store.say(f"message {index}")
            assert bench.store.state.status.message == f"message {index}"
        async with asyncio.timeout(20):
            while sum(isinstance(event, Snapshot) for event in seen) < 2:
                seen.append(await anext(events))
    resyncs = [event for event in seen if isinstance(event, Resync)]
    assert len(resyncs) == 1
    assert resyncs[0].lost > 5


async def test_sixteen_connections_of_a_user_are_served_and_the_next_is_told_why_not(
    path: str,
) -> None:
    inside = [await asyncio.open_unix_connection(path) for _ in range(16)]
    for reader, writer in inside:
        writer.write(message("org.bootd.Boot.Describe"))
        assert await reader.readuntil(b"\0")
    reader, writer = await asyncio.open_unix_connection(path)
    told = json.loads((await reader.readuntil(b"\0")).removesuffix(b"\0"))
    assert told["error"] == ErrorName.BUSY
    assert told["parameters"]["message"] == "bootd has too many clients already; end one of them."
    for _, each in [*inside, (reader, writer)]:
        each.transport.abort()
    await asyncio.sleep(0.1)
    async with await Client.connect(path) as client:
        await client.describe()


async def test_a_thousand_connections_leave_no_descriptor_behind(path: str) -> None:
    before = open_descriptors()
    async with await Client.connect(path) as client:
        for _ in range(40):
            burst = [await asyncio.open_unix_connection(path) for _ in range(25)]
            began = asyncio.get_running_loop().time()
            await client.describe()
            assert asyncio.get_running_loop().time() - began < 0.5
            for _, writer in burst:
                writer.transport.abort()
    await descriptors_are_back_at(before, within_s=5)


async def test_a_subscriber_that_vanishes_is_cleaned_up_at_once(path: str) -> None:
    before = open_descriptors()
    for _ in range(20):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(message("org.bootd.Boot.Subscribe", more=True))
        assert await reader.readuntil(b"\0")
        writer.transport.abort()
    await descriptors_are_back_at(before, within_s=2)


async def test_random_mutations_of_calls_never_stop_the_server(path: str) -> None:
    rng = random.Random(7)  # noqa: S311 - a repeatable test needs no secret
    calls = [
        message("org.bootd.Boot.Describe"),
        message("org.bootd.Boot.Select", parameters={"id": FIRST, "by": "x"}),
        message("org.bootd.Boot.Explain", parameters={"id": FIRST, "overrides": {"options": "x"}}),
    ]
    for _ in range(150):
        data = bytearray(b"".join(rng.choices(calls, k=3)))
        for _ in range(rng.randrange(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(bytes(data))
        writer.write_eof()
        try:
            async with asyncio.timeout(2):
                await reader.read()
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()
    async with await Client.connect(path) as client:
        await client.describe()


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def descriptors_are_back_at(count: int, *, within_s: float) -> None:
    for _ in range(int(within_s / 0.02)):
        if open_descriptors() <= count:
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"{open_descriptors() - count} descriptors are left")


# No daemon


async def test_nobody_listening_is_said_with_what_to_do(tmp_path: os.PathLike[str]) -> None:
    with pytest.raises(UnreachableError, match="systemctl start bootd"):
        await Client.connect(f"{tmp_path}/none")


async def test_a_daemon_that_ends_is_reported_to_its_subscriber() -> None:
    bench = make_bench()
    async with serving(bench) as path:
        client = await Client.connect(path)
        events = aiter(client.events())
        await anext(events)
    with pytest.raises(UnreachableError):
        await anext(events)
    await client.close()


async def test_the_tree_of_an_option_can_be_looked_into(path: str) -> None:
    async with await Client.connect(path) as client:
        shipped = Overrides(devicetree_mode="shipped")
        page = await client.browse_tree(Browsing(id=FIRST, overrides=shipped, path="/cpus"))
    assert page.rows == (TreeRowView(path="/cpus", value="shipped"),)


async def test_a_comparison_with_an_unknown_tree_is_refused_in_words(path: str) -> None:
    async with await Client.connect(path) as client:
        with pytest.raises(CallError, match="no tree 'mine' to compare with"):
            await client.browse_tree(Browsing(id=FIRST, against="mine"))


async def test_a_shell_is_started_on_a_console_and_every_console_is_told(
    path: str, bench: Bench
) -> None:
    async with await Client.connect(path) as client:
        await client.open_shell("ttyAMA0", by="console ttyAMA0")
        status = await client.describe()
    assert bench.left == ["bootshell@ttyAMA0.service"]
    assert status.message == "console ttyAMA0 opens a shell on ttyAMA0"


@pytest.mark.parametrize("console", ["pts/3", "../sda", "", "tty1.service x", "a" * 40])
async def test_there_is_no_shell_on_what_is_no_console(
    path: str, bench: Bench, console: str
) -> None:
    async with await Client.connect(path) as client:
        with pytest.raises(CallError, match="There is no console"):
            await client.open_shell(console)
    assert bench.left == []


async def test_there_is_no_shell_where_the_settings_forbid_it(path: str, bench: Bench) -> None:
    bench.no_shell = "The settings of bootd do not allow a shell."
    async with await Client.connect(path) as client:
        with pytest.raises(CallError, match="do not allow a shell"):
            await client.open_shell("ttyAMA0")
    assert bench.left == []


async def test_where_bootd_looks_on_a_device_is_told(path: str) -> None:
    async with await Client.connect(path) as client:
        looks = await client.inspect_device("vda1")
        assert looks == (LookView(format="bls", path="/loader", found=False),)
        with pytest.raises(CallError, match=r"There is no device 'sdz9' \(any more\)\."):
            await client.inspect_device("sdz9")


async def test_the_machine_and_the_settings_are_told(path: str) -> None:
    async with await Client.connect(path) as client:
        machine = await client.describe_machine()
    assert (machine.board, machine.actions) == ("Acme Board", ("reboot",))
    assert [(each.name, each.value) for each in machine.settings] == [("Timeout", "10")]


async def test_a_new_timeout_counts_again_after_somebody_stopped_it(
    path: str, bench: Bench
) -> None:
    async with await Client.connect(path) as client:
        await client.select(FIRST)
        await client.cancel(by="a test")
        await client.set_timeout(500, by="a test")
        await asyncio.sleep(0.05)
        status = await client.describe()
    assert (status.seconds_left, status.countdown_stopped_by) == (500, "")
    assert bench.remembered[-1] == ""


async def test_no_timeout_boots_nothing_by_itself(path: str) -> None:
    async with await Client.connect(path) as client:
        await client.set_timeout(500, by="a test")
        await client.set_timeout(None, by="another test")
        status = await client.describe()
    assert (status.seconds_left, status.countdown_stopped_by) == (None, "another test")


@pytest.mark.parametrize("seconds", [-1, 86_401])
async def test_a_timeout_out_of_range_is_refused(path: str, seconds: int) -> None:
    async with await Client.connect(path) as client:
        with pytest.raises(CallError, match="0 to 86400"):
            await client.set_timeout(seconds)


async def test_leaving_is_done_when_it_is_allowed_and_only_then(path: str, bench: Bench) -> None:
    async with await Client.connect(path) as client:
        await client.leave("reboot", by="a test")
        with pytest.raises(CallError, match="do not allow 'powerOff'"):
            await client.leave("powerOff")
    assert bench.left == ["reboot"]
    assert bench.store.state.status.message == "a test is restarting the machine"
