"""Disks that belong together: what is asked of the helpers, and what is told of the disks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bootd.errors import ProbeError
from bootd.linux import block_device
from bootd.model.device import BlockDevice
from bootd.model.option import ScanResult
from bootd.model.stack import Member, Piece, Place, Volume
from bootd.protocol.codec import Json, to_json
from bootd.protocol.messages import Status
from bootd.services.stacks import Stacks
from bootd.services.store import Store
from tests.support.waiting import eventually


@dataclass
class FakeReader:
    """Has members by kernel name, and notes what helpers are asked."""

    members: dict[str, Json] = field(default_factory=dict)
    asked: list[tuple[str, Json]] = field(default_factory=list)
    refusal: OSError | None = None

    async def ask(self, device: BlockDevice, task: str, /, *, timeout_s: float) -> Json:
        assert task == "member"
        assert timeout_s > 0
        found = self.members[device.name]
        if isinstance(found, str):
            raise OSError(117, found)
        return found

    async def run(self, task: str, params: Json, /, *, timeout_s: float) -> tuple[Json, list[int]]:
        assert timeout_s > 0
        self.asked.append((task, params))
        if self.refusal is not None and task == "assemble":
            raise self.refusal
        return None, []


def disk(name: str, fstype: str = "LVM2_member") -> BlockDevice:
    return BlockDevice(name=name, node=f"/dev/{name}", fstype=fstype, disk=name)


def member(uuid: str, *, sequence: int = 1) -> Json:
    root = Volume(
        name="root",
        uuid="R",
        pieces=tuple(
            Piece(length=64, places=(Place(member=each, start=2048),)) for each in ("A", "B")
        ),
    )
    return to_json(Member(uuid=uuid, group="G", name="vg", sequence=sequence, volumes=(root,)))


@dataclass
class Bench:
    store: Store
    reader: FakeReader
    stacks: Stacks

    async def plug(self, device: BlockDevice) -> ScanResult:
        self.store.device_found(device)
        result = await self.stacks.scan(device)
        self.store.device_scanned(device, result)
        return result

    def told(self, name: str) -> list[str]:
        return [problem.message for problem in self.store.state.devices[name].problems]

    async def until_asked(self, *tasks: str) -> None:
        async def ask() -> bool:
            return [task for task, _ in self.reader.asked] == list(tasks)

        await eventually(ask)


@asynccontextmanager
async def bench(**members: Json) -> AsyncIterator[Bench]:
    store, reader = Store(Status(architecture="aarch64")), FakeReader(dict(members))
    stacks = Stacks(store, reader)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(stacks.run())
        yield Bench(store, reader, stacks)
        running.cancel()


async def test_a_volume_is_made_once_when_its_last_disk_comes_and_goes_with_the_first() -> None:
    async with bench(sda=member("A"), sdb=member("B")) as it:
        await it.plug(disk("sda"))

        async def waits() -> bool:
            return it.told("sda") == ["sda: root is not shown: a disk of vg is missing"]

        await eventually(waits)
        await it.plug(disk("sdb"))
        await it.until_asked("assemble")
        lines: Json = [
            {"length": 64, "stripe": 0, "places": [["/dev/sda", 2048]]},
            {"length": 64, "stripe": 0, "places": [["/dev/sdb", 2048]]},
        ]
        wanted: Json = {"name": "bootd-vg-root", "uuid": "bootd-G-R", "lines": lines}
        assert it.reader.asked == [("assemble", wanted)]
        assert it.told("sda") == it.told("sdb") == []
        await it.plug(disk("sda"))  # a rescan
        it.store.device_removed("sdb")
        await it.until_asked("assemble", "dismantle")
        assert it.reader.asked[1] == ("dismantle", {"name": "bootd-vg-root"})


async def test_volumes_go_with_the_daemon() -> None:
    async with bench(sda=member("A"), sdb=member("B")) as it:
        await it.plug(disk("sda"))
        await it.plug(disk("sdb"))
        await it.until_asked("assemble")
    assert [task for task, _ in it.reader.asked] == ["assemble", "dismantle"]


async def test_what_the_kernel_refuses_is_told_and_not_tried_again_and_again() -> None:
    async with bench(sda=member("A"), sdb=member("B")) as it:
        it.reader.refusal = OSError(19, "this kernel has no device mapper")
        await it.plug(disk("sda"))
        await it.plug(disk("sdb"))

        async def told() -> bool:
            return "vg-root cannot be put together: this kernel has no" in "".join(it.told("sda"))

        await eventually(told)
        it.store.say("something happens")
        await asyncio.sleep(0.05)
        assert len(it.reader.asked) == 1


async def test_a_locked_disk_says_so_and_is_not_read() -> None:
    async with bench() as it:
        await it.plug(disk("sdc", "crypto_LUKS"))
        assert it.told("sdc") == [
            "sdc: it is locked; give its passphrase to see what is on it"
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("its LVM metadata are damaged", "cannot be read: its LVM metadata are damaged"),
        ({"uuid": 3}, "its worker answered nonsense"),
        (None, "its worker answered nonsense"),
    ],
)
async def test_nonsense_is_the_problem_of_its_disk(answer: Json, words: str) -> None:
    async with bench(sda=answer) as it:
        it.store.device_found(disk("sda"))
        with pytest.raises(ProbeError, match=words):
            await it.stacks.scan(disk("sda"))
        assert it.reader.asked == []


async def test_a_volume_within_a_volume_is_left_to_other_tools(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(block_device, "SYSFS", str(tmp_path))
    (tmp_path / "dm-0/dm").mkdir(parents=True)
    (tmp_path / "dm-0/dm/uuid").write_text("bootd-G-R\n")
    async with bench() as it:
        await it.plug(disk("dm-0"))
        assert "only lvm or mdadm" in it.told("dm-0")[0]
        assert it.reader.asked == []
