import asyncio

import pytest

from bootd.errors import CallError, LoadError, MergeRefusedError
from bootd.model.board import RunningTree
from bootd.model.option import BootOption, FileRef, ScanResult
from bootd.protocol.messages import NO_OVERRIDES, ErrorName, FileView, Overrides, Phase
from bootd.services.wishes import Wishes
from tests.support.services import Bench, device, make_bench, option, running

DEBIAN = "extlinux:uuid-vda1:debian"
WAITING = "bls:uuid-vda1:waiting"


@pytest.fixture
async def bench() -> Bench:
    bench = make_bench()
    waiting = BootOption(
        entry="waiting", format="bls", source="/x", title="W", linux=FileRef("/k", "LABEL=gone")
    )
    bench.store.device_scanned(device(), ScanResult(options=(option("debian"), waiting)))
    return bench


async def test_a_boot_loads_then_leaves(bench: Bench) -> None:
    async with running(bench):
        report = await bench.control.boot(DEBIAN, NO_OVERRIDES, "a test")
        assert report.loader == "fake"
        assert bench.booter.executed == []
        assert bench.store.state.status.phase is Phase.EXECUTING
        await asyncio.sleep(0.5)
    assert bench.booter.executed == [report]


async def test_a_boot_selects_its_option_and_stops_the_countdown(bench: Bench) -> None:
    async with running(bench):
        await bench.control.boot(DEBIAN, NO_OVERRIDES, "a test")
        status = bench.store.state.status
        assert (status.selected_id, status.countdown_stopped_by) == (DEBIAN, "a test")


async def test_progress_is_shown(bench: Bench) -> None:
    bench.booter.hold = asyncio.Event()
    async with running(bench), asyncio.TaskGroup() as tasks:
        tasks.create_task(bench.control.boot(DEBIAN, NO_OVERRIDES, "a test"))
        await asyncio.sleep(0.02)
        status = bench.store.state.status
        assert (status.phase, status.progress) == (Phase.LOADING, 50)
        bench.booter.hold.set()


async def test_only_one_boot_at_a_time(bench: Bench) -> None:
    bench.booter.hold = asyncio.Event()
    async with running(bench), asyncio.TaskGroup() as tasks:
        tasks.create_task(bench.control.boot(DEBIAN, NO_OVERRIDES, "a test"))
        await asyncio.sleep(0.02)
        with pytest.raises(CallError) as caught:
            await bench.control.boot(DEBIAN, NO_OVERRIDES, "another")
        assert caught.value.name == ErrorName.BUSY
        bench.booter.hold.set()


async def test_a_load_can_be_cancelled_and_the_menu_is_back(bench: Bench) -> None:
    bench.booter.hold = asyncio.Event()
    async with running(bench), asyncio.TaskGroup() as tasks:
        boot = tasks.create_task(fails(bench, DEBIAN))
        await asyncio.sleep(0.02)
        await bench.control.cancel("a test")
        status = bench.store.state.status
        assert (status.phase, status.message) == (Phase.MENU, "Boot cancelled by a test")
        assert (await boot).name == ErrorName.BOOT_FAILED
        bench.booter.hold.set()
        await bench.control.boot(DEBIAN, NO_OVERRIDES, "a test")


async def test_a_boot_cancelled_after_the_load_is_taken_out_again(bench: Bench) -> None:
    async with running(bench):
        await bench.control.boot(DEBIAN, NO_OVERRIDES, "a test")
        await bench.control.cancel("a test")
        await asyncio.sleep(0.4)
    assert bench.booter.discarded == 1
    assert bench.booter.executed == []


async def test_what_an_earlier_run_left_loaded_is_dealt_with_first(bench: Bench) -> None:
    async with running(bench):
        assert bench.booter.started == 1


@pytest.mark.parametrize(
    ("option_id", "name"),
    [("bls:x:y", ErrorName.NO_SUCH_OPTION), (WAITING, ErrorName.NOT_BOOTABLE)],
)
async def test_what_cannot_boot_is_refused_by_name(bench: Bench, option_id: str, name: str) -> None:
    async with running(bench):
        assert (await fails(bench, option_id)).name == name
        with pytest.raises(CallError) as caught:
            bench.control.select(option_id, "a test")
        assert caught.value.name == name


async def test_the_reason_names_the_file_and_where_it_should_be(bench: Bench) -> None:
    async with running(bench):
        error = await fails(bench, WAITING)
    assert str(error) == "W cannot boot: linux /k is not on LABEL=gone."
    assert error.parameters == {"id": WAITING, "message": str(error)}


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (LoadError("no memory"), ErrorName.BOOT_FAILED),
        (MergeRefusedError("two boards"), ErrorName.REFUSED),
    ],
)
async def test_a_failed_load_keeps_its_sentence(
    bench: Bench, error: LoadError | MergeRefusedError, name: str
) -> None:
    bench.booter.error = error
    async with running(bench):
        caught = await fails(bench, DEBIAN)
    assert (caught.name, str(caught)) == (name, str(error))
    assert bench.store.state.status.message == str(error)


async def test_an_explanation_is_kept_for_the_menu(bench: Bench) -> None:
    outlook = await bench.control.explain(DEBIAN, NO_OVERRIDES)
    assert (outlook.loader, outlook.refused) == ("fake", None)
    assert bench.store.state.menu[0].tree == f"merged for {DEBIAN}"


async def test_an_explanation_of_an_override_is_not(bench: Bench) -> None:
    outlook = await bench.control.explain(DEBIAN, Overrides(devicetree_mode="shipped"))
    assert outlook.tree is not None
    assert bench.store.state.menu[0].tree == ""


async def test_an_explanation_says_why_it_cannot_boot(bench: Bench) -> None:
    outlook = await bench.control.explain(WAITING, NO_OVERRIDES)
    assert outlook.refused == "W cannot boot: linux /k is not on LABEL=gone."
    bench.booter.error = LoadError("the kernel is damaged")
    outlook = await bench.control.explain(DEBIAN, NO_OVERRIDES)
    assert outlook.refused == "the kernel is damaged"


async def test_a_rescan_reaches_the_source(bench: Bench) -> None:
    bench.control.rescan()
    assert bench.rescans == ["rescan"]


async def fails(bench: Bench, option_id: str) -> CallError:
    with pytest.raises(CallError) as caught:
        await bench.control.boot(option_id, NO_OVERRIDES, "a test")
    return caught.value


async def test_an_option_by_hand_boots_what_the_overrides_name(bench: Bench) -> None:
    kernel = FileView(device="vda1", path="/vmlinuz")
    async with running(bench):
        await bench.control.boot("manual:vda1", Overrides(linux=kernel), "a test")
    assert bench.booter.booted == ["manual:vda1"]
    assert bench.store.state.status.selected_id is None


async def test_a_waiting_option_boots_with_a_kernel_that_is_there(bench: Bench) -> None:
    kernel = FileView(device="vda1", path="/vmlinuz")
    async with running(bench):
        await bench.control.boot(WAITING, Overrides(linux=kernel), "a test")
    assert bench.booter.booted == [WAITING]


async def test_a_path_that_is_none_is_refused_in_words(bench: Bench) -> None:
    kernel = FileView(device="vda1", path="vmlinuz")
    async with running(bench):
        with pytest.raises(CallError, match="is no path") as caught:
            await bench.control.boot(DEBIAN, Overrides(linux=kernel), "a test")
    assert caught.value.name == ErrorName.BOOT_FAILED


async def test_a_crash_kernel_is_loaded_and_the_menu_and_its_countdown_stay(bench: Bench) -> None:
    async with running(bench):
        await bench.control.keep_for_crash(DEBIAN, NO_OVERRIDES, "a test")
        await asyncio.sleep(0.02)
        status = bench.store.state.status
        assert (status.phase, status.countdown_stopped_by) == (Phase.MENU, "")
        assert status.message == "Title of debian starts when this kernel crashes"
    assert bench.booter.waiting == [DEBIAN]
    assert bench.booter.executed == []


async def test_a_crash_kernel_that_cannot_be_loaded_is_a_reason_in_the_menu(bench: Bench) -> None:
    bench.booter.error = LoadError("no memory is set aside")
    async with running(bench):
        with pytest.raises(CallError, match="no memory is set aside"):
            await bench.control.keep_for_crash(DEBIAN, NO_OVERRIDES, "a test")
        assert bench.store.state.status.message == "no memory is set aside"


@pytest.mark.parametrize(("waiting", "loaded"), [([], [DEBIAN]), (["another"], ["another"])])
async def test_the_option_of_the_setting_is_kept_for_a_crash_unless_one_waits(
    bench: Bench, waiting: list[str], loaded: list[str]
) -> None:
    bench.booter.waiting = list(waiting)
    bench.control.wishes = Wishes(crash_option="extlinux:*:debian")
    async with running(bench):
        await asyncio.sleep(0.05)
    assert bench.booter.waiting == loaded


async def test_a_refused_tree_is_offered_as_a_choice_with_the_running_one(bench: Bench) -> None:
    bench.booter.refuses_own_tree = True
    async with running(bench):
        outlook = await bench.control.explain(DEBIAN, NO_OVERRIDES)
        assert outlook.refused is not None
        assert outlook.running_tree == (
            "can be booted with the running device tree instead (because it is a test)"
        )
        chosen = await bench.control.explain(DEBIAN, Overrides(devicetree_mode="running"))
        assert (chosen.refused, chosen.running_tree) == (None, None)


async def test_nothing_is_offered_where_the_running_tree_does_not_help(bench: Bench) -> None:
    bench.booter.error = LoadError("kexec is switched off")
    async with running(bench):
        outlook = await bench.control.explain(DEBIAN, NO_OVERRIDES)
    assert (outlook.refused, outlook.running_tree) == ("kexec is switched off", None)


@pytest.mark.parametrize(
    ("setting", "booted"),
    [(RunningTree.NEVER, []), (RunningTree.IMPLIED, [DEBIAN]), (RunningTree.ALWAYS, [DEBIAN])],
)
async def test_the_countdown_takes_the_running_tree_only_where_the_setting_allows(
    setting: RunningTree, booted: list[str]
) -> None:
    bench = make_bench(timeout_s=0)
    bench.booter.refuses_own_tree = True
    bench.control.wishes = Wishes(running_tree=setting)
    scanned = ScanResult(options=(option("debian", is_default=True),))
    bench.store.device_scanned(device(), scanned)
    async with running(bench):
        await asyncio.sleep(0.1)
    assert bench.booter.booted == booted
    assert all(it.devicetree_mode == "running" for it in bench.booter.overrides[1:])
