"""LVM, mirrors, LUKS, multipath, btrfs on several disks, made by their own tools; a whole daemon.

In a guest, see tests/support/disksguest.py: this machine's kernel may have no device mapper.
"""

import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bootd.errors import CallError
from bootd.linux import dm
from tests.support import loopdisk
from tests.support.loopdisk import digest
from tests.support.rawdaemon import RawDaemon, running
from tests.support.udevd import settle

pytestmark = [pytest.mark.dm, pytest.mark.timeout(240)]

RULES = Path(__file__).parents[2] / "units/72-bootd-volumes.rules"
LVM = "devices{use_devicesfile=0} activation{udev_sync=0 udev_rules=0} backup{backup=0 archive=0}"
PASSPHRASE = "let me in"  # noqa: S105 - of a fake


def sh(*words: str, stdin: str = "") -> str:
    done = subprocess.run(words, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


def blank(folder: Path, name: str, size_mb: int = 48) -> Path:
    image = folder / name
    with image.open("wb") as file:
        file.truncate(size_mb << 20)
    return image


def entry(title: str) -> dict[str, str]:
    return {"/loader/entries/a.conf": f"title {title}\nlinux /vmlinuz\n", "/vmlinuz": "kernel"}


def fill(node: str, folder: Path, title: str) -> None:
    """Make an ext4 with one entry on a block device."""
    tree = folder / f"{title}.tree"
    loopdisk.make_tree(tree, entry(title))
    sh("mkfs.ext4", "-q", "-F", "-d", str(tree), node)


@pytest.fixture(scope="module", autouse=True)
def rules() -> Iterator[None]:
    """Have udev know the rules of the product, and not those that put things together at once."""
    folder = Path("/run/udev/rules.d")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RULES.name).write_bytes(RULES.read_bytes())
    for name in ("64-md-raid-assembly.rules", "69-lvm.rules"):
        (folder / name).touch()
    sh("udevadm", "control", "--reload")
    yield
    for file in folder.iterdir():
        file.unlink()
    sh("udevadm", "control", "--reload")


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[RawDaemon]:
    async with running(tmp_path) as daemon:
        yield daemon
    for name in dm.names():
        dm.remove(name)
    settle()


@pytest.fixture
def plugs() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def plug(plugs: ExitStack, image: Path) -> str:
    return plugs.enter_context(loopdisk.attached(image, read_only=False))


def volume_group(folder: Path) -> tuple[Path, Path]:
    """Make two disks of a group with a volume on each and one, in stripes, on both."""
    images = blank(folder, "one"), blank(folder, "two")
    with ExitStack() as stack:
        one, two = (
            f"/dev/{stack.enter_context(loopdisk.attached(i, read_only=False))}" for i in images
        )
        sh("lvm", "pvcreate", "--config", LVM, one, two)
        sh("lvm", "vgcreate", "--config", LVM, "vg-0", one, two)
        for name, where in (("root", [one]), ("home", [two]), ("fast", ["-i2", one, two])):
            options = [word for word in where if word.startswith("-")]
            disks = [word for word in where if not word.startswith("-")]
            create = ["lvcreate", "--config", LVM, "-y", "-Wy", "-L", "16M", "-n", name, *options]
            sh("lvm", *create, "vg-0", *disks)
            fill(f"/dev/mapper/vg--0-{name}", folder, name)
        sh("lvm", "vgchange", "--config", LVM, "-an", "vg-0")
        settle()
    return images


async def test_volumes_of_lvm_are_shown_as_soon_as_their_disks_are_there(
    daemon: RawDaemon, tmp_path: Path, plugs: ExitStack
) -> None:
    one, two = volume_group(tmp_path)
    before = digest(one), digest(two)
    first = plug(plugs, one)
    await daemon.until_titles("root")
    member = (await daemon.devices())[first]
    assert member.fstype == "LVM2_member"
    said = [problem.message for problem in member.problems]
    assert said == [
        f"{first}: home is not shown: a disk of vg-0 is missing",
        f"{first}: fast is not shown: a disk of vg-0 is missing",
    ]
    with loopdisk.attached(two, read_only=False):
        await daemon.until_titles("root", "home", "fast")
        devices = await daemon.devices()
        assert devices[first].problems == ()
        assert {each.model for each in devices.values()} >= {"vg-0-root"}
    await daemon.until_titles("root")
    plugs.close()
    await daemon.until("all gone", lambda devices: not devices)
    loopdisk.settled(lambda: not dm.names())
    assert (digest(one), digest(two)) == before


async def test_a_mirror_is_shown_from_its_newest_half_and_neither_is_written(
    daemon: RawDaemon, tmp_path: Path, plugs: ExitStack
) -> None:
    images = blank(tmp_path, "one"), blank(tmp_path, "two")
    with ExitStack() as stack:
        one, two = (
            f"/dev/{stack.enter_context(loopdisk.attached(i, read_only=False))}" for i in images
        )
        create = ["mdadm", "--create", "/dev/md9", "--run", "--level=1", "--raid-devices=2"]
        sh(*create, "--metadata=1.2", "--homehost=any", "--name=boot", one, two)
        fill("/dev/md9", tmp_path, "mirrored")
        sh("mdadm", "--wait-clean", "/dev/md9")
        sh("mdadm", "--stop", "/dev/md9")
        settle()
    before = [digest(image) for image in images]
    for image in images:
        plug(plugs, image)
    await daemon.until_titles("mirrored")
    plugs.close()
    await daemon.until("all gone", lambda devices: not devices)
    assert [digest(image) for image in images] == before


async def test_a_mirror_that_the_system_runs_hides_its_halves(
    daemon: RawDaemon, tmp_path: Path, plugs: ExitStack
) -> None:
    images = blank(tmp_path, "one"), blank(tmp_path, "two")
    one, two = (f"/dev/{plug(plugs, image)}" for image in images)
    create = ["mdadm", "--create", "/dev/md9", "--run", "--level=1", "--raid-devices=2"]
    sh(*create, "--metadata=1.0", one, two)
    try:
        fill("/dev/md9", tmp_path, "running")
        sh("udevadm", "trigger", "--action=change", "/dev/md9")
        await daemon.until_titles("running")
        await daemon.until("only the array", lambda devices: set(devices) == {"md9"})
    finally:
        sh("mdadm", "--stop", "/dev/md9")


async def test_a_locked_disk_is_opened_with_its_passphrase_and_not_written(
    daemon: RawDaemon, tmp_path: Path, plugs: ExitStack
) -> None:
    image = blank(tmp_path, "locked")
    with loopdisk.attached(image, read_only=False) as name:
        quick = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"]
        format_it = ["cryptsetup", "luksFormat", "-q", "--type", "luks2", *quick]
        sh(*format_it, "--key-file", "-", f"/dev/{name}", stdin=PASSPHRASE)
        opened = ["cryptsetup", "open", "--key-file", "-", f"/dev/{name}", "filling"]
        sh(*opened, stdin=PASSPHRASE)
        fill("/dev/mapper/filling", tmp_path, "secret")
        sh("cryptsetup", "close", "filling")
        settle()
    before = digest(image)
    name = plug(plugs, image)
    await daemon.until("locked", lambda devices: name in devices and devices[name].locked)
    with pytest.raises(CallError, match="the passphrase is wrong"):
        await daemon.client.unlock(name, "guess", by="a test")
    await daemon.client.unlock(name, PASSPHRASE, by="a test")
    await daemon.until_titles("secret")
    await daemon.until("the locked one hidden", lambda devices: name not in devices)
    for secret in (PASSPHRASE, "guess"):
        assert secret not in daemon.output()
    for made in dm.names():
        dm.remove(made)
    await daemon.until("locked again", lambda devices: name in devices and devices[name].locked)
    assert digest(image) == before


async def test_one_disk_on_two_paths_is_shown_once(
    daemon: RawDaemon, tmp_path: Path, plugs: ExitStack
) -> None:
    image = loopdisk.make_image(tmp_path / "image", entry("multi"))
    one, two = plug(plugs, image), plug(plugs, image)
    await daemon.until_titles("multi", "multi")
    sectors = image.stat().st_size // 512
    paths = " ".join(f"round-robin 0 1 1 /dev/{path} 1" for path in (one, two))
    sh(
        "dmsetup",
        "create",
        "mpatha",
        "--uuid",
        "mpath-1",
        stdin=f"0 {sectors} multipath 0 0 2 1 {paths}\n",
    )
    try:
        await daemon.until("one device", lambda devices: [*devices] == ["dm-0"])
        await daemon.until_titles("multi")
    finally:
        sh("dmsetup", "remove", "--retry", "mpatha")
    await daemon.until("both again", lambda devices: set(devices) == {one, two})


async def test_two_disks_with_one_uuid_are_both_shown_under_their_names(
    daemon: RawDaemon, tmp_path: Path, plugs: ExitStack
) -> None:
    image = loopdisk.make_image(
        tmp_path / "image", entry("twin"), uuid="6b1c0a52-8a0e-4f7e-9d6e-3d8c4f1f0a11"
    )
    copy = tmp_path / "copy"
    copy.write_bytes(image.read_bytes())
    names = {plug(plugs, image), plug(plugs, copy)}
    await daemon.until_titles("twin", "twin")
    options = await daemon.options()
    assert {option.device for option in options} == names
    assert len({option.id for option in options}) == 2


async def test_a_btrfs_on_two_disks_is_shown_once_when_both_are_there(
    daemon: RawDaemon, tmp_path: Path, plugs: ExitStack
) -> None:
    images = blank(tmp_path, "one", 128), blank(tmp_path, "two", 128)
    with ExitStack() as stack:
        nodes = [
            f"/dev/{stack.enter_context(loopdisk.attached(i, read_only=False))}" for i in images
        ]
        sh("mkfs.btrfs", "-q", "-d", "raid0", "-m", "raid1", *nodes)
        place = tmp_path / "place"
        place.mkdir()
        sh("mount", nodes[0], str(place))
        loopdisk.make_tree(place, entry("spread"))
        sh("umount", str(place))
        settle()
    before = [digest(image) for image in images]
    for image in images:
        plug(plugs, image)
    await daemon.until_titles("spread")
    plugs.close()
    assert [digest(image) for image in images] == before
