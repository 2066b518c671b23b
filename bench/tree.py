"""The device tree part of a boot, against dtc and fdtoverlay processes on the same blobs."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

from bootd.devicetree.prepare import combine
from bootd.devicetree.select import select_in
from bootd.fdt import Fdt, read, write
from bootd.fdt.cells import from_cells, from_string
from bootd.fdt.overlay import apply
from bootd.linux.dirview import DirView
from tests.support.trees import board, compile_dts, live_board, tree

_ROUNDS: Final = 15
_BLOB_BYTES: Final = 100 << 10
_DTBS: Final = 1000


def measure() -> dict[str, float]:
    """Return medians in milliseconds on this machine, after import; ratios travel."""
    large = _large(board())
    shipped, live = write(large), write(_large(live_board()))
    merge_ms = _milliseconds(lambda: combine(read(shipped), read(live), "quiet"))
    with tempfile.TemporaryDirectory() as folder:
        dtc_ms = _dtc_milliseconds(Path(folder), shipped)
        overlay_ms, fdtoverlay_ms = _overlay_milliseconds(Path(folder))
        cold_ms, cached_ms = _select_milliseconds(Path(folder))
        memory_mb = _memory_mb(Path(folder), shipped, live)
    return {
        "tree_read_ms": _milliseconds(lambda: read(shipped)),
        "tree_write_ms": _milliseconds(lambda: write(large)),
        "tree_merge_ms": merge_ms,
        "tree_merge_ratio": merge_ms / dtc_ms,
        "tree_overlay_ms": overlay_ms,
        "tree_overlay_ratio": overlay_ms / fdtoverlay_ms,
        "tree_memory_mb": memory_mb,
        "select_1000_cold_ms": cold_ms,
        "select_1000_cached_ms": cached_ms,
    }


def _large(content: dict[str, object]) -> Fdt:
    """Return a tree of about 100 KiB that looks like a phone's: many small nodes with phandles."""
    fdt = tree(content)
    soc = fdt.root.add("soc")
    number = 0
    while number % 64 or len(write(fdt)) < _BLOB_BYTES:
        number += 1
        node = soc.add(f"device@{number << 12:x}")
        node.properties = {
            "compatible": from_string(f"acme,device-{number % 40}") + from_string("acme,device"),
            "reg": from_cells([0, number << 12, 0, 0x1000]),
            "interrupts": from_cells([0, number, 4]),
            "clocks": from_cells([number, 3, number, 4]),
            "status": from_string("disabled"),
            "phandle": from_cells([number]),
        }
    return fdt


def _overlay_milliseconds(folder: Path) -> tuple[float, float]:
    """Apply an overlay with 16 nodes: read, apply and write, and one fdtoverlay process."""
    base = board(soc={"i2c@1": {"#address-cells": 1, "#size-cells": 0, "phandle": 0x10000}})
    large = _large(base)
    large.root.add("__symbols__").properties["i2c1"] = from_string("/soc/i2c@1")
    chips = "".join(f'chip@{n:x} {{ compatible = "acme,chip"; reg = <{n}>; }};' for n in range(16))
    overlay = compile_dts(f"/dts-v1/; /plugin/; &i2c1 {{ {chips} }};")
    blob = write(large)

    def ours() -> None:
        tree = read(blob)
        apply(tree, read(overlay))
        write(tree)

    (folder / "base").write_bytes(blob)
    (folder / "overlay").write_bytes(overlay)
    command = ["fdtoverlay", "-i", "base", "-o", "merged", "overlay"]
    theirs = _milliseconds(lambda: subprocess.run(command, cwd=folder, check=True, timeout=60))
    return _milliseconds(ours), theirs


def _memory_mb(folder: Path, shipped: bytes, live: bytes) -> float:
    """Return what a process needs for a merge beyond what it has after its imports."""
    (folder / "shipped").write_bytes(shipped)
    (folder / "live").write_bytes(live)
    command = [sys.executable, "-c", _MERGE, str(folder / "shipped"), str(folder / "live")]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    return int(done.stdout) / 1024


_MERGE: Final = """
import sys
from bootd.devicetree.prepare import combine
from bootd.fdt import read
status = lambda: dict(line.split(":") for line in open("/proc/self/status"))
kilobytes = lambda name: int(status()[name].split()[0])
before = kilobytes("VmRSS")
shipped, live = (open(name, "rb").read() for name in sys.argv[1:])
combine(read(shipped), read(live), "quiet")
print(kilobytes("VmHWM") - before)
"""


def _select_milliseconds(folder: Path) -> tuple[float, float]:
    """Choose among real files in the page cache: nothing of them known before, and all of it."""
    for number in range(_DTBS):
        path = folder / f"dtbs/vendor{number % 20}/board{number}.dtb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(write(_padded(tree(board(f"acme,board-{number}")))))
    ours = tree(live_board("acme,board-777"))
    fd = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        view = DirView(fd)
        known = {each.path: each for each in select_in(view, "/dtbs", ours).indexed}
        assert len(known) == _DTBS
        return (
            _milliseconds(lambda: select_in(view, "/dtbs", ours)),
            _milliseconds(lambda: select_in(view, "/dtbs", ours, known)),
        )
    finally:
        os.close(fd)


def _padded(fdt: Fdt) -> Fdt:
    """Give a tree the 46 kB that Debian's arm64 DTBs have on average."""
    fdt.root.add("soc").properties["data"] = bytes(45 << 10)
    return fdt


def _milliseconds(work: Callable[[], object]) -> float:
    times: list[float] = []
    for _ in range(_ROUNDS):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return median(times) * 1000


def _dtc_milliseconds(folder: Path, blob: bytes) -> float:
    (folder / "in").write_bytes(blob)
    command = ["dtc", "-q", "-q", "-I", "dtb", "-O", "dtb", "-o", "out", "in"]
    return _milliseconds(lambda: subprocess.run(command, cwd=folder, check=True, timeout=60))
