"""Images of the directory of `bootd --machine` that only the kernel can read."""

import subprocess
from pathlib import Path

import pytest

from tests.support import loopdisk
from tests.support.daemon import running_daemon

pytestmark = pytest.mark.root


def loops(path: Path) -> str:
    command = ["losetup", "-j", str(path)]
    return subprocess.run(command, check=True, timeout=10, capture_output=True, text=True).stdout


def test_nothing_stays_attached_after_the_daemon(tmp_path: Path) -> None:
    machine = tmp_path / "machine"
    machine.mkdir()
    plugged = loopdisk.make_empty(machine / "card.img", "xfs")
    with running_daemon(machine):
        assert "card.img" in loops(plugged)
    assert loops(plugged) == ""
