"""Guests that load a second kernel with bootd's own code; image/guest has what runs in them."""

import base64
import contextlib
import fcntl
import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from image import guests, initramfs, loadtest, step
from image.guests import GUESTS
from image.loadtest import Job

TOP: Final = Path(__file__).parents[2]
WORK: Final = TOP / "build" / "guests"

_holding: list[str] = []
"""The lock, while this process has it."""


@dataclass(frozen=True, slots=True)
class Run:
    """The serial log of one start."""

    log: str

    def fields(self, who: str) -> dict[str, str]:
        """Return what the first or second kernel said, `name=value` a line."""
        lines = re.findall(rf"^{who} ([a-z_,0-9]+)=(.*)$", self.log, re.MULTILINE)
        return dict(lines)

    @property
    def report(self) -> Any:  # noqa: ANN401 - JSON of a LoadReport
        """The first kernel's LoadReport."""
        return json.loads(self.fields("FIRST")["report"])

    @property
    def cmdline(self) -> bytes:
        """The second kernel's /proc/cmdline to the letter, without the newline."""
        return base64.b64decode(self.fields("SECOND")["cmdline"])[:-1]


@cache
def products(debian: str) -> tuple[Path, Path]:
    """Return kernel and initramfs of an architecture, built when they are not up to date."""
    guest = next(one for one in GUESTS.values() if one.debian == debian)
    root = guests.fetch(guest, WORK)
    image = guests.image(root)
    target = WORK / debian / "initramfs.zst"

    def make() -> None:
        tree = loadtest.build(guest, root, image, WORK)
        initramfs.pack(tree, target, level=3)

    inputs = (TOP / "bootd", TOP / "image", root.with_name("stamp"))
    step.run(f"packing the {debian} guest", target, inputs, make)
    return image, target


def start(
    name: str,
    job: Job,
    folder: Path,
    *,
    words: str = "",
    files: Mapping[str, bytes] | None = None,
    extra: Sequence[str] = (),
    kernel: Path | None = None,
    timeout_s: float = 150,
) -> Run:
    """Start a guest, wait for its end, and return what it said.

    Args:
        name: In GUESTS.
        job: What it does.
        folder: For its initramfs.
        words: More of the first kernel's command line.
        files: More files of the first system.
        extra: More options for QEMU; the last of a kind counts.
        kernel: The first kernel, if it is another than Debian's.
        timeout_s: A failed jump says nothing and never ends.
    """
    guest = GUESTS[name]
    image, base = products(guest.debian)
    packed = folder / "initramfs"
    packed.write_bytes(loadtest.padded(base.read_bytes()) + loadtest.job(job, files))
    with one_at_a_time():
        return _run([*guests.argv(guest, kernel or image, packed, words), *extra], timeout_s)


def _run(command: Sequence[str], timeout_s: float) -> Run:
    output = b""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_s, check=False
        )
        output = done.stdout + done.stderr
    except subprocess.TimeoutExpired as error:
        output = (error.stdout or b"") + b"\nno end within the time limit\n"
    text = output.decode(errors="replace").replace("\r", "")
    return Run(log=re.sub(r"\x1b\[[0-9;?=]*[A-Za-z]", "", text))


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Wait until no other test run has a guest: two would slow each other past their limits.

    A run that has one already, which waits in its menu for a whole module, gets another one.
    """
    if _holding:
        yield
        return
    WORK.mkdir(parents=True, exist_ok=True)
    with (WORK / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _holding.append(lock.name)
        try:
            yield
        finally:
            _holding.clear()
