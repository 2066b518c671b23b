"""How long bootd takes until its socket answers, and what it weighs; beside Python's own floor."""

import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUNS = 9
LIMIT_S = 20.0

_FLOOR = "import sys; sys.modules['ssl'] = None; import asyncio"
BOOTD = "import sys; from bootd.__main__ import main; sys.exit(main())"
_DESCRIBE = b'{"method":"org.bootd.Boot.Describe"}\0'


def measure() -> dict[str, float]:
    """Return milliseconds (medians of 9 starts), megabytes, and ratios to the floor."""
    floor = statistics.median(_run_floor() for _ in range(RUNS))
    with tempfile.TemporaryDirectory(prefix="bootd-bench-") as directory:
        machine = Path(directory) / "machine"
        machine.mkdir()
        starts = [_start(machine, f"{directory}/socket") for _ in range(RUNS)]
    ready = statistics.median(ms for ms, _ in starts)
    return {
        "ready_floor_ms": floor,
        "ready_ms": ready,
        "ready_to_floor_ratio": ready / floor,
        "ready_mb": max(mb for _, mb in starts),
        "bootdctl_list_cpu_ms": _bootdctl_cpu_ms(),
    }


def command(code: str) -> list[str]:
    """Start Python as the board image does: isolated, without site, the paths given."""
    paths = [str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))]
    return [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {paths!r}; {code}"]


def _run_floor() -> float:
    began = time.perf_counter()
    subprocess.run(command(_FLOOR), check=True)  # with a time limit it would look every 1 to 50 ms
    return (time.perf_counter() - began) * 1e3


def _start(machine: Path, path: str) -> tuple[float, float]:
    began = time.perf_counter()
    words = [*command(BOOTD), "--machine", str(machine), "--socket", path]
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    try:
        with _connect(path, began + LIMIT_S) as client:
            client.sendall(_DESCRIBE)
            assert client.recv(1)
            took = (time.perf_counter() - began) * 1e3
        return took, _rss_mb(process.pid)
    finally:
        process.terminate()
        process.wait(LIMIT_S)


def _connect(path: str, deadline: float) -> socket.socket:
    while True:
        client = socket.socket(socket.AF_UNIX)
        try:
            client.connect(path)
            return client
        except OSError:
            client.close()
            if time.perf_counter() > deadline:
                raise
            time.sleep(0.0005)


def _rss_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _bootdctl_cpu_ms() -> float:
    """Processor time of `bootdctl list` where nobody listens: imports and one connect."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    code = "from bootd.ctl.main import main; main(['list', '--socket', '/nonexistent/socket'])"
    for _ in range(RUNS):
        subprocess.run(command(code), check=True, timeout=LIMIT_S, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used / RUNS * 1e3


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name:28} {value:8.1f}")
