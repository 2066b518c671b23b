"""Which place is taken for what is remembered."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from zlib import crc32

import pytest

from bootd.model.device import BlockDevice, DeviceKind
from bootd.model.remembered import Remembered
from bootd.probe.remembering import remember
from bootd.protocol import memory
from bootd.protocol.codec import Json
from bootd.protocol.messages import Status
from bootd.services.keeping import Keeping
from bootd.services.settings import NOT_PERSISTED, Settings
from bootd.services.store import Store
from tests.support.waiting import eventually

PARTITION = BlockDevice(name="vda3", node="/dev/vda3", label="bootd-state", fstype="ext4")


class Disks:
    """Plays partitions in memory, and does the rest as a helper would.

    Attributes:
        texts: What is kept on each node.
        asked: Kinds of place that were asked, in order.
    """

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.asked: list[str] = []

    async def run(self, params: Json) -> Json:
        assert isinstance(params, dict)
        at, text = params["at"], params["text"]
        assert isinstance(at, dict)
        self.asked.append(str(at["kind"]))
        if at["kind"] != "partition":
            return remember(None, params, [])[0]
        node = str(at["path"])
        if isinstance(text, str):
            self.texts[node] = text
        elif node == "/dev/dead":
            raise OSError(5, "the medium failed")
        return self.texts.get(node)


class Bench:
    """A machine below a folder, and its state."""

    def __init__(self, root: Path, choice: str = "auto") -> None:
        (root / "run").mkdir(exist_ok=True)
        self.disks = Disks()
        self.settings = Settings()
        self.store = Store(Status(architecture="aarch64"))
        self.keeping = Keeping(
            self.settings,
            self.store,
            self.disks.run,
            choice=choice,
            root=str(root),
            folder=str(root / "run"),
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            both = [
                tasks.create_task(self.settings.run()),
                tasks.create_task(self.keeping.run()),
            ]
            await self.loaded()
            try:
                yield
            finally:
                for each in both:
                    each.cancel()

    async def loaded(self) -> None:
        async def done() -> bool:
            return not self.settings.loading

        await eventually(done)

    async def keep(self, name: str) -> None:
        self.settings.replace(default=name)
        await self.settings.saved()


def environment(root: Path, copies: int = 2, *, saved: bool = True) -> None:
    body = b"board=acme\0\0".ljust(0x3FB if copies == 2 else 0x3FC, b"\0")
    head = crc32(body).to_bytes(4, "little") + (b"\1" if copies == 2 else b"")
    (root / "flash").write_bytes((head + body if saved else bytes(0x400)) * copies)
    (root / "etc").mkdir(exist_ok=True)
    lines = [f"/flash {0x400 * number:#x} 0x400\n" for number in range(copies)]
    (root / "etc/fw_env.config").write_text("".join(lines))


def firmware(root: Path) -> Path:
    folder = root / "sys/firmware/efi/efivars"
    folder.mkdir(parents=True)
    (folder / "BootOrder-x").write_bytes(b"\7\0\0\0")
    return folder


async def test_a_machine_with_no_place_says_so_and_a_daemon_that_dies_loses_nothing(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    async with bench.running():
        await bench.keep("a")
        assert bench.settings.where == NOT_PERSISTED
    again = Bench(tmp_path)
    async with again.running():
        assert again.settings.remembered == Remembered(default="a")
        assert again.settings.where == NOT_PERSISTED
    assert again.disks.asked == [], "no process for what is in memory"


async def test_the_folder_is_taken_before_the_environment_and_the_firmware(tmp_path: Path) -> None:
    (tmp_path / "var/lib/bootd").mkdir(parents=True)
    environment(tmp_path)
    firmware(tmp_path)
    bench = Bench(tmp_path)
    async with bench.running():
        assert bench.disks.asked == [], "an empty folder need not be read"
        await bench.keep("a")
        assert bench.settings.where == f"kept in {tmp_path}/var/lib/bootd"
    assert memory.read((tmp_path / "var/lib/bootd/state.json").read_bytes())[0].default == "a"


async def test_the_environment_is_taken_before_the_firmware(tmp_path: Path) -> None:
    environment(tmp_path)
    firmware(tmp_path)
    bench = Bench(tmp_path)
    async with bench.running():
        await bench.keep("a")
        assert bench.settings.where == "kept in U-Boot's environment"
    again = Bench(tmp_path)
    async with again.running():
        assert again.settings.remembered == Remembered(default="a")


async def test_the_firmware_is_taken_where_there_is_nothing_else(tmp_path: Path) -> None:
    folder = firmware(tmp_path)
    bench = Bench(tmp_path)
    async with bench.running():
        await bench.keep("a")
        assert bench.settings.where == "kept in an EFI variable"
    assert len(list(folder.iterdir())) == 2


async def test_an_environment_with_one_copy_is_taken_only_when_it_is_named(tmp_path: Path) -> None:
    environment(tmp_path, copies=1)
    bench, named = Bench(tmp_path), Bench(tmp_path, "uboot")
    async with bench.running(), named.running():
        assert bench.settings.where == NOT_PERSISTED
        await named.keep("a")
        assert named.settings.where == "kept in U-Boot's environment"


async def test_a_place_that_cannot_be_read_is_told_and_the_next_one_is_taken(
    tmp_path: Path,
) -> None:
    environment(tmp_path, saved=False)
    firmware(tmp_path)
    bench = Bench(tmp_path)
    async with bench.running():
        await bench.keep("a")
        assert bench.settings.where.startswith("kept in an EFI variable; what is kept in U-Boot's")
        assert "never saved" in bench.settings.where


async def test_none_keeps_nothing_even_where_it_could(tmp_path: Path) -> None:
    (tmp_path / "var/lib/bootd").mkdir(parents=True)
    bench = Bench(tmp_path, "none")
    async with bench.running():
        await bench.keep("a")
        assert bench.settings.where == NOT_PERSISTED
    assert list((tmp_path / "var/lib/bootd").iterdir()) == []


async def test_a_folder_that_is_named_is_made(tmp_path: Path) -> None:
    bench = Bench(tmp_path, str(tmp_path / "my/state"))
    async with bench.running():
        await bench.keep("a")
    assert (tmp_path / "my/state/state.json").exists()


async def test_a_state_partition_that_comes_late_takes_over(tmp_path: Path) -> None:
    (tmp_path / "var/lib/bootd").mkdir(parents=True)
    bench = Bench(tmp_path)
    bench.disks.texts["/dev/vda3"] = memory.write(Remembered(default="kept there")).decode()
    async with bench.running():
        await bench.keep("a")
        bench.store.device_found(PARTITION)

        async def is_taken() -> bool:
            return bench.settings.where == "kept on the partition vda3"

        await eventually(is_taken)
        assert bench.settings.remembered.default == "kept there"
        await bench.keep("b")
    assert memory.read(bench.disks.texts["/dev/vda3"].encode())[0].default == "b"
    assert memory.read((tmp_path / "var/lib/bootd/state.json").read_bytes())[0].default == "a"


async def test_an_empty_state_partition_gets_what_was_kept_elsewhere(tmp_path: Path) -> None:
    environment(tmp_path)
    bench = Bench(tmp_path)
    async with bench.running():
        await bench.keep("a")
        bench.store.device_found(PARTITION)

        async def is_written() -> bool:
            return "/dev/vda3" in bench.disks.texts

        await eventually(is_written)
    assert memory.read(bench.disks.texts["/dev/vda3"].encode())[0].default == "a"


@pytest.mark.parametrize(
    "device",
    [
        BlockDevice(name="sda1", node="/dev/sda1", label="bootd-state", fstype="ext4",
                    kind=DeviceKind.USB),
        BlockDevice(name="sda1", node="/dev/sda1", label="bootd-state", fstype="ext4",
                    removable=True),
        BlockDevice(name="sda1", node="/dev/sda1", label="bootd-state", fstype="ntfs"),
        BlockDevice(name="sda1", node="/dev/sda1", label="data", fstype="ext4"),
    ],
    ids=["a stick", "a removable medium", "an unknown file system", "another label"],
)  # fmt: skip
async def test_not_every_partition_takes_over(tmp_path: Path, device: BlockDevice) -> None:
    bench = Bench(tmp_path)
    async with bench.running():
        bench.store.device_found(device)
        await asyncio.sleep(0.1)
        assert not bench.settings.loading
    assert bench.disks.asked == []


async def test_a_partition_that_is_named_may_be_a_stick(tmp_path: Path) -> None:
    stick = BlockDevice(name="sdx1", node="/dev/sdx1", fstype="vfat", kind=DeviceKind.USB)
    bench = Bench(tmp_path, "/dev/sdx1")
    async with bench.running():
        bench.store.device_found(stick)
        await bench.loaded()

        async def is_taken() -> bool:
            return bench.settings.where == "kept on the partition sdx1"

        await eventually(is_taken)


async def test_a_dead_state_partition_leaves_the_next_place_and_is_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    async with bench.running():
        bench.store.device_found(
            BlockDevice(name="dead", node="/dev/dead", partlabel="bootd-state", fstype="vfat")
        )

        async def is_told() -> bool:
            return "the medium failed" in bench.settings.where

        await eventually(is_told)
        assert bench.settings.where.startswith("not persisted; ")


async def test_what_another_program_has_written_is_read_at_a_reload(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.store.device_found(PARTITION)
    async with bench.running():

        async def taken() -> bool:
            return bench.settings.where == "kept on the partition vda3"

        await eventually(taken)
        await bench.keep("bls:a:b")
        await bench.settings.saved()
        confirmed = Remembered(default="bls:a:b", last_good="bls:a:b")
        bench.disks.texts["/dev/vda3"] = memory.write(confirmed).decode()
        bench.keeping.read_again()
        await bench.loaded()
        assert bench.settings.remembered == confirmed
