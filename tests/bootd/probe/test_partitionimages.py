"""Android's partitions on a real disk: a GPT with slots, as image and as block device."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bootd.container import read_part
from bootd.formats import scan
from bootd.fsview import FsView
from bootd.linux import block_device, loop
from bootd.model.device import ANDROID
from bootd.model.option import BootOption
from bootd.probe import image, partitionimages
from bootd.probe.mounter import open_device
from bootd.probe.task import Context
from bootd.probe.tasks import open_files
from bootd.protocol.codec import Json  # noqa: TC001 - a module of values
from tests.support import android

PARTITIONS = {
    "boot_a": android.boot(4, kernel=b"kernel a", ramdisk=b""),
    "boot_b": android.boot(4, kernel=b"kernel b", ramdisk=b""),
    "vendor_boot_a": android.vendor_boot(4, cmdline="console=a"),
    "init_boot_a": android.boot(4, kernel=b"", ramdisk=b"init"),
    "misc": b"",
}

MIB = 1 << 20


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    path = tmp_path / "disk.img"
    with path.open("wb") as file:
        file.truncate((len(PARTITIONS) + 2) * MIB)
        for number, data in enumerate(PARTITIONS.values(), start=1):
            file.seek(number * MIB)
            file.write(data)
    rows = "".join(f"start={n * 2048}, size=2048, name={p}\n" for n, p in enumerate(PARTITIONS, 1))
    table = f"label: gpt\n{rows}"
    argv = ["sfdisk", "-q", "--no-reread", "--no-tell-kernel", str(path)]
    subprocess.run(argv, input=table.encode(), check=True, capture_output=True, timeout=30)
    return path


@pytest.fixture
def nodes(disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Block devices by partition name; sysfs is played: not every kernel reads partition tables."""
    block = tmp_path / "block"
    block.mkdir()
    monkeypatch.setattr(block_device, "SYSFS", str(block))
    monkeypatch.setattr(partitionimages, "SYSFS", str(block))
    found: dict[str, str] = {}
    with ExitStack() as stack:
        for number, label in enumerate(PARTITIONS, start=1):
            part = loop.attached(str(disk), offset=number * MIB, size=MIB)
            found[label] = stack.enter_context(part)
            place = tmp_path / "devices/disk" / Path(found[label]).name
            place.mkdir(parents=True)
            (place / "partition").write_text(f"{number}\n")
            (place / "uevent").write_text(f"DEVTYPE=partition\nPARTN={number}\nPARTNAME={label}\n")
            (block / place.name).symlink_to(place)
        yield found


def only(view: FsView) -> BootOption:
    result = scan(view)
    assert result.problems == ()
    (option,) = result.options
    return option


def check_slot_a(view: FsView) -> BootOption:
    option = only(view)
    assert (option.format, option.title) == ("android", "Android (boot_a.img)")
    assert option.cmdline == "console=a androidboot.slot_suffix=_a"
    assert option.linux is not None
    files = [(ref.path, ref.part) for ref in (option.linux, *option.initrds)]
    assert files == [
        ("/boot_a.img", "kernel"),
        ("/vendor_boot_a.img", "vendor_ramdisk:0"),
        ("/init_boot_a.img", "ramdisk"),
    ]
    parts = [read_part(view, path, part, 4096) for path, part in files]
    assert parts == [b"kernel a", b"vendor", b"init"]
    return option


def test_the_slots_of_a_disk_image_are_devices(disk: Path) -> None:
    found = image.find(str(disk), "mmcblk0")
    assert [(s.device.name, s.device.partlabel, s.device.fstype) for s in found] == [
        ("mmcblk0p1", "boot_a", ANDROID),
        ("mmcblk0p2", "boot_b", ANDROID),
        ("mmcblk0p4", "init_boot_a", ANDROID),
    ]
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - no path is wanted
    with image.opened(found[0]) as view:
        check_slot_a(view)
    with image.opened(found[1]) as view:
        option = only(view)
        assert option.cmdline == "androidboot.slot_suffix=_b"
        assert option.notes == ("there is no vendor_boot_b.img beside it",)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - ditto


def test_an_image_of_one_partition_is_called_boot(tmp_path: Path) -> None:
    path = tmp_path / "pmos.bin"
    path.write_bytes(android.boot(2, cmdline="a=b"))
    (found,) = image.find(str(path), "sda")
    with image.opened(found) as view:
        assert only(view).title == "Android (boot.img)"
        assert only(view).cmdline == "a=b"


@pytest.mark.root
def test_a_partition_of_a_device_is_read_with_those_beside_it(nodes: dict[str, str]) -> None:
    opened = open_device(nodes["boot_a"], ANDROID)
    option = check_slot_a(opened.view)
    refs = [option.linux, *option.initrds]
    paths: list[Json] = [ref.path for ref in refs if ref]
    parts: list[Json] = [ref.part for ref in refs if ref]
    context = Context(fs=opened.view, open_file=opened.open_file)
    answer, fds = open_files(context, {"paths": paths, "parts": parts}, [])
    assert answer == {"sizes": [8, 6, 4]}
    assert [os.read(fd, 100) for fd in fds] == [b"kernel a", b"vendor", b"init"]
    for fd in fds:
        os.close(fd)


@pytest.mark.root
def test_a_partition_of_that_name_with_something_else_has_no_options(tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(bytes(MIB))
    with loop.attached(str(tmp_path / "image")) as node:
        result = scan(open_device(node, ANDROID).view)
    assert (result.options, result.problems) == ((), ())
