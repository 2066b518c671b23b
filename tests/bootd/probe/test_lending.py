"""A configuration reads a file of another device, through real workers of both."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bootd.client import Client
from bootd.errors import ProbeError, ProtocolError
from bootd.model.device import BlockDevice, DeviceKind
from bootd.model.lent import LentFile, LentKind
from bootd.probe import answer
from bootd.probe.prober import Prober
from bootd.probe.tasks import tables
from bootd.protocol.codec import Json, to_json
from bootd.services.discovery import Discovery
from tests.support.daemon import running_daemon, write_tree
from tests.support.sinks import ManualSource, RecordingSink

SCRIPT = "search --label boot --set=b\nsource ($b)/more\nmenuentry a {\nlinux /k $x\n}\n"


@pytest_asyncio.fixture
async def prober() -> AsyncIterator[Prober]:
    made = Prober.start(tables())
    yield made
    await made.close()


def device(root: Path, name: str, label: str = "", **files: str) -> BlockDevice:
    place = root / name
    for path, text in {"k": "", **files}.items():
        (place / path.replace("_", "/")).parent.mkdir(parents=True, exist_ok=True)
        (place / path.replace("_", "/")).write_text(text)
    return BlockDevice(name=name, node=str(place), label=label, kind=DeviceKind.DIRECTORY)


async def test_a_script_runs_a_file_of_a_device_that_comes_later(
    prober: Prober, tmp_path: Path
) -> None:
    root = device(tmp_path, "sda1", **{"grub_grub.cfg": SCRIPT})
    source, sink = ManualSource(root), RecordingSink()
    task = asyncio.get_running_loop().create_task(Discovery(source, prober, sink).run())
    try:
        await sink.until(lambda: "sda1" in sink.scanned)
        assert sink.scanned["sda1"].options[0].cmdline == ""
        source.plug(device(tmp_path, "sdb1", "boot", more="x=lent"))
        await sink.until(lambda: sink.scanned["sda1"].options[0].cmdline == "lent")
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_device_that_cannot_lend_is_an_error(prober: Prober, tmp_path: Path) -> None:
    gone = BlockDevice(name="sdc1", node=str(tmp_path / "gone"), kind=DeviceKind.DIRECTORY)
    with pytest.raises((ProbeError, OSError)):
        await prober.lend(gone, ["/k"])
    there = device(tmp_path, "sda1")
    (found,) = await prober.lend(there, ["/k"])
    assert (found.path, found.kind) == ("/k", LentKind.FILE)


def test_a_lender_is_not_believed_what_no_worker_would_say() -> None:
    def said(**more: Json) -> Json:
        file = LentFile(device="", path="/k", kind=LentKind.FILE, text="x")
        members = to_json(file)
        assert isinstance(members, dict)
        return [{**members, **more}]

    assert answer.lent_files(said(), ["/k"])[0].text == "x"
    assert answer.lent_files(said(path="/other"), ["/k"]) == ()
    for wrong in (said(text="x" * (65 << 10)), said(text="\ud800"), said(kind="door"), "x"):
        with pytest.raises(ProtocolError):
            answer.lent_files(wrong, ["/k"])


async def test_the_daemon_lists_a_menu_that_lies_on_another_device(tmp_path: Path) -> None:
    script = "search --file --set=root /menus/a.cfg\nconfigfile /menus/a.cfg\n"
    write_tree(tmp_path / "machine/sda1", {"grub/grub.cfg": script})
    with running_daemon(tmp_path / "machine") as daemon:
        client = await Client.connect(daemon.socket)
        try:
            assert await client.list_options() == ()
            daemon.plug("sdb1", {"menus/a.cfg": "menuentry A {\nlinux /k\n}\n", "k": ""})
            assert await _titles(client, 1) == [("A", "sda1", "dev/sdb1:/menus/a.cfg")]
            daemon.unplug("sdb1")
            assert await _titles(client, 0) == []
        finally:
            await client.close()


async def _titles(client: Client, count: int) -> list[tuple[str, str, str]]:
    """Wait until there are so many options, at most 10 s; return what there is then."""
    options = await client.list_options()
    for _ in range(200):
        if len(options) == count:
            break
        await asyncio.sleep(0.05)
        options = await client.list_options()
    return [(each.title, each.device, each.source) for each in options]
