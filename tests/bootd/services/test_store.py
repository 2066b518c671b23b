import asyncio

import pytest

from bootd.errors import BootdError
from bootd.model.device import BlockDevice
from bootd.model.option import BootOption, FileRef, ScanResult
from bootd.model.problem import Problem
from bootd.protocol.messages import Level, Status
from bootd.services import store as store_module
from bootd.services.state import DevicePhase
from bootd.services.store import Store
from tests.support.services import device, option, options


@pytest.fixture
async def store() -> Store:
    return Store(Status(architecture="aarch64"))


async def test_a_device_is_probing_then_ready(store: Store) -> None:
    store.device_found(device())
    probing = store.state
    store.device_scanned(device(), options(1))
    ready = store.state
    assert (probing.devices["vda1"].phase, probing.status.probing) == (DevicePhase.PROBING, 1)
    assert (ready.devices["vda1"].phase, ready.status.probing) == (DevicePhase.READY, 0)


async def test_a_failed_device_says_why_and_offers_nothing(store: Store) -> None:
    store.device_scanned(device(), options(2))
    store.device_failed(device(), "the medium does not answer")
    failed = store.state.devices["vda1"]
    assert failed.phase is DevicePhase.FAILED
    assert failed.problems == (Problem(source="", message="the medium does not answer"),)
    assert store.state.menu == ()
    assert store.state.status.level is Level.WARNING


async def test_options_go_with_their_device(store: Store) -> None:
    store.device_scanned(device("vda1"), options(2))
    store.device_scanned(device("vdb1"), options(1))
    store.device_removed("vda1")
    assert [entry.resolved.device for entry in store.state.menu] == ["vdb1"]


async def test_a_rescan_keeps_the_options_until_the_answer(store: Store) -> None:
    store.device_scanned(device(), options(2))
    store.device_found(device())
    assert len(store.state.menu) == 2


async def test_another_medium_under_the_same_name_loses_the_options_at_once(store: Store) -> None:
    old = BlockDevice(name="sda", node="/dev/sda", sequence=1)
    new = BlockDevice(name="sda", node="/dev/sda", sequence=2)
    store.device_scanned(old, options(2))
    store.device_found(new)
    assert store.state.menu == ()


async def test_an_option_resolves_when_the_other_device_comes(store: Store) -> None:
    waiting = BootOption(
        entry="x", format="bls", source="/x", title="X", linux=FileRef("/k", "UUID=uuid-vdb1")
    )
    store.device_scanned(device("vda1"), ScanResult(options=(waiting,)))
    alone = store.state
    store.device_found(device("vdb1"))
    together = store.state
    store.device_removed("vdb1")
    states = (alone, together, store.state)
    assert [state.menu[0].resolved.bootable for state in states] == [False, True, False]


async def test_ids_tell_copied_file_systems_apart_as_soon_as_both_are_there(store: Store) -> None:
    store.device_scanned(device("vda1", uuid="same"), options(1))
    store.device_scanned(device("vdb1", uuid="same"), options(1))
    assert len({entry.resolved.id for entry in store.state.menu}) == 2
    store.device_removed("vdb1")
    assert store.state.menu[0].resolved.id == "extlinux:same:entry0000"


async def test_the_default_is_marked_and_told(store: Store) -> None:
    marked = ScanResult(options=(option("a"), option("b", is_default=True)), timeout_s=7)
    store.device_scanned(device(), marked)
    assert [entry.is_default for entry in store.state.menu] == [False, True]
    assert store.state.status.default_id == "extlinux:uuid-vda1:b"
    assert store.configured_timeout_s == 7


async def test_a_selected_option_is_chosen_before_the_default(store: Store) -> None:
    store.device_scanned(device(), ScanResult(options=(option("a"), option("b", is_default=True))))
    assert store.state.chosen == "extlinux:uuid-vda1:b"
    store.select("extlinux:uuid-vda1:a")
    assert store.state.chosen == "extlinux:uuid-vda1:a"
    assert store.state.status.selected_id == "extlinux:uuid-vda1:a"


async def test_a_selection_ends_with_its_option(store: Store) -> None:
    store.device_scanned(device(), options(1))
    store.select("extlinux:uuid-vda1:entry0000")
    store.device_removed("vda1")
    assert store.state.status.selected_id is None
    store.device_scanned(device(), options(1))
    assert not store.state.menu[0].is_selected


async def test_an_unknown_option_cannot_be_selected(store: Store) -> None:
    with pytest.raises(BootdError, match="There is no boot option"):
        store.select("bls:x:y")


async def test_options_beyond_the_limit_are_left_out_with_a_note(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "MAX_OPTIONS", 5)
    store.device_scanned(device("vda1"), options(4))
    store.device_scanned(device("vdb1"), options(4))
    state = store.state
    assert len(state.menu) == 5
    assert state.devices["vda1"].problems == ()
    (problem,) = state.devices["vdb1"].problems
    assert problem.message == "3 options are not shown: bootd lists 5 in all"


async def test_the_limit_is_that_of_the_design() -> None:
    assert store_module.MAX_OPTIONS == 4096


async def test_changes_of_one_turn_are_one_state(store: Store) -> None:
    before = store.state.revision
    for index in range(10):
        store.device_scanned(device(f"vd{index}"), options(3))
    state = await store.next_state(after=before)
    assert state.revision == before + 1
    assert len(state.menu) == 30


async def test_waiting_ends_with_the_next_change(store: Store) -> None:
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(store.next_state(after=store.state.revision))
        await asyncio.sleep(0)
        store.say("hello")
    assert waiting.result().status.message == "hello"


async def test_a_status_that_says_the_same_is_no_new_state(store: Store) -> None:
    store.say("hello")
    revision = store.state.revision
    store.say("hello")
    assert store.state.revision == revision


async def test_what_did_not_change_is_the_same_object_in_the_next_state(store: Store) -> None:
    store.device_scanned(device("vda1"), options(2))
    before = store.state
    store.device_scanned(device("vdb1"), options(1))
    after = store.state
    assert after.devices["vda1"] is before.devices["vda1"]
    assert after.menu[0] is before.menu[0]


async def test_a_tree_summary_is_shown_until_its_device_is_looked_at_again(store: Store) -> None:
    store.device_scanned(device(), options(1))
    store.note_tree(store.state.menu[0].resolved.id, "merged: board.dtb")
    assert store.state.menu[0].tree == "merged: board.dtb"
    store.device_scanned(device(), options(1))
    assert store.state.menu[0].tree == ""


async def test_an_entry_read_better_elsewhere_is_listed_once(store: Store) -> None:
    plain = BootOption(
        entry="a.conf", format="bls", source="/e/a.conf", title="plain", linux=FileRef("/k")
    )
    better = BootOption(
        entry="a.conf",
        format="bls",
        source="UUID=uuid-vdb1:/e/a.conf",
        title="better",
        linux=FileRef("/k", "UUID=uuid-vdb1"),
        entry_file=FileRef("/e/a.conf", "UUID=uuid-vdb1"),
    )
    store.device_scanned(device("vdb1"), ScanResult(options=(plain,)))
    store.device_scanned(device("vda1"), ScanResult(options=(better,)))
    assert [entry.resolved.option.title for entry in store.state.menu] == ["better"]
    store.device_removed("vda1")
    assert [entry.resolved.option.title for entry in store.state.menu] == ["plain"]
