"""What people decide for later boots, on a store with real options."""

import asyncio
import errno
from pathlib import Path

import pytest

from bootd.errors import CallError, LoadError
from bootd.model.device import BlockDevice, DeviceKind
from bootd.model.option import WAIT_FOREVER, FileRef, OptionId, ScanResult
from bootd.model.remembered import Remembered
from bootd.protocol import memory
from bootd.protocol.messages import NO_OVERRIDES, ErrorName, FileView, OverlayView, Overrides
from bootd.protocol.methods import Configuring
from bootd.record import replace
from bootd.server import views
from bootd.services import control as control_module
from bootd.services.choices import Configured
from tests.support.keepers import MemoryKeeper
from tests.support.services import Bench, device, make_bench, option, running
from tests.support.waiting import eventually

TWO = ScanResult(options=(option("debian", is_default=True), option("spare")))
DEBIAN, SPARE = "extlinux:uuid-vda1:debian", "extlinux:uuid-vda1:spare"
STICK = BlockDevice(
    name="sda1", node="/dev/sda1", uuid="uuid-sda1", disk="sda", kind=DeviceKind.USB, fstype="vfat"
)
ON_STICK = "extlinux:uuid-sda1:live"


@pytest.fixture(autouse=True)
def _no_farewell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_module, "FAREWELL_S", 0.0)


def make(**members: object) -> Bench:
    bench = make_bench(**members)  # type: ignore[arg-type] # of make_bench
    bench.store.device_scanned(device(), TWO)
    bench.store.device_scanned(STICK, ScanResult(options=(option("live", is_default=True),)))
    return bench


def refusal(caught: pytest.ExceptionInfo[CallError]) -> str:
    return caught.value.name.rpartition(".")[2]


async def booted(bench: Bench) -> list[str]:
    async with asyncio.timeout(10):
        while not bench.booter.executed:
            await bench.store.next_state(after=bench.store.state.revision)
            await asyncio.sleep(0.01)
    return bench.booter.booted


# Defaults -----------------------------------------------------------------------------------------


async def test_a_default_is_shown_remembered_and_forgotten() -> None:
    bench = make()
    bench.choices.set_default(SPARE, "", "a test")
    status = bench.store.state.status
    assert (status.default_id, status.default_wish) == (SPARE, SPARE)
    assert status.message == "The default is Title of spare, set by a test"
    assert bench.settings.remembered.default == SPARE
    bench.choices.set_default("", "", "a test")
    assert bench.store.state.status.default_id == DEBIAN


async def test_a_default_until_power_on_outlives_the_daemon_and_beats_the_other(
    tmp_path: Path,
) -> None:
    bench = make(note=str(tmp_path))
    bench.choices.set_default(SPARE, "powerOn", "a test")
    bench.choices.set_default(DEBIAN, "", "a test")
    again = make(note=str(tmp_path))
    for each in (bench, again):
        status = each.store.state.status
        assert (status.default_id, status.default_until_power_on) == (SPARE, SPARE)
    assert bench.settings.remembered == Remembered(default=DEBIAN)
    again.choices.set_default("", "powerOn", "a test")
    assert again.store.state.status.default_until_power_on == ""
    assert make(note=str(tmp_path)).store.state.status.default_id == DEBIAN


async def test_an_option_on_a_removable_medium_is_refused_as_default() -> None:
    bench = make()
    with pytest.raises(CallError, match=r"anybody can plug in.*UUID=uuid-sda1 or usb") as caught:
        bench.choices.set_default(ON_STICK, "", "a test")
    assert refusal(caught) == "Refused"
    bench.choices.change_settings(Configuring(order=("any", "usb")), "a test")
    bench.choices.set_default(ON_STICK, "", "a test")
    assert bench.store.state.status.default_id == ON_STICK


@pytest.mark.parametrize(
    ("wish", "until", "name"),
    [
        ("bls:x:y", "", "NoSuchOption"),
        (SPARE, "tomorrow", "InvalidParameter"),
        ("x" * 600 + "*", "", "InvalidParameter"),
        ("a\nb*", "", "InvalidParameter"),
    ],
)
async def test_a_default_that_makes_no_sense_is_refused(wish: str, until: str, name: str) -> None:
    bench = make()
    with pytest.raises(CallError) as caught:
        bench.choices.set_default(wish, until, "a test")
    assert refusal(caught) == name
    assert bench.settings.remembered == Remembered()


async def test_saved_follows_what_a_person_boots_and_not_the_countdown() -> None:
    bench = make()
    bench.choices.set_default("@saved", "", "a test")
    async with running(bench):
        await bench.control.boot(SPARE, NO_OVERRIDES, "a person")
        await booted(bench)
        assert bench.settings.remembered.last_chosen == SPARE
        debian = bench.store.state.find(DEBIAN)
        assert debian is not None
        await bench.choices.depart(debian, by_itself=True)
    assert bench.settings.remembered.last_chosen == SPARE
    assert bench.store.state.status.default_id == SPARE


async def test_the_last_choice_is_not_written_where_nobody_asks_for_it() -> None:
    bench = make()
    async with running(bench):
        await bench.control.boot(SPARE, NO_OVERRIDES, "a person")
        await booted(bench)
    assert bench.settings.remembered == Remembered()


# One-shot -----------------------------------------------------------------------------------------


async def test_a_one_shot_boots_by_itself_and_is_forgotten_before_that() -> None:
    keeper = MemoryKeeper(memory.write(Remembered(one_shot=SPARE)))
    bench = make(timeout_s=0)
    bench.settings.use(keeper)
    async with running(bench):
        assert await booted(bench) == [SPARE]
    assert memory.read(keeper.text)[0].one_shot == ""


async def test_a_one_shot_is_used_up_by_a_boot_that_fails() -> None:
    keeper = MemoryKeeper(memory.write(Remembered(one_shot=SPARE)))
    bench = make(timeout_s=0)
    bench.booter.error = LoadError("the kernel is damaged")
    bench.settings.use(keeper)
    async with running(bench):

        async def is_forgotten() -> bool:
            return memory.read(keeper.text)[0].one_shot == ""

        await eventually(is_forgotten)
    assert bench.booter.booted == []


async def test_a_one_shot_is_used_up_by_whatever_a_person_boots() -> None:
    bench = make()
    bench.choices.set_one_shot(SPARE, "a test")
    assert bench.store.state.status.one_shot_id == SPARE
    async with running(bench):
        await bench.control.boot(DEBIAN, NO_OVERRIDES, "a person")
    assert bench.settings.remembered.one_shot == ""
    assert bench.store.state.status.one_shot_id is None


async def test_a_one_shot_that_cannot_be_forgotten_does_not_boot_for_ever() -> None:
    keeper = MemoryKeeper(memory.write(Remembered(one_shot=SPARE)))
    bench = make(timeout_s=1)
    bench.settings.use(keeper)
    async with running(bench):
        await asyncio.sleep(0.1)
        assert bench.store.state.status.default_id == SPARE
        keeper.error = OSError(errno.EROFS, "read-only")
        assert await booted(bench) == [DEBIAN]


async def test_a_one_shot_may_be_on_a_removable_medium_and_must_exist() -> None:
    bench = make()
    bench.choices.set_one_shot(ON_STICK, "a test")
    assert bench.store.state.status.default_id == ON_STICK
    bench.choices.set_one_shot("", "a test")
    assert bench.store.state.status.default_id == DEBIAN
    with pytest.raises(CallError) as caught:
        bench.choices.set_one_shot("bls:x:y", "a test")
    assert refusal(caught) == "NoSuchOption"


async def test_what_cannot_be_written_holds_for_now_and_is_told() -> None:
    bench = make()
    keeper = MemoryKeeper()
    bench.settings.use(keeper)
    async with running(bench):
        await bench.choices.settle()
        keeper.error = OSError(errno.EROFS, "read-only")
        bench.choices.set_default(SPARE, "", "a test")
        with pytest.raises(CallError, match=r"next power-on only: .*read-only\.$") as caught:
            await bench.choices.settle()
        assert refusal(caught) == "Forbidden"
        assert bench.store.state.status.default_id == SPARE


async def test_a_boot_waits_for_what_was_decided_a_moment_ago() -> None:
    bench, keeper = make(), MemoryKeeper()
    bench.settings.use(keeper)
    async with running(bench):
        await bench.settings.saved()
        keeper.hold = asyncio.Event()
        bench.choices.set_default(SPARE, "", "a test")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(bench.control.boot(DEBIAN, NO_OVERRIDES, "a person"))
            await asyncio.sleep(0.1)
            assert bench.booter.booted == []
            keeper.hold.set()
    assert bench.booter.booted == [DEBIAN]
    assert memory.read(keeper.text)[0].default == SPARE


# Settings -----------------------------------------------------------------------------------------


async def test_settings_that_are_remembered_beat_the_files_and_can_be_forgotten() -> None:
    bench = make(timeout_s=7)
    bench.choices.change_settings(
        Configuring(timeout_seconds=3, autoboot=True, order=("mmc", "any")), "a test"
    )
    status = bench.store.state.status
    assert (status.timeout_seconds, status.autoboot, status.order) == (3, True, ("mmc", "any"))
    assert bench.countdown.timeout_s == 3
    bench.choices.change_settings(Configuring(reset=("timeoutSeconds", "order")), "a test")
    assert bench.countdown.timeout_s == 7
    assert bench.settings.remembered == Remembered(autoboot=True)


async def test_the_kernel_command_line_beats_what_is_remembered() -> None:
    bench = make()
    bench.choices.change_settings(Configuring(timeout_seconds=3, order=("usb",)), "a test")
    fixed = Configured(timeout_s=WAIT_FOREVER, fixed={"timeout_s", "order"})
    bench.choices.configure(fixed)
    assert bench.countdown.timeout_s == WAIT_FOREVER
    assert bench.store.state.status.order == ()


@pytest.mark.parametrize(
    "asked",
    [
        Configuring(timeout_seconds=-2),
        Configuring(timeout_seconds=86_401),
        Configuring(order=("floppy",)),
        Configuring(reset=("mood",)),
    ],
)
async def test_settings_that_make_no_sense_are_refused(asked: Configuring) -> None:
    bench = make()
    with pytest.raises(CallError) as caught:
        bench.choices.change_settings(asked, "a test")
    assert caught.value.name == ErrorName.INVALID_PARAMETER
    assert bench.settings.remembered == Remembered()


async def test_switching_autoboot_off_stops_a_countdown_that_runs() -> None:
    bench = make(timeout_s=5)
    async with running(bench):
        await asyncio.sleep(0.05)
        assert bench.store.state.status.seconds_left == 5
        bench.choices.change_settings(Configuring(autoboot=False), "a test")
        status = bench.store.state.status
        assert (status.seconds_left, status.countdown_stopped_by) == (None, "a test")


async def test_the_status_says_where_choices_are_kept() -> None:
    bench = make()
    assert bench.store.state.status.kept.startswith("not persisted")
    bench.settings.use(MemoryKeeper())
    async with running(bench):

        async def is_told() -> bool:
            return bench.store.state.status.kept == "kept in memory of a test"

        await eventually(is_told)


# Saved changes ------------------------------------------------------------------------------------

CHANGES = Overrides(options="ro single", devicetree_mode="running")


async def test_saved_changes_are_an_option_below_the_one_they_change() -> None:
    bench = make()
    new = bench.choices.save_overrides(DEBIAN, "Rescue mode", CHANGES, "a test")
    assert new == f"{DEBIAN}+Rescue-mode"
    ids = [entry.resolved.id for entry in bench.store.state.menu]
    assert ids[:3] == [DEBIAN, new, SPARE]
    entry = bench.store.state.menu[1]
    assert entry.resolved.option.title == "Title of debian (Rescue mode)"
    assert entry.resolved.option.cmdline == "ro single"
    assert (entry.base, entry.changes) == (DEBIAN, CHANGES)
    assert not entry.is_default


async def test_saved_changes_come_back_with_their_disk_in_a_later_run() -> None:
    keeper = MemoryKeeper()
    bench = make()
    bench.settings.use(keeper)
    async with running(bench):
        new = bench.choices.save_overrides(DEBIAN, "quiet", CHANGES, "a test")
        await bench.settings.saved()
    later = make_bench()
    later.settings.use(MemoryKeeper(keeper.text))
    async with running(later):
        await asyncio.sleep(0.05)
        assert later.store.state.menu == ()
        later.store.device_scanned(device("sdx7", "uuid-vda1"), TWO)
        assert later.store.state.find(new) is not None
        later.store.device_removed("sdx7")
        assert later.store.state.find(new) is None


async def test_saved_changes_lie_below_those_of_the_call() -> None:
    bench = make()
    new = bench.choices.save_overrides(DEBIAN, "quiet", CHANGES, "a test")
    async with running(bench):
        await bench.control.boot(new, Overrides(options="rw"), "a person")
        await booted(bench)
    assert bench.booter.booted == [new]
    assert bench.booter.overrides == [Overrides(options="rw", devicetree_mode="running")]


async def test_files_on_other_disks_are_found_by_uuid_or_missing() -> None:
    bench = make()
    other = device("vdb1")
    bench.store.device_scanned(other, ScanResult())
    changes = Overrides(
        linux=FileView(device="vdb1", path="/vmlinuz"),
        initrd=(FileView(device="vda1", path="/initrd"),),
        devicetree_overlay=(OverlayView(device="vdb1", path="/o.dtbo", parameters="a=1"),),
    )
    new = bench.choices.save_overrides(DEBIAN, "other", changes, "a test")
    assert '"UUID=uuid-vdb1"' in bench.settings.remembered.saved[0].overrides
    bench.store.device_removed("vdb1")
    gone = bench.store.state.find(new)
    assert gone is not None
    wanted = ["linux", "devicetreeOverlay"]
    assert [(it.what, it.device) for it in gone.missing] == [(w, "UUID=uuid-vdb1") for w in wanted]
    bench.store.device_scanned(device("sdz9", "uuid-vdb1"), ScanResult())
    there = bench.store.state.find(new)
    assert there is not None
    assert there.bootable
    assert there.linux is not None
    assert (there.linux.device, there.initrds[0].device) == ("sdz9", "vda1")
    assert there.option.overlay_parameters == ("a=1",)


async def test_an_option_whose_kernel_is_missing_boots_with_a_saved_one() -> None:
    bench = make_bench()
    broken = replace(option("broken"), linux=FileRef("/gone"), absent=("/gone",))
    bench.store.device_scanned(device(), ScanResult(options=(broken,)))
    new = bench.choices.save_overrides(
        "extlinux:uuid-vda1:broken",
        "fixed",
        Overrides(linux=FileView(device="vda1", path="/vmlinuz")),
        "a test",
    )
    found = bench.store.state.find(new)
    assert found is not None
    assert found.bootable


async def test_saving_a_saved_option_adds_to_its_changes() -> None:
    bench = make()
    first = bench.choices.save_overrides(DEBIAN, "one", CHANGES, "a test")
    second = bench.choices.save_overrides(first, "two", Overrides(options="rw"), "a test")
    assert second == f"{DEBIAN}+two"
    entry = next(each for each in bench.store.state.menu if each.resolved.id == second)
    assert entry.changes == Overrides(options="rw", devicetree_mode="running")


async def test_saving_under_the_same_name_replaces() -> None:
    bench = make()
    for text in ("a", "b"):
        bench.choices.save_overrides(DEBIAN, "one", Overrides(options=text), "a test")
    assert [each.overrides for each in bench.settings.remembered.saved] == ['{"options":"b"}']


async def test_a_saved_option_can_be_the_default_and_can_be_forgotten() -> None:
    bench = make()
    new = bench.choices.save_overrides(DEBIAN, "one", CHANGES, "a test")
    bench.choices.set_default(new, "", "a test")
    assert bench.store.state.status.default_id == new
    bench.choices.forget_overrides(new, "a test")
    assert bench.store.state.find(new) is None
    assert bench.store.state.status.default_id == DEBIAN
    with pytest.raises(CallError) as caught:
        bench.choices.forget_overrides(new, "a test")
    assert refusal(caught) == "NoSuchOption"


@pytest.mark.parametrize("name", ["", "   ", "+++", "x" * 41])
async def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(CallError, match="a name has 1 to 40"):
        make().choices.save_overrides(DEBIAN, name, CHANGES, "a test")


async def test_a_path_that_is_none_is_refused() -> None:
    changes = Overrides(linux=FileView(device="vda1", path="vmlinuz"))
    with pytest.raises(CallError, match="is no path"):
        make().choices.save_overrides(DEBIAN, "one", changes, "a test")


async def test_sixty_four_options_can_be_saved_and_the_next_one_is_refused() -> None:
    bench = make()
    for number in range(64):
        bench.choices.save_overrides(DEBIAN, f"n{number}", CHANGES, "a test")
    with pytest.raises(CallError, match="at most 64 saved changes"):
        bench.choices.save_overrides(DEBIAN, "n64", CHANGES, "a test")


async def test_saved_changes_that_make_no_sense_any_more_cost_only_themselves() -> None:
    bench = make()
    good = bench.choices.save_overrides(DEBIAN, "good", CHANGES, "a test")
    bad = replace(bench.settings.remembered.saved[0], name="bad", overrides='{"options":7}')
    bench.settings.replace(saved=(bad, *bench.settings.remembered.saved))
    assert bench.store.state.find(good) is not None
    assert bench.store.state.find(OptionId(f"{DEBIAN}+bad")) is None


async def test_a_saved_option_with_a_huge_command_line_is_shown_by_name_only() -> None:
    bench = make()
    huge = Overrides(options="x" * 40_000)
    bench.choices.save_overrides(DEBIAN, "huge", huge, "a test")
    shown = views.option(bench.store.state.menu[1])
    assert (shown.title, shown.options, shown.changes) == ("Title of debian (huge)", "", None)
    assert "too large" in shown.reasons[0]
