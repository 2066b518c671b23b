"""Writes a state again and again to partitions, saying each time that it is written.

`python -m tests.support.statewriter NODE:FSTYPE...` never ends; a power cut ends it.
"""

import itertools
import random
import sys
import time
from pathlib import Path
from typing import Final

from bootd.model.remembered import Remembered
from bootd.probe.remembering import KeptAt, Kind, remember
from bootd.protocol import memory
from bootd.protocol.codec import Json, to_json

MAX_EXTRA: Final = 6_000
"""Characters that make texts differ in length, so that files grow and shrink."""


def main() -> None:
    """Write for ever."""
    places = [word.partition(":")[::2] for word in sys.argv[1:]]
    for node, _ in places:
        while not Path(node).exists():  # the guest's udev loads the driver
            time.sleep(0.1)
    lengths = random.Random(1)  # noqa: S311 - repeatable, not secret
    for number in itertools.count(1):
        for node, fstype in places:
            state = Remembered(default=str(number), last_good="x" * lengths.randrange(MAX_EXTRA))
            ask(KeptAt(kind=Kind.PARTITION, path=node, fstype=fstype), memory.write(state).decode())
            print(f"wrote {fstype} {number}", flush=True)


def ask(at: KeptAt, text: str | None) -> Json:
    """Read, or write a text, as the daemon's helper does."""
    params: Json = {"at": to_json(at), "text": text}
    return remember(None, params, [])[0]


if __name__ == "__main__":
    main()
