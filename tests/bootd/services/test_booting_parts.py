"""Kernels, initrds and trees inside containers go all the way to the loader, with real workers."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bootd.errors import BootdError
from bootd.formats import scan
from bootd.linux.dirview import DirView
from bootd.loaders import task
from bootd.model.board import Board
from bootd.model.device import BlockDevice, DeviceKind
from bootd.model.load import LoadReport
from bootd.model.machine import Machine
from bootd.model.tree import TreeOrigin
from bootd.policy.resolve import resolve
from bootd.probe.prober import Prober
from bootd.probe.task import Tables
from bootd.probe.tasks import TASKS
from bootd.protocol.messages import NO_OVERRIDES
from bootd.services.booting import Booting
from tests.support import trees
from tests.support.containers import Configuration, Image, fit, script, uimage
from tests.support.images import arm64_image

LIVE = trees.blob(trees.live_board())
SHIPPED = trees.blob(trees.board(extra={"compatible": "acme,extra"}))
INITRD = gzip.compress(b"cpio" * 500)


@pytest_asyncio.fixture
async def prober() -> AsyncIterator[Prober]:
    helpers = {"load": task.load, "unload": task.unload}
    made = Prober.start(Tables(tasks={**TASKS, **task.CONFINED}, helpers=helpers))
    yield made
    await made.close()


async def boot(prober: Prober, root: Path) -> LoadReport:
    """Boot the first option that is found on a directory, in a rehearsal."""
    device = BlockDevice(name="vda1", node=str(root), kind=DeviceKind.DIRECTORY, uuid="1")
    result = await prober.scan(device)
    option = resolve(result.options[0], device, {"vda1": device}, "aarch64")
    assert option.bootable
    machine = Machine(architecture="aarch64", kexec_load=True)
    booting = Booting(
        prober,
        lambda: machine,
        find_device={"vda1": device}.get,
        board=lambda: Board(live=LIVE),
        rehearsal=True,
    )
    return await booting.boot(option, NO_OVERRIDES, lambda _doing, _percent: None)


def write(root: Path, **files: bytes) -> None:
    for name, data in files.items():
        (root / name.replace("_", ".")).write_bytes(data)


@pytest.mark.parametrize("external", [False, True], ids=["inside", "external"])
async def test_a_fit_image_is_booted(prober: Prober, tmp_path: Path, *, external: bool) -> None:
    images = {
        "kernel-1": Image(data=arm64_image()),
        "fdt-1": Image(data=SHIPPED, kind="flat_dt"),
        "ramdisk-1": Image(data=INITRD, kind="ramdisk"),
    }
    configuration = Configuration(fdt=["fdt-1"], ramdisk="ramdisk-1")
    write(tmp_path, os_itb=fit(images, {"conf-1": configuration}, "conf-1", external=external))
    report = await boot(prober, tmp_path)
    assert (report.tree, report.executed) == (TreeOrigin.MERGED, False)


async def test_a_damaged_kernel_inside_a_fit_image_is_refused(
    prober: Prober, tmp_path: Path
) -> None:
    kernel = arm64_image()
    blob = fit({"kernel-1": Image(data=kernel)}, {"conf-1": Configuration()})
    at = blob.index(kernel) + len(kernel) - 1
    write(tmp_path, os_itb=blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :])
    with pytest.raises(BootdError, match="the part is damaged: its sha256 does not match"):
        await boot(prober, tmp_path)


async def test_a_script_with_an_initrd_of_mkimage_is_booted(prober: Prober, tmp_path: Path) -> None:
    text = """
    load mmc 0:1 ${kernel_addr_r} Image
    load mmc 0:1 ${ramdisk_addr_r} uInitrd
    load mmc 0:1 ${fdt_addr_r} ${fdtfile}
    booti ${kernel_addr_r} ${ramdisk_addr_r} ${fdt_addr_r}
    """
    write(tmp_path, boot_scr=script(text), Image=arm64_image(), uInitrd=uimage(INITRD, 3))
    write(tmp_path, board_dtb=SHIPPED)
    report = await boot(prober, tmp_path)
    assert report.tree is TreeOrigin.MERGED


def test_a_directory_gives_ranges_of_a_file(tmp_path: Path) -> None:
    import os  # noqa: PLC0415 - in this test only

    write(
        tmp_path,
        a=b"0123456789",
        os_itb=fit({"k": Image(data=b"k")}, {"c": Configuration(kernel="k")}),
    )
    fd = os.open(tmp_path, os.O_PATH | os.O_CLOEXEC)
    try:
        view = DirView(fd)
        assert view.read_range("/a", 3, 4) == b"3456"
        assert view.read_range("/a", 8, 4) == b"89"
        assert view.read_range("/a", 20, 4) == b""
        assert scan(view).options[0].format == "fit"
    finally:
        os.close(fd)
