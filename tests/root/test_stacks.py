"""Disks that belong together, made by their own tools: LVM, a btrfs on two, copies of a disk.

What the device mapper would be told is compared with what lvm2 says: this machine need have none.
"""

import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest

from bootd.errors import ProtocolError
from bootd.linux import dm
from bootd.policy.stacks import plan
from bootd.probe import stacking
from bootd.probe.members import read
from bootd.probe.task import Context
from bootd.protocol.codec import Json
from tests.support import loopdisk
from tests.support.loopdisk import digest
from tests.support.rawdaemon import RawDaemon, running
from tests.support.udevd import settle, udevd

pytestmark = [pytest.mark.root, pytest.mark.timeout(120)]

LVM = (
    'devices{use_devicesfile=0 filter=["a|^/dev/loop|","r|.*|"]} backup{backup=0 archive=0}'
    " activation{udev_sync=0 udev_rules=0}"
)
EXTENT = 4 << 20


def sh(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


def lvm(verb: str, *words: str) -> str:
    """Run a tool of LVM's that needs no device mapper."""
    return sh("lvm", verb, "--driverloaded", "n", "--config", LVM, *words)


def blank(folder: Path, name: str, size_mb: int = 48) -> Path:
    image = folder / name
    with image.open("wb") as file:
        file.truncate(size_mb << 20)
    return image


def entry(title: str) -> dict[str, str]:
    return {"/loader/entries/a.conf": f"title {title}\nlinux /vmlinuz\n", "/vmlinuz": "kernel"}


@pytest.fixture(scope="module", autouse=True)
def devices() -> Iterator[None]:
    with udevd():
        yield


@asynccontextmanager
async def daemon_on(folder: Path) -> AsyncIterator[RawDaemon]:
    """Start a daemon when everything has been made: it would look at what is being made."""
    settle()
    async with running(folder) as daemon:
        yield daemon


@pytest.fixture
def plugs() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def plug(plugs: ExitStack, image: Path) -> str:
    return plugs.enter_context(loopdisk.attached(image, read_only=False))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[dm.Target]]:
    """What the device mapper is told, by name; it is not there, so nothing real can be made."""
    tables: dict[str, list[dm.Target]] = {}

    def create(name: str, table: list[dm.Target], *, read_only: bool, uuid: str) -> str:
        assert read_only
        assert uuid.startswith("bootd-")
        tables[name] = table
        return "/dev/dm-0"

    monkeypatch.setattr(dm, "names", tuple)
    monkeypatch.setattr(dm, "create", create)
    return tables


def test_volumes_lie_where_lvm_says_and_their_disks_are_not_written(
    tmp_path: Path, plugs: ExitStack, told: dict[str, list[dm.Target]]
) -> None:
    images = blank(tmp_path, "one"), blank(tmp_path, "two")
    nodes = [f"/dev/{plug(plugs, image)}" for image in images]
    lvm("pvcreate", *nodes)
    lvm("vgcreate", "vg-0", *nodes)
    made = ("lvcreate", "-an", "-Zn", "-Wn")
    lvm(*made, "-n", "root", "-L8M", "vg-0", nodes[0])
    lvm(*made, "-n", "fast", "-L16M", "-i2", "vg-0", *nodes)
    lvm("lvextend", "-L+8M", "vg-0/root", nodes[1])
    lvm(*made, "-n", "big", "-L40M", "vg-0")
    before = [digest(image) for image in images]
    members = {}
    for node in nodes:
        with Path(node).open("rb") as file:
            members[node] = read(file.fileno())
    for assembly in plan(members).assemblies:
        lines: Json = [
            {
                "length": line.length,
                "stripe": line.stripe,
                "places": [[node, start] for node, start in line.places],
            }
            for line in assembly.lines
        ]
        params: Json = {"name": assembly.name, "uuid": assembly.uuid, "lines": lines}
        assert stacking.assemble(Context(), params, []) == (None, [])
    assert [digest(image) for image in images] == before
    columns = "lv_name,seg_start,seg_size,stripe_size,devices"
    form = ("--segments", "--noheadings", "--units", "s", "--nosuffix", "--separator", ";")
    said = lvm("lvs", *form, "-o", columns, "vg-0")
    assert sorted(map(line_of, said.split())) == sorted(
        (name.removeprefix("bootd-vg-0-"), line.start, line.length, line.kind, line.parameters)
        for name, table in told.items()
        for line in table
    )
    assert len(said.split()) == 5


def line_of(said: str) -> tuple[str, int, int, str, str]:
    """Return what the device mapper should be told, of a line of lvs."""
    name, start, length, stripe, devices = said.split(";")
    places = [
        (Path(node).stat().st_rdev, 2048 + int(extent) * EXTENT // 512)
        for node, extent in re.findall(r"([^,]+)\((\d+)\)", devices)
    ]
    words = " ".join(f"7:{number & 0xFF} {at}" for number, at in places)
    if len(places) == 1:
        return name, int(start), int(length), "linear", words
    return name, int(start), int(length), "striped", f"{len(places)} {stripe} {words}"


@pytest.mark.parametrize(
    "lines",
    [
        [{"length": 1 << 30, "stripe": 0, "places": [["NODE", 0]]}],
        [{"length": 8, "stripe": 0, "places": [["NODE", 98_297]]}],
        [{"length": 8, "stripe": 0, "places": [["NODE", -1]]}],
        [{"length": 0, "stripe": 0, "places": [["NODE", 0]]}],
        [{"length": 8, "stripe": -1, "places": [["NODE", 0], ["NODE", 8]]}],
        [{"length": 8, "stripe": 0, "places": []}],
        [{"length": 8, "stripe": 0, "places": [["/dev/null", 0]]}],
        [{"length": 8, "stripe": 0, "places": [["NODE 0\n0 8 error", 0]]}],
        [],
        "lines",
    ],
)
def test_a_table_that_leads_beyond_a_disk_is_never_made(
    tmp_path: Path, plugs: ExitStack, told: dict[str, list[dm.Target]], lines: Json
) -> None:
    node = f"/dev/{plug(plugs, blank(tmp_path, 'one'))}"
    for line in lines if isinstance(lines, list) else ():
        assert isinstance(line, dict)
        places = line["places"]
        assert isinstance(places, list)
        for place in places:
            assert isinstance(place, list)
            place[0] = str(place[0]).replace("NODE", node)
    params: Json = {"name": "bootd-a", "uuid": "bootd-b", "lines": lines}
    with pytest.raises((ProtocolError, OSError)):
        stacking.assemble(Context(), params, [])
    assert told == {}


@pytest.mark.parametrize("name", ["vg-root", "bootd-cow-1-7-0", "", None])
def test_only_volumes_of_bootd_are_made_and_taken_away(name: str | None) -> None:
    for helper in (stacking.assemble, stacking.dismantle, stacking.unlock):
        with pytest.raises((ProtocolError, FileNotFoundError)):
            helper(
                Context(), {"name": name, "uuid": "bootd-b", "lines": [], "node": "/dev/null"}, []
            )


async def test_two_disks_with_one_uuid_are_both_shown_under_their_names(
    tmp_path: Path, plugs: ExitStack
) -> None:
    image = loopdisk.make_image(
        tmp_path / "image", entry("twin"), uuid="6b1c0a52-8a0e-4f7e-9d6e-3d8c4f1f0a11"
    )
    copy = tmp_path / "copy"
    copy.write_bytes(image.read_bytes())
    names = {plug(plugs, image), plug(plugs, copy)}
    async with daemon_on(tmp_path) as daemon:
        await daemon.until_titles("twin", "twin")
        options = await daemon.options()
        assert {option.device for option in options} == names
        assert len({option.id for option in options}) == 2


async def test_a_btrfs_on_two_disks_is_shown_once_when_both_are_there(
    tmp_path: Path, plugs: ExitStack
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
    async with daemon_on(tmp_path) as daemon:
        await daemon.until_titles("spread")
        plugs.close()
        assert [digest(image) for image in images] == before
