"""Power cuts while choices are written: the old ones or the new ones are there, never neither.

A guest writes to two disks without a pause. At random moments it is frozen, and what its disks hold
then is what would be found after the cut; at the end it is really killed.
"""

import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from bootd.linux import state_folder
from bootd.probe.remembering import KeptAt, Kind
from bootd.protocol import memory
from tests.support import disksguest
from tests.support.guests import TOP, one_at_a_time
from tests.support.loopdisk import attached, make_empty
from tests.support.statewriter import ask

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

CUTS: Final = 50
START_S: Final = 120
NODES: Final = {"ext4": "/dev/vda", "vfat": "/dev/vdb"}


class Writer:
    """The guest, and what it has said so far."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self.said = b""
        assert process.stdout is not None
        self._fd = process.stdout.fileno()
        os.set_blocking(self._fd, False)

    def hear(self) -> None:
        while True:
            try:
                data = os.read(self._fd, 1 << 16)
            except BlockingIOError:
                return
            if not data:
                return
            self.said += data

    def wrote(self, fstype: str) -> int:
        """The last number that it has said to have written."""
        found = re.findall(rb"wrote %b (\d+)\r?\n" % fstype.encode(), self.said)
        return int(found[-1]) if found else 0

    def wait_for(self, number: int, within_s: float) -> None:
        end = time.monotonic() + within_s
        while min(map(self.wrote, NODES)) < number:
            gone = self.process.poll() is not None or time.monotonic() > end
            assert not gone, self.said[-2000:].decode(errors="replace")
            time.sleep(0.05)
            self.hear()

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)
        status = Path(f"/proc/{self.process.pid}/status")
        while "\nState:\tT" not in status.read_text():
            time.sleep(0.001)
        self.hear()


@contextmanager
def writing(disks: dict[str, Path], folder: Path) -> Iterator[Writer]:
    command = [
        *("sh", "-c", 'modprobe virtio_blk && exec "$@"', "sh"),
        str(TOP / ".venv/bin/python"),
        *("-m", "tests.support.statewriter"),
        *(f"{node}:{fstype}" for fstype, node in NODES.items()),
    ]
    drives = [
        word
        for fstype in NODES
        for word in ("-drive", f"file={disks[fstype]},if=virtio,format=raw,cache=writethrough")
    ]
    with one_at_a_time(), disksguest.started(command, folder, drives) as process:
        writer = Writer(process)
        writer.wait_for(2, START_S)
        yield writer


def found_on(fstype: str, image: Path, folder: Path) -> int:
    """Return the number that the next start finds on a disk; fails when it finds nothing."""
    if fstype == "ext4":
        with attached(image, read_only=False) as device:
            text = ask(KeptAt(kind=Kind.PARTITION, path=f"/dev/{device}", fstype=fstype), None)
        assert isinstance(text, str)
        state, problem = memory.read(text.encode())
    else:  # this machine need not have the driver
        place = folder / "copies"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        for name in state_folder.COPIES:
            copy = ["mcopy", "-n", "-i", str(image), f"::{name}", str(place)]
            subprocess.run(copy, check=False, capture_output=True, timeout=30)
        state, problem = memory.read(state_folder.read(str(place), twice=True))
    assert problem == ""
    return int(state.default)


def test_fifty_power_cuts_leave_the_old_choices_or_the_new_ones(tmp_path: Path) -> None:
    disks = {fstype: make_empty(tmp_path / fstype, fstype) for fstype in NODES}
    moments = random.Random(time.time())  # noqa: S311 - not secret
    seen: dict[str, set[int]] = {fstype: set() for fstype in NODES}
    with writing(disks, tmp_path) as writer:
        for _ in range(CUTS):
            time.sleep(moments.uniform(0.05, 0.4))
            writer.freeze()
            check(writer, disks, tmp_path, seen)
            writer.process.send_signal(signal.SIGCONT)
        writer.wait_for(min(map(writer.wrote, NODES)) + 2, 60)
        writer.process.kill()
        writer.process.wait(10)
        writer.hear()
        check(writer, disks, tmp_path, seen)
    print({fstype: len(numbers) for fstype, numbers in seen.items()})
    assert all(len(numbers) > CUTS // 5 for numbers in seen.values()), "it wrote all the time"


def check(writer: Writer, disks: dict[str, Path], folder: Path, seen: dict[str, set[int]]) -> None:
    for fstype, image in disks.items():
        said = writer.wrote(fstype)
        copy = folder / f"{fstype}.cut"
        shutil.copyfile(image, copy)
        number = found_on(fstype, copy, folder)
        assert number in {said, said + 1}, f"{fstype}: wrote {said}, found {number}"
        seen[fstype].add(number)
