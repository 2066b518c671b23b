"""Every format reads the trees that distributions ship as their own boot loader would."""

import json
from pathlib import Path

import pytest

from bootd.fetch import Lease
from bootd.formats import FORMATS, ipxe, pxe, scan
from bootd.linux.served import ServedDirectory
from tests.support import golden
from tests.support.memoryfs import MemoryFs

CASES = [case for each in FORMATS for case in sorted((golden.ROOT / each.name).iterdir())]

NETWORK = {"pxe": pxe.scan, "ipxe": ipxe.scan}
SERVED = [case for name in NETWORK for case in sorted((golden.ROOT / name).iterdir())]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_a_tree_gives_its_options(case: Path) -> None:
    golden.check(scan(MemoryFs.from_tree(case / "tree")), case / "expected.json")


@pytest.mark.parametrize("case", SERVED, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_a_boot_server_gives_its_options(case: Path) -> None:
    lease = Lease(**json.loads((case / "lease.json").read_text()))
    with ServedDirectory(lease.server, str(case / "tree")) as server:
        golden.check(NETWORK[case.parent.name](server, lease), case / "expected.json")


@pytest.mark.parametrize("name", [*(each.name for each in FORMATS), *NETWORK])
def test_every_format_has_a_golden_case_that_the_readme_names(name: str) -> None:
    readme = (golden.ROOT / "README.md").read_text()
    cases = [case for case in (*CASES, *SERVED) if case.parent.name == name]
    assert cases
    assert all(f"| {name}/{case.name} |" in readme for case in cases)
