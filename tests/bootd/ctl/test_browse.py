"""`bootdctl tree` against a real server, whose booter repeats the question."""

import asyncio
import json

import pytest

from bootd.ctl.main import main
from bootd.errors import MergeRefusedError
from tests.support.services import Bench, device, make_bench, options, serving

OPTION = "extlinux:uuid-vda1:entry0000"


async def ask(*words: str, bench: Bench | None = None) -> int:
    bench = bench or make_bench()
    bench.store.device_scanned(device(), options(1))
    async with serving(bench) as path:
        return await asyncio.to_thread(main, ["tree", "--socket", path, *words])


async def test_a_node_is_shown_below_the_summary(capsys: pytest.CaptureFixture[str]) -> None:
    assert await ask("entry0000", "/chosen", "--tree", "shipped") == 0
    assert capsys.readouterr().out == f"{OPTION}\n/chosen\n"


async def test_what_was_found_is_shown_with_its_value(capsys: pytest.CaptureFixture[str]) -> None:
    assert await ask("entry0000", "--find", "bootargs", "--tree", "shipped") == 0
    assert capsys.readouterr().out.splitlines()[1:] == ["/bootargs = shipped"]


async def test_json_has_the_names_of_the_interface(capsys: pytest.CaptureFixture[str]) -> None:
    assert await ask("entry0000", "--json") == 0
    page = json.loads(capsys.readouterr().out)
    assert (page["total"], page["rows"][0]["path"]) == (1, "/")


async def test_a_tree_that_is_refused_has_its_exit_status(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bench = make_bench()
    bench.booter.error = MergeRefusedError("the memory would be lost")
    assert await ask("entry0000", bench=bench) == 3
    assert capsys.readouterr().err == "bootdctl: the memory would be lost\n"
