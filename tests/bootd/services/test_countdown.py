import asyncio

import pytest

from bootd.errors import LoadError
from bootd.model.option import WAIT_FOREVER, ScanResult
from bootd.model.remembered import Remembered
from bootd.protocol import memory
from bootd.protocol.messages import Level, Phase
from bootd.services import control as control_module
from tests.support.keepers import MemoryKeeper
from tests.support.services import Bench, device, make_bench, option, running

ONE = ScanResult(options=(option("debian", is_default=True), option("other")))
DEBIAN = "extlinux:uuid-vda1:debian"


@pytest.fixture(autouse=True)
def _no_farewell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_module, "FAREWELL_S", 0.0)


async def wait_for_boot(bench: Bench) -> None:
    async with asyncio.timeout(10):
        while not bench.booter.executed:
            await bench.store.next_state(after=bench.store.state.revision)
            await asyncio.sleep(0.01)


async def test_the_default_boots_by_itself_when_the_time_is_over() -> None:
    bench = make_bench(timeout_s=1)
    async with running(bench):
        began = asyncio.get_running_loop().time()
        bench.store.device_scanned(device(), ONE)
        await wait_for_boot(bench)
        assert asyncio.get_running_loop().time() - began >= 1
    assert bench.booter.booted == [DEBIAN]


async def test_the_seconds_are_shown_and_count_down() -> None:
    bench = make_bench(timeout_s=2)
    seen = set()
    async with running(bench):
        bench.store.device_scanned(device(), ONE)
        while not bench.booter.executed:
            state = await bench.store.next_state(after=bench.store.state.revision)
            seen.add(state.status.seconds_left)
    assert {2, 1} <= seen


async def test_no_time_boots_at_once() -> None:
    bench = make_bench(timeout_s=0)
    async with running(bench), asyncio.timeout(1):
        bench.store.device_scanned(device(), ONE)
        await wait_for_boot(bench)
    assert bench.booter.booted == [DEBIAN]


async def test_never_waits_for_ever_and_says_so() -> None:
    bench = make_bench(timeout_s=WAIT_FOREVER)
    async with running(bench):
        bench.store.device_scanned(device(), ONE)
        await asyncio.sleep(0.1)
        assert bench.store.state.status.seconds_left is None
        assert bench.store.state.status.message == "Waiting for a choice: automatic boot is off"
    assert bench.booter.booted == []


async def test_stopping_is_shown_and_remembered_with_the_name_of_who_did() -> None:
    bench = make_bench(timeout_s=5)
    async with running(bench):
        bench.store.device_scanned(device(), ONE)
        await asyncio.sleep(0.05)
        assert bench.store.state.status.seconds_left == 5
        await bench.control.cancel("console ttyAMA0")
        status = bench.store.state.status
        assert status.seconds_left is None
        assert status.countdown_stopped_by == "console ttyAMA0"
    assert bench.remembered == ["console ttyAMA0"]


async def test_a_daemon_that_starts_again_does_not_boot_what_somebody_has_stopped() -> None:
    bench = make_bench(timeout_s=0, stopped_by="console ttyAMA0")
    async with running(bench):
        bench.store.device_scanned(device(), ONE)
        await asyncio.sleep(0.1)
        assert bench.store.state.status.countdown_stopped_by == "console ttyAMA0"
    assert bench.booter.booted == []


async def test_a_device_that_is_still_probing_holds_the_boot_back() -> None:
    bench = make_bench(timeout_s=0)
    async with running(bench):
        bench.store.device_found(device("vdb1"))
        bench.store.device_scanned(device(), ONE)
        await asyncio.sleep(0.1)
        assert bench.booter.booted == []
        bench.store.device_removed("vdb1")
        await wait_for_boot(bench)
    assert bench.booter.booted == [DEBIAN]


async def test_the_countdown_boots_what_was_selected() -> None:
    bench = make_bench(timeout_s=1)
    async with running(bench):
        bench.store.device_scanned(device(), ONE)
        await asyncio.sleep(0.05)
        bench.control.select("extlinux:uuid-vda1:other", "a test")
        await wait_for_boot(bench)
    assert bench.booter.booted == ["extlinux:uuid-vda1:other"]


async def test_a_boot_that_fails_leaves_the_menu_with_its_reason_and_is_not_tried_again() -> None:
    bench = make_bench(timeout_s=0)
    bench.booter.error = LoadError("the kernel is damaged")
    async with running(bench):
        bench.store.device_scanned(device(), ONE)
        await asyncio.sleep(0.1)
        status = bench.store.state.status
        assert status.phase is Phase.MENU
        assert (status.message, status.level) == ("the kernel is damaged", Level.ERROR)
        bench.booter.error = None
        await asyncio.sleep(0.1)
    assert bench.booter.booted == []


async def test_a_preferred_disk_that_is_late_is_waited_for_and_named() -> None:
    bench = make_bench(timeout_s=0, wait_for_s=30, order=("UUID=uuid-vdb1", "any"))
    async with running(bench):
        bench.store.device_scanned(device(), ONE)
        await asyncio.sleep(0.1)
        status = bench.store.state.status
        assert status.waiting_for == "UUID=uuid-vdb1"
        assert status.message == "Waiting for UUID=uuid-vdb1, at most 30 s after the start"
        assert status.seconds_left in {29, 30}
        bench.store.device_found(device("vdb1"))
        await asyncio.sleep(0.1)
        assert bench.booter.booted == []
        arrived = asyncio.get_running_loop().time()
        bench.store.device_scanned(device("vdb1"), ONE)
        await wait_for_boot(bench)
        assert asyncio.get_running_loop().time() - arrived >= 2
    assert bench.booter.booted == ["extlinux:uuid-vdb1:debian"]


async def test_a_preferred_disk_that_never_comes_is_waited_for_no_longer_than_said() -> None:
    bench = make_bench(timeout_s=0, wait_for_s=1, order=("nvme", "any"))
    async with running(bench):
        began = asyncio.get_running_loop().time()
        bench.store.device_scanned(device(), ONE)
        await wait_for_boot(bench)
        assert asyncio.get_running_loop().time() - began >= 0.9
        assert bench.store.state.status.waiting_for == ""
    assert bench.booter.booted == [DEBIAN]


async def test_what_a_person_selected_waits_for_no_disk() -> None:
    bench = make_bench(timeout_s=1, wait_for_s=600, order=("nvme", "any"))
    async with running(bench):
        bench.store.device_scanned(device(), ONE)
        bench.control.select("extlinux:uuid-vda1:other", "a test")
        await wait_for_boot(bench)
    assert bench.booter.booted == ["extlinux:uuid-vda1:other"]


async def test_nothing_counts_while_what_people_want_is_still_being_read() -> None:
    keeper = MemoryKeeper(memory.write(Remembered(default="extlinux:uuid-vda1:other")))
    keeper.hold = asyncio.Event()
    bench = make_bench(timeout_s=0)
    bench.settings.use(keeper)
    async with running(bench):
        bench.store.device_scanned(device(), ONE)
        await asyncio.sleep(0.1)
        assert bench.booter.booted == []
        began = asyncio.get_running_loop().time()
        keeper.hold.set()
        await wait_for_boot(bench)
        assert asyncio.get_running_loop().time() - began < 1.5, "no two seconds for a change"
    assert bench.booter.booted == ["extlinux:uuid-vda1:other"]
