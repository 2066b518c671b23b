"""The prober with a real zygote and real workers; a directory plays the device, so without root."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from bootd.errors import (
    BootdError,
    ImageError,
    MergeRefusedError,
    ProbeError,
    ProberError,
    ProtocolError,
)
from bootd.model.device import BlockDevice, DeviceKind
from bootd.probe import session as session_module
from bootd.probe.prober import MAX_LOST, Prober
from bootd.probe.session import Session
from bootd.probe.task import Tables
from bootd.protocol.codec import Json
from tests.support import probing
from tests.support.attacks import ATTACKS
from tests.support.containers import uimage
from tests.support.deadfs import dead_filesystem


@pytest_asyncio.fixture
async def prober() -> AsyncIterator[Prober]:
    made = Prober.start(probing.TABLES)
    yield made
    await made.close()


@pytest.fixture
def device(tmp_path: Path) -> BlockDevice:
    (tmp_path / "entries").mkdir()
    return BlockDevice(name="demo", node=str(tmp_path), kind=DeviceKind.DIRECTORY)


def put(device: BlockDevice, name: str, text: str = "") -> None:
    (Path(device.node) / "entries" / name).write_text(text)


async def test_a_scan_gives_the_options(prober: Prober, device: BlockDevice) -> None:
    put(device, "a")
    put(device, "b")
    result = await prober.scan(device)
    assert [option.title for option in result.options] == ["a", "b"]


async def test_many_devices_are_scanned_at_once(prober: Prober, device: BlockDevice) -> None:
    put(device, "a")
    results = await asyncio.gather(*(prober.scan(device) for _ in range(40)))
    assert all(len(result.options) == 1 for result in results)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("crash", r"crashed its worker \(SIGSEGV\)"),
        ("leave", r"ended without an answer \(status 3\)"),
        ("fault", r"bootd made a mistake .* TypeError in tests.support.probing:\d+"),
        ("spin", "more than 2 s of processor time"),
        ("eat", "more memory than a worker may have"),
    ],
)
async def test_a_worker_that_fails_is_an_error_with_the_device(
    prober: Prober, device: BlockDevice, text: str, reason: str
) -> None:
    put(device, "bad", text)
    with pytest.raises(ProbeError, match=f"^demo: .*{reason}"):
        await prober.scan(device)


async def test_the_next_scan_works_after_a_crash(prober: Prober, device: BlockDevice) -> None:
    put(device, "bad", "crash")
    with pytest.raises(ProbeError):
        await prober.scan(device)
    put(device, "bad", "")
    assert len((await prober.scan(device)).options) == 1


async def test_a_worker_that_takes_too_long_is_ended(
    prober: Prober, device: BlockDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bootd.probe.prober.SCAN_S", 0.3)
    put(device, "bad", "sleep")
    with pytest.raises(ProbeError, match=r"not read within 0\.3 s"):
        await prober.scan(device)
    await wait_for_no_workers(prober)


async def test_a_cancelled_scan_ends_its_worker(prober: Prober, device: BlockDevice) -> None:
    put(device, "bad", "sleep")
    scan = asyncio.get_running_loop().create_task(prober.scan(device))
    await asyncio.sleep(0.1)
    scan.cancel()
    with pytest.raises(asyncio.CancelledError):
        await scan
    await wait_for_no_workers(prober)


async def wait_for_no_workers(prober: Prober) -> None:
    deadline = time.monotonic() + 5
    while prober._sessions:
        assert time.monotonic() < deadline, "a worker is left"
        await asyncio.sleep(0.01)


async def test_an_error_of_a_task_reaches_the_caller(prober: Prober, device: BlockDevice) -> None:
    put(device, "bad", "refuse")
    async with prober.session(device) as session:
        with pytest.raises(MergeRefusedError, match="no memory node"):
            await session.call("scan", None, timeout_s=2)


async def test_a_session_answers_several_calls(prober: Prober, device: BlockDevice) -> None:
    put(device, "kernel", "bytes")
    async with prober.session(device) as session:
        for _ in range(3):
            answer, (fd,) = await session.call("open", {"paths": ["/entries/kernel"]}, timeout_s=2)
            assert answer == {"sizes": [5]}
            assert os.read(fd, 100) == b"bytes"
            os.close(fd)


PART: Final[Json] = {"paths": ["/entries/kernel"], "parts": ["0"]}


async def test_a_part_of_a_file_is_opened_as_a_file(prober: Prober, device: BlockDevice) -> None:
    (Path(device.node) / "entries" / "kernel").write_bytes(uimage(b"inside"))
    async with prober.session(device) as session:
        answer, (fd,) = await session.call("open", PART, timeout_s=2)
    assert answer == {"sizes": [6]}
    assert os.read(fd, 100) == b"inside"
    os.close(fd)


async def test_a_damaged_part_of_a_file_is_refused(prober: Prober, device: BlockDevice) -> None:
    (Path(device.node) / "entries" / "kernel").write_bytes(uimage(b"inside")[:-1] + b"!")
    async with prober.session(device) as session:
        with pytest.raises(ImageError, match="/entries/kernel: the part is damaged"):
            await session.call("open", PART, timeout_s=2)


async def test_opening_a_missing_file_says_which(prober: Prober, device: BlockDevice) -> None:
    async with prober.session(device) as session:
        with pytest.raises(FileNotFoundError) as caught:
            await session.call("open", {"paths": ["/entries/kernel"]}, timeout_s=2)
    assert caught.value.filename == "/entries/kernel"


async def test_an_unknown_task_is_refused(prober: Prober, device: BlockDevice) -> None:
    async with prober.session(device) as session:
        with pytest.raises(ProtocolError, match="no 'format-disk'"):
            await session.call("format-disk", None, timeout_s=2)


async def test_open_files_travel_both_ways(prober: Prober) -> None:
    first, second = os.memfd_create("first"), os.memfd_create("second")
    answer, fds = await prober.run("reverse", {"x": [1]}, [first, second], timeout_s=2)
    names = [name_of(fd) for fd in fds]
    for fd in (first, second, *fds):
        os.close(fd)
    assert answer == {"x": [1]}
    assert [name.split()[0] for name in names] == ["/memfd:second", "/memfd:first"]


async def test_an_answer_of_the_wrong_shape_is_an_error(device: BlockDevice) -> None:
    prober = Prober.start(Tables(tasks={"scan": probing.lie}))
    with pytest.raises(ProbeError, match="answered nonsense"):
        await prober.scan(device)
    await prober.close()


async def test_an_answer_too_long_is_an_error(prober: Prober) -> None:
    with pytest.raises(ProtocolError, match="at most"):
        await prober.run("chatter", None, timeout_s=2)


async def test_a_worker_keeps_no_file_of_the_daemon(prober: Prober, device: BlockDevice) -> None:
    async with prober.session(device) as session:
        place = await place_of(prober, session)
        opened = {int(each.name): str(each.readlink()) for each in (place / "fd").iterdir()}
    assert [opened.pop(number) for number in range(3)] == ["/dev/null"] * 3
    assert opened.pop(3).startswith("socket:")
    assert list(opened.values()) == [device.node]


@pytest.mark.root
async def test_a_confined_worker_has_no_rights(prober: Prober, device: BlockDevice) -> None:
    async with prober.session(device) as session:
        status = read_status(await place_of(prober, session))
    assert status["Uid"].split() == status["Gid"].split() == ["65534"] * 4
    assert status["Groups"] == ""
    for name in ("CapInh", "CapAmb"):
        assert int(status[name], 16) == 0
    for name in ("CapPrm", "CapEff"):
        assert int(status[name], 16) == 1 << 2  # CAP_DAC_READ_SEARCH
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"


@pytest.mark.root
async def test_a_worker_shares_no_namespace_with_the_daemon(
    prober: Prober, device: BlockDevice
) -> None:
    async with prober.session(device) as session:
        place = await place_of(prober, session)
        for kind in ("user", "mnt", "net", "ipc", "uts", "pid"):
            theirs, ours = (Path(each) / "ns" / kind for each in (place, "/proc/self"))
            assert theirs.readlink() != ours.readlink(), kind
        assert (place / "root").readlink() == Path("/")
        seen = {each.name for each in (place / "root").iterdir()}
    assert not seen & {"etc", "proc", "sys", "dev", "run", "boot"}


async def place_of(prober: Prober, session: Session) -> Path:
    """Return the /proc directory of a session's worker, which knows its id in its own world."""
    answer, _ = await session.call("rights", None, timeout_s=5)
    assert isinstance(answer, dict)
    return next(
        p for p in workers(prober) if read_status(p)["NSpid"].split()[-1] == str(answer["pid"])
    )


def workers(prober: Prober) -> list[Path]:
    children = Path(f"/proc/{prober._pid}/task/{prober._pid}/children").read_text().split()
    return [Path(f"/proc/{pid}") for pid in children]


def read_status(place: Path) -> dict[str, str]:
    halves = (line.partition(":") for line in (place / "status").read_text().splitlines())
    return {name: value.strip() for name, _, value in halves}


@pytest.mark.root
@pytest.mark.parametrize("name", sorted(ATTACKS))
async def test_an_attack_from_a_worker_is_stopped(
    prober: Prober, device: BlockDevice, name: str
) -> None:
    put(device, "a")
    async with prober.session(device) as session:
        with pytest.raises((OSError, BootdError)):
            await session.call("attack", name, timeout_s=8)
    assert len((await prober.scan(device)).options) == 1


@pytest.mark.root
async def test_whoever_asks_for_what_no_worker_may_do_is_named(
    prober: Prober, device: BlockDevice
) -> None:
    async with prober.session(device) as session:
        with pytest.raises(ProbeError, match="ask for what no worker may do"):
            await session.call("attack", "run a program", timeout_s=8)


@pytest.mark.root
async def test_a_helper_keeps_its_rights(prober: Prober) -> None:
    answer, _ = await prober.run("help", None, timeout_s=5)
    assert isinstance(answer, dict)
    assert answer["uid"] == [0, 0]


async def test_a_device_with_a_file_system_that_is_not_looked_at(
    prober: Prober, device: BlockDevice, tmp_path: Path
) -> None:
    image = tmp_path / "image"
    image.write_bytes(b"")
    with pytest.raises(ProbeError, match="demo: cannot be mounted"):
        await prober.scan(replace(device, node=str(image), fstype="ntfs"))


async def test_a_device_that_is_gone_is_an_error(prober: Prober, device: BlockDevice) -> None:
    with pytest.raises(ProbeError, match="demo: cannot be mounted: No such file"):
        await prober.scan(replace(device, node="/dev/gone"))


@pytest.mark.root
async def test_a_device_that_never_answers_is_given_up(
    prober: Prober, device: BlockDevice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "START_S", 0.2)
    told: list[int] = []
    prober.on_health = lambda: told.append(prober.lost)
    place = tmp_path / "dead"
    place.mkdir()
    with dead_filesystem(place):
        dead = replace(device, name="sdx", node=str(place / "disk"), fstype="ext4")
        with pytest.raises(ProbeError, match="sdx: does not answer: it could not be mounted"):
            await prober.scan(dead)
        await prober.scan(device)
        await asyncio.sleep(1.2)
        assert prober.lost == 1  # SIGKILL does not end it: it waits for the medium in the kernel
        assert told[-1] == 1, "somebody has to be told without asking"
    await wait_for_no_workers(prober)
    assert prober.lost == 0
    assert told[-1] == 0


def worker_pid(prober: Prober) -> int:
    """Return the zygote's first child after the keeper of the namespaces, if there is one."""
    children = Path(f"/proc/{prober._pid}/task/{prober._pid}/children")
    keepers = int(os.geteuid() == 0)
    while len(found := children.read_text().split()) <= keepers:
        time.sleep(0.001)
    return int(found[keepers])


async def test_no_device_is_probed_while_too_many_hang(prober: Prober, device: BlockDevice) -> None:
    long_ago = time.monotonic() - 60
    prober._killed = dict.fromkeys(range(1000, 1000 + MAX_LOST), long_ago)
    with pytest.raises(ProbeError, match="8 other devices do not answer"):
        await prober.scan(device)
    del prober._killed[1000]
    await prober.scan(device)


async def test_the_death_of_the_zygote_is_noticed(device: BlockDevice) -> None:
    prober = Prober.start(probing.TABLES)
    watch = asyncio.get_running_loop().create_task(prober.watch())
    await asyncio.sleep(0)
    os.kill(prober._pid, signal.SIGKILL)
    with pytest.raises(ProberError, match="has to start again"):
        await asyncio.wait_for(watch, 5)
    with pytest.raises(ProberError):
        await prober.scan(device)
    await prober.close()


@pytest.mark.root
async def test_the_death_of_the_keeper_is_that_of_the_zygote(device: BlockDevice) -> None:
    prober = Prober.start(probing.TABLES)
    watch = asyncio.get_running_loop().create_task(prober.watch())
    put(device, "a")
    await prober.scan(device)
    keeper = next(place for place in workers(prober) if read_status(place)["Uid"].startswith("0"))
    os.kill(int(keeper.name), signal.SIGKILL)
    with pytest.raises(ProberError, match="has to start again"):
        await asyncio.wait_for(watch, 5)
    await prober.close()


async def test_workers_end_with_the_broker(device: BlockDevice) -> None:
    prober = Prober.start(probing.TABLES)
    put(device, "bad", "sleep")
    scan = asyncio.get_running_loop().create_task(prober.scan(device))
    await asyncio.sleep(0.1)
    pid = worker_pid(prober)
    await prober.close()
    with pytest.raises(ProbeError):
        await scan
    deadline = time.monotonic() + 5
    while is_alive(pid):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def name_of(fd: int) -> str:
    return str(Path(f"/proc/self/fd/{fd}").readlink())


def count_open(prober: Prober) -> int:
    """Count descriptors, without those of the workers that wait."""
    return len(list(Path("/proc/self/fd").iterdir())) - len(prober._spares)


async def test_no_descriptor_is_left_after_many_scans(prober: Prober, device: BlockDevice) -> None:
    await prober.scan(device)
    before = count_open(prober)
    for _ in range(20):
        await prober.scan(device)
    assert count_open(prober) == before


async def test_the_death_of_the_spare_worker_costs_nothing(
    prober: Prober, device: BlockDevice
) -> None:
    put(device, "a")
    await prober.scan(device)
    for _ in range(3):
        os.kill(spare := worker_pid(prober), signal.SIGKILL)
        deadline = time.monotonic() + 5
        while worker_pid(prober) == spare:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.001)
        assert len((await prober.scan(device)).options) == 1
