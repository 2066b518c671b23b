"""Damaged kernel images of every kind by the thousand: nothing may crash, hang or grow.

`make fuzz` runs 100,000; the normal tests run some thousand with the same code. What failed is
written below build/fuzz, with the seed that made it.
"""

import random
import sys
from collections.abc import Mapping
from time import perf_counter
from typing import Final

from bootd.errors import ImageError
from bootd.images import inspect
from bootd.images.payload import bare
from tests.fuzz.command import report
from tests.fuzz.trees import FOUND, Outcome, mutate
from tests.support.images import (
    android,
    arm64_image,
    bzimage,
    elf,
    pack,
    riscv_image,
    uimage,
    uki,
    zboot,
    zimage,
)
from tests.support.trees import blob, live_board

SLOW_S: Final = 2.0
"""A file of a few kilobytes that takes longer hangs, for a person at a console."""

LIMIT_BYTES: Final = 4 << 20
METHODS: Final = ("gzip", "zstd", "xz", "lzma", "bzip2", "lz4", "lz4 frame", "lzo")


def seeds() -> Mapping[str, bytes]:
    """Return a small sound file of every kind."""
    kernel = arm64_image(20_000, image_size=0x400000)
    packed = {method: pack(method, kernel) for method in METHODS}
    zboots = {
        f"zboot {method}": zboot(data, method, len(kernel), stub=4096)
        for method, data in packed.items()
    }
    return {
        "arm64": kernel,
        "riscv": riscv_image(),
        "bzimage": bzimage(),
        "zimage": zimage() + blob(live_board()),
        "elf": elf(),
        "elf 32": elf(40, wide=False),
        "uimage": uimage(packed["gzip"]),
        "multi": uimage(kernel, b"initrd", b"tree"),
        "android": android(packed["lz4"]),
        "pe": uki(kernel),
        "fit": blob({"images": {"kernel-1": {"data": b"x"}}, "configurations": {"conf-1": {}}}),
        **packed,
        **zboots,
    }


def fuzz_images(count: int, seed: int) -> Outcome:
    """Look at damaged files, and take the kernel out of those that look sound."""
    rng, outcome = random.Random(seed), Outcome()  # noqa: S311 - repeatable on purpose
    names, files = zip(*seeds().items(), strict=True)
    for number in range(count):
        kind = rng.randrange(len(files))
        data = mutate(rng, files[kind])
        name = f"image {seed}:{number}"
        start = perf_counter()
        try:
            outcome.accepted += _try(data)
        except ImageError:
            pass
        except Exception as error:  # noqa: BLE001 - any other exception is what is looked for
            outcome.mistakes.append(f"{name} ({names[kind]}) raised {error!r}")
            FOUND.mkdir(parents=True, exist_ok=True)
            (FOUND / f"image-{seed}-{number}").write_bytes(data)
        took = perf_counter() - start
        outcome.runs += 1
        outcome.slowest_s = max(outcome.slowest_s, took)
        if took > SLOW_S:
            outcome.mistakes.append(f"{name} ({names[kind]}) took {took:.1f} s")
    return outcome


def _try(data: bytes) -> bool:
    def read(offset: int, size: int) -> bytes:
        return data[offset : offset + size]

    info = inspect(read, len(data))
    if info.reason:
        return False
    for _piece in bare(info, read, LIMIT_BYTES):
        pass
    return True


def main() -> int:
    """Run what `make fuzz` asks for; 1 when something must not be."""
    return report(__doc__, "images", "still valid", fuzz_images, count=100_000)


if __name__ == "__main__":
    sys.exit(main())
