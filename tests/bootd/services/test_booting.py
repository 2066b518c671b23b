"""Booting with real workers; a directory plays the device, and nothing is ever really loaded."""

import asyncio
import gzip
import logging
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest
import pytest_asyncio

from bootd.errors import BootdError, LoadError, MergeRefusedError
from bootd.loaders import task
from bootd.model.board import Board
from bootd.model.browsing import TreeQuery
from bootd.model.device import BlockDevice, DeviceKind
from bootd.model.machine import Machine
from bootd.model.option import BootOption, FileRef, ResolvedOption
from bootd.model.tree import TreeOrigin
from bootd.policy.resolve import resolve
from bootd.probe.prober import Prober
from bootd.probe.task import Context, Tables, TaskCall
from bootd.probe.tasks import TASKS
from bootd.protocol.codec import Json
from bootd.protocol.messages import NO_OVERRIDES, Overrides
from bootd.services import execution
from bootd.services.artefacts import tree_device, tree_request
from bootd.services.booter import Progress
from bootd.services.booting import Booting
from tests.support import trees
from tests.support.images import arm64_image, bzimage

BOARD = Machine(architecture="aarch64", kexec_load=True)
LIVE = trees.blob(trees.live_board())
SHIPPED = trees.blob(trees.board(extra={"compatible": "acme,extra"}))


def dying(_context: Context, _params: Json, _fds: list[int]) -> tuple[Json, list[int]]:
    """Play a helper that is killed in the middle of a load."""
    os.kill(os.getpid(), signal.SIGKILL)
    return None, []


def sleeping(_context: Context, _params: Json, _fds: list[int]) -> tuple[Json, list[int]]:
    """Play a load that takes long."""
    import time  # noqa: PLC0415 - runs in a helper

    time.sleep(3600)
    return None, []


@dataclass
class Place:
    """A device with an option on it, and what boots it."""

    root: Path
    prober: Prober
    live: bytes | None = LIVE
    machine: Machine = BOARD
    option: BootOption = field(
        default_factory=lambda: BootOption(
            entry="debian",
            format="extlinux",
            source="/extlinux.conf",
            title="Debian 12",
            linux=FileRef("/vmlinuz"),
            initrds=(FileRef("/initrd.img"),),
            cmdline="root=/dev/vda1 quiet",
            devicetree=FileRef("/board.dtb"),
        )
    )

    @property
    def device(self) -> BlockDevice:
        return BlockDevice(name="vda1", node=str(self.root), kind=DeviceKind.DIRECTORY, uuid="1")

    def resolved(self) -> ResolvedOption:
        return resolve(self.option, self.device, {"vda1": self.device}, "aarch64")

    def booting(self, *, rehearsal: bool = True) -> Booting:
        return Booting(
            self.prober,
            lambda: self.machine,
            find_device={"vda1": self.device}.get,
            board=lambda: Board(live=self.live),
            rehearsal=rehearsal,
        )


@pytest.fixture(params=[task.load])
def load(request: pytest.FixtureRequest) -> TaskCall:
    return cast(TaskCall, request.param)


@pytest_asyncio.fixture
async def place(tmp_path: Path, load: TaskCall) -> AsyncIterator[Place]:
    helpers = {"load": load, "unload": task.unload}
    prober = Prober.start(Tables(tasks={**TASKS, **task.CONFINED}, helpers=helpers))
    (tmp_path / "vmlinuz").write_bytes(arm64_image())
    (tmp_path / "initrd.img").write_bytes(gzip.compress(b"cpio"))
    (tmp_path / "board.dtb").write_bytes(SHIPPED)
    yield Place(tmp_path, prober)
    await prober.close()


def progress(said: list[str]) -> Progress:
    def note(doing: str, _percent: int | None) -> None:
        said.append(doing)

    return note


async def failure(place: Place, overrides: Overrides = NO_OVERRIDES) -> str:
    with pytest.raises(LoadError) as caught:
        await place.booting(rehearsal=False).boot(place.resolved(), overrides, progress([]))
    return str(caught.value)


async def test_an_explanation_names_tree_and_loader(place: Place) -> None:
    tree, loader, why = await place.booting(rehearsal=False).explain(place.resolved(), NO_OVERRIDES)
    assert tree is not None
    assert tree.summary.startswith("merged: board.dtb")
    assert loader == "kexec_load"
    assert "its own tree with this board's facts" in why


async def test_a_rehearsal_goes_the_whole_way_and_executes_nothing(place: Place) -> None:
    said: list[str] = []
    booting = place.booting()
    report = await booting.boot(place.resolved(), NO_OVERRIDES, progress(said))
    assert (report.loader, report.tree, report.executed) == ("dry_run", TreeOrigin.MERGED, False)
    assert [line.split(" ")[0] for line in said] == ["Looking", "Preparing", "Loading"]
    await booting.execute(report)


async def test_the_running_tree_is_a_choice_of_its_own(place: Place) -> None:
    tree, loader, why = await place.booting(rehearsal=False).explain(
        place.resolved(), Overrides(devicetree_mode="running")
    )
    assert tree is not None
    assert tree.origin is TreeOrigin.RUNNING
    assert (loader, why) == (
        "kexec_load",
        "kexec_load: the next kernel gets the running kernel's tree",
    )


async def test_a_locked_down_machine_refuses_and_offers_the_running_tree(place: Place) -> None:
    place.machine = replace(BOARD, kexec_load=False, kexec_file=True, kexec_refusal="locked down")
    text = await failure(place)
    assert text.startswith("cannot boot Debian 12: ")
    assert "locked down" in text
    assert "choose the tree `running`" in text


async def test_a_missing_kernel_is_named_with_its_device(place: Place) -> None:
    resolved = place.resolved()
    (place.root / "vmlinuz").unlink()
    with pytest.raises(LoadError, match=r"^cannot boot Debian 12: /vmlinuz is missing on vda1$"):
        await place.booting().boot(resolved, NO_OVERRIDES, progress([]))


async def test_an_empty_initrd_is_named(place: Place) -> None:
    (place.root / "initrd.img").write_bytes(b"")
    assert await failure(place) == "cannot boot Debian 12: the initrd /initrd.img on vda1 is empty"


async def test_a_kernel_of_another_architecture_is_refused(place: Place) -> None:
    (place.root / "vmlinuz").write_bytes(bzimage())
    assert "is for x86_64, this machine is aarch64" in await failure(place)


async def test_what_is_no_kernel_is_refused_with_its_path(place: Place) -> None:
    (place.root / "vmlinuz").write_bytes(b"hello, world")
    assert "/vmlinuz: no kernel that bootd knows" in await failure(place)


async def test_a_corrupt_dtb_is_refused_with_its_path(place: Place) -> None:
    (place.root / "board.dtb").write_bytes(SHIPPED[:200])
    assert "/board.dtb" in await failure(place)


async def test_the_dtb_of_another_board_is_a_refused_merge(place: Place) -> None:
    other = trees.blob(trees.board("other,board", compatible=["other,board", "other,soc"]))
    (place.root / "board.dtb").write_bytes(other)
    with pytest.raises(BootdError, match=r"^cannot boot Debian 12: .*board") as caught:
        await place.booting().boot(place.resolved(), NO_OVERRIDES, progress([]))
    assert isinstance(caught.value, MergeRefusedError)


async def test_a_machine_without_device_tree_needs_none(place: Place) -> None:
    place.live = None
    (place.root / "vmlinuz").write_bytes(bzimage())
    place.machine = Machine(architecture="x86_64", kexec_file=True)
    tree, loader, why = await place.booting(rehearsal=False).explain(place.resolved(), NO_OVERRIDES)
    assert tree is not None
    assert (loader, why) == ("kexec_file", "kexec_file_load: this machine has no device tree")


async def test_a_device_that_was_pulled_out_is_said(place: Place) -> None:
    booting = Booting(
        place.prober,
        lambda: BOARD,
        find_device=lambda _name: None,
        board=lambda: Board(live=LIVE),
        rehearsal=True,
    )
    with pytest.raises(LoadError, match="vda1 is not there any more"):
        await booting.boot(place.resolved(), NO_OVERRIDES, progress([]))


async def test_an_unknown_tree_mode_is_refused(place: Place) -> None:
    text = await failure(place, Overrides(devicetree_mode="mixed"))
    assert "only merged, running, shipped" in text


async def test_a_dtb_that_is_named_without_a_path_is_refused(place: Place) -> None:
    text = await failure(place, Overrides(devicetree="my.dtb"))
    assert "'my.dtb' is no path: write it from the root of its device" in text


@pytest.mark.parametrize("load", [dying], indirect=True)
async def test_a_helper_that_dies_is_a_failed_boot_and_is_cleaned_up_after(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    text = await failure(place)
    assert text.startswith("cannot boot Debian 12: the load did not finish: ")
    assert "was killed" in text
    assert caplog.records == []


@pytest.mark.parametrize("load", [sleeping], indirect=True)
async def test_only_one_boot_at_a_time_and_it_can_be_cancelled(place: Place) -> None:
    booting = place.booting()
    loading = asyncio.Event()

    def note(doing: str, _percent: int | None) -> None:
        if doing.startswith("Loading"):
            loading.set()

    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(booting.boot(place.resolved(), NO_OVERRIDES, note), name="first")
        await loading.wait()
        with pytest.raises(LoadError, match="another boot is under way"):
            await booting.boot(place.resolved(), NO_OVERRIDES, progress([]))
        first.cancel()
    assert first.cancelled()


async def test_when_the_machine_does_not_leave_the_reason_is_said(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise OSError(22, "Invalid argument", "reboot")

    way = execution.Way(leave=refuse, through_systemd=False)
    monkeypatch.setitem(execution.WAYS, "auto", lambda: way)
    booting = place.booting()
    report = replace(
        await booting.boot(place.resolved(), NO_OVERRIDES, progress([])), executed=True
    )
    with pytest.raises(LoadError, match="cannot start the loaded kernel: no kernel is loaded"):
        await booting.execute(report)


async def test_a_start_with_nothing_loaded_changes_nothing(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    await place.booting(rehearsal=False).start()
    assert caplog.records == []


def test_overrides_win_over_the_entry(tmp_path: Path) -> None:
    device = BlockDevice(name="vda1", node=str(tmp_path))
    option = BootOption(
        entry="e", format="bls", source="/e.conf", title="E", cmdline="a", devicetree_none=True
    )
    resolved = resolve(option, device, {"vda1": device}, "aarch64")
    own = tree_request(resolved, NO_OVERRIDES, Board())
    changed = tree_request(
        resolved,
        Overrides(options="b", devicetree_mode="shipped", devicetree="/x.dtb"),
        Board(),
    )
    assert (own.mode.value, own.cmdline, own.devicetree) == ("running", "a", None)
    assert (changed.mode.value, changed.cmdline, changed.devicetree) == ("shipped", "b", "/x.dtb")


def test_tree_files_on_two_devices_are_refused(tmp_path: Path) -> None:
    devices = {
        name: BlockDevice(name=name, node=str(tmp_path), label=name) for name in ("vda1", "vdb1")
    }
    option = BootOption(
        entry="e",
        format="bls",
        source="/e.conf",
        title="E",
        devicetree=FileRef("/a.dtb"),
        overlays=(FileRef("/o.dtbo", "LABEL=vdb1"),),
    )
    resolved = resolve(option, devices["vda1"], devices, "aarch64")
    with pytest.raises(LoadError, match=r"several devices \(vda1, vdb1\)"):
        tree_device(resolved, NO_OVERRIDES)


async def test_the_tree_that_would_be_booted_can_be_looked_into(place: Place) -> None:
    page = await place.booting().browse(place.resolved(), NO_OVERRIDES, TreeQuery(path="/chosen"))
    (args,) = [row for row in page.rows if row.property == "bootargs"]
    assert (args.value, args.source) == ('"root=/dev/vda1 quiet"', "boot-option")
    tree, _, _ = await place.booting().explain(place.resolved(), NO_OVERRIDES)
    assert tree is not None
    assert page.sha256 == tree.sha256


async def test_a_long_load_shows_bytes_and_its_share(place: Place) -> None:
    (place.root / "initrd.img").write_bytes(bytes(10 << 20))
    said: list[tuple[str, int | None]] = []

    def note(doing: str, percent: int | None) -> None:
        said.append((doing, percent))

    await place.booting().boot(place.resolved(), NO_OVERRIDES, note)
    read = [(doing, percent) for doing, percent in said if doing.endswith("MiB read")]
    assert ("4 of 10 MiB read", 39) in read or ("4 of 10 MiB read", 40) in read
    assert read[-1][1] == 100
    shares = [percent for _, percent in read if percent is not None]
    assert shares == sorted(shares)


async def test_a_load_can_be_cancelled_while_it_reads(place: Place) -> None:
    (place.root / "initrd.img").write_bytes(bytes(64 << 20))
    reading = asyncio.Event()

    def note(doing: str, _percent: int | None) -> None:
        if doing.endswith("MiB read"):
            reading.set()

    booting = place.booting()
    async with asyncio.TaskGroup() as tasks:
        boot = tasks.create_task(booting.boot(place.resolved(), NO_OVERRIDES, note))
        await reading.wait()
        boot.cancel()
    assert boot.cancelled()
    report = await booting.boot(place.resolved(), NO_OVERRIDES, progress([]))
    assert report.loader == "dry_run"
