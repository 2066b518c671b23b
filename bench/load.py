"""What a load costs: beside kexec-tools in the same guest; unpacking beside `zstd -dc`.

The guest is emulated; the ratio of two loads of the same pair of files is what travels.
"""

import os
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bootd.images import inspect
from bootd.images.payload import bare
from bootd.linux import files
from image.apt import AptError
from image.command import CommandError
from image.loadtest import Job
from tests.support.guests import products, start
from tests.support.images import pack, zboot

MIB = 1 << 20
KERNEL_BYTES = 40 * MIB
INITRD_BYTES = 60 * MIB
RUNS = 5


def measure() -> dict[str, float]:
    """Return seconds, ratios and megabytes."""
    try:
        image, _ = products("arm64")
    except (AptError, CommandError) as error:
        raise OSError(f"the guest cannot be built: {error}") from error
    kernel = image.read_bytes()
    with tempfile.TemporaryDirectory(prefix="bench-load-") as name:
        return _load(kernel, Path(name)) | _unpack(kernel)


def _load(kernel: bytes, folder: Path) -> dict[str, float]:
    noise = random.Random(1)  # noqa: S311 - repeatable, which is what a bench wants
    job = Job(
        cmdline="console=ttyAMA0",
        loader="kexec_load",
        compare=True,
        kernel="/big/kernel",
        initrds=("/big/initrd",),
    )
    big = {
        "big/kernel": kernel + noise.randbytes(KERNEL_BYTES - len(kernel)),
        "big/initrd": noise.randbytes(INITRD_BYTES),
    }
    run = start("arm64", job, folder, files=big, extra=("-m", "1024"), timeout_s=300)
    said = run.fields("FIRST")
    if "ours_s" not in said:
        raise AssertionError(run.log[-3000:])
    ours, theirs = (statistics.median(_numbers(said[key])) for key in ("ours_s", "theirs_s"))
    return {
        "load_s": ours,
        "load_ratio": ours / theirs,
        "load_own_memory_mb": float(said["anonymous_kib"]) * 1024 / 1e6,
    }


def _unpack(kernel: bytes) -> dict[str, float]:
    """A zboot image of some 15 MB, into memory; and its payload with the program."""
    data = (kernel * 2)[: 48 * MIB]
    # The second copy would cost nothing: make it another kernel, as far as zstd can see.
    changed = bytes(byte ^ 0x5A for byte in data[len(kernel) :])
    data = data[: len(kernel)] + changed
    packed = pack("zstd", data)
    file = zboot(packed, "zstd", len(data))
    with tempfile.NamedTemporaryFile() as source:
        source.write(packed)
        source.flush()
        ours, theirs = [], []
        for _ in range(RUNS):
            ours.append(_timed(lambda: _ours(file)))
            theirs.append(_timed(lambda: _theirs(source.name)))
    return {
        "load_zboot_mb": len(packed) / 1e6,
        "load_zboot_ms": statistics.median(ours) * 1000,
        "load_zboot_ratio": statistics.median(ours) / statistics.median(theirs),
    }


def _ours(file: bytes) -> None:
    def read(offset: int, size: int) -> bytes:
        return file[offset : offset + size]

    info = inspect(read, len(file))
    with files.memory_file("kernel", bare(info, read, 512 * MIB)):
        pass


def _theirs(path: str) -> None:
    fd = os.memfd_create("kernel")
    try:
        subprocess.run(["zstd", "-q", "-dc", path], stdout=fd, check=True)
    finally:
        os.close(fd)


def _timed(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _numbers(text: str) -> list[float]:
    return [float(word) for word in text.split()]
