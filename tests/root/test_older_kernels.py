"""The prober on kernels that lack what confines workers: it works, is as safe, and says so."""

import asyncio
import os
from pathlib import Path

import pytest

from bootd.errors import BootdError
from bootd.linux import privilege
from bootd.model.device import BlockDevice, DeviceKind
from bootd.probe.prober import Prober
from tests.support import loopdisk, probing
from tests.support.attacks import ATTACKS
from tests.support.child import in_child
from tests.support.without import FEATURES, hide

pytestmark = pytest.mark.root

READING = ("read a file of the system", "list the devices", "write a file", "list the root")
CALLING = ("run a program", "fork", "open a network socket", "load a kernel", "mount")

STOPPED = {
    "namespaces": (*READING, *CALLING),
    "namespaces (bootd runs without root)": (*READING, *CALLING),
    "Landlock": (*READING[:-1], *CALLING),  # the root directory holds libraries, and is not its own
    "system-call filter": (*READING, "load a kernel", "mount", "fork"),
    "openat2": (*READING, *CALLING),
    "fsmount": (*READING, *CALLING),
}
"""By what is missing: attacks that fail all the same."""


def probe(image: Path, feature: str) -> None:
    """Scan a disk and attack its worker in a process whose kernel lacks a feature."""
    with loopdisk.attached(image) as name:
        device = BlockDevice(name=name, node=f"/dev/{name}", fstype="ext4", kind=DeviceKind.DISK)
        hide([feature])
        asyncio.run(_probe(device, feature))


async def _probe(device: BlockDevice, feature: str) -> None:
    prober = Prober.start(probing.TABLES)
    try:
        result = await prober.scan(device)
        assert [option.title for option in result.options] == ["a", "b"]
        assert any(feature in each for each in prober.unprotected), prober.unprotected
        for attack in STOPPED[feature]:
            async with prober.session(device) as session:
                try:
                    await session.call("attack", attack, timeout_s=8)
                except (OSError, BootdError):
                    continue
            raise AssertionError(f"{attack} worked without {feature}")
    finally:
        await prober.close()


def mounted_disks() -> set[str]:
    lines = Path("/proc/mounts").read_text().splitlines()
    return {line for line in lines if line.startswith("/dev/loop")}


@pytest.mark.parametrize("feature", FEATURES)
def test_a_disk_is_read_and_its_worker_confined_without(feature: str, tmp_path: Path) -> None:
    image = loopdisk.make_image(tmp_path / "disk", {"/entries/a": "", "/entries/b": ""})
    mounts = mounted_disks()
    assert in_child(lambda: probe(image, feature)) == 0
    assert mounted_disks() <= mounts


def test_without_root_the_rest_confines_a_worker(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    for name in ("a", "b"):
        (tmp_path / "entries").mkdir(exist_ok=True)
        (tmp_path / "entries" / name).write_text("")
    device = BlockDevice(name="demo", node=str(tmp_path), kind=DeviceKind.DIRECTORY)

    def scan() -> None:
        privilege.drop()
        asyncio.run(_probe(device, "namespaces (bootd runs without root)"))

    assert in_child(scan) == 0


def test_all_attacks_that_are_named_here_exist() -> None:
    assert {each for names in STOPPED.values() for each in names} <= ATTACKS.keys()


def test_a_worker_on_this_kernel_goes_without_nothing() -> None:
    async def ask() -> tuple[str, ...]:
        prober = Prober.start(probing.TABLES)
        await prober.run("rights", None, timeout_s=5)
        await prober.close()
        return prober.unprotected

    assert asyncio.run(ask()) == ()
    assert os.geteuid() == 0
