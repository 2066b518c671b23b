"""Runs in a guest: load the second kernel with bootd's own code, say what was done, and jump."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Self

sys.path.append("/usr/lib/python3/dist-packages")

from bootd import fdt
from bootd.devicetree.prepare import prepare
from bootd.errors import BootdError
from bootd.images import inspect
from bootd.linux import kexec, machine, meminfo, proc_devicetree, reboot
from bootd.loaders import task
from bootd.loaders.failure import explain
from bootd.loaders.request import LoadJob, LoadRequest
from bootd.loaders.table import BY_NAME, choose
from bootd.model.tree import TreeMode, TreeOrigin, TreeRequest
from bootd.protocol.codec import to_json
from bootd.record import replace


def main() -> int:
    """Do what the job says; returns only when something failed."""
    job = json.loads(Path("/job.json").read_text(encoding="utf-8"))
    kernel = os.open(job["kernel"], os.O_RDONLY)
    initrds = [os.open(path, os.O_RDONLY) for path in job["initrds"]]
    blob = tree(job)
    request = LoadRequest(
        option="test",
        kernel=inspect(lambda at, size: os.pread(kernel, size, at), os.fstat(kernel).st_size),
        initrd_bytes=tuple(os.fstat(fd).st_size for fd in initrds),
        cmdline=job["cmdline"],
        origin=TreeOrigin.MERGED if job["changed"] else TreeOrigin.RUNNING,
        tree_bytes=len(blob),
        tree_changed=bool(blob) and job["changed"],
        memory_available=meminfo.read()["MemAvailable"],
        memory_total=meminfo.read()["MemTotal"],
        crash=job["crash"],
    )
    name = job["loader"]
    if not job["forced"]:
        choice = choose(request, machine.for_load(machine.read()))
        print(f"FIRST chosen={choice.loader.name} why={choice.why}", flush=True)
        if name not in {"", choice.loader.name}:
            return 3
        name = choice.loader.name
    work = LoadJob(loader=BY_NAME[name].name, request=request, has_tree=bool(blob))
    files = [kernel, *initrds]
    if blob:
        files.append(memory_file(blob))
    if job["compare"]:
        return compare(job, work, files)
    report, _ = task.load(None, to_json(work), [os.dup(fd) for fd in files])
    print("FIRST report=" + json.dumps(report), flush=True)
    if job["crash"]:
        crash(work, files)
    if job["execute"]:
        reboot.kexec_now()
    print("FIRST done", flush=True)
    return 0


def crash(work: LoadJob, files: list[int]) -> None:
    """Load an ordinary kernel beside the one that waits, take it out again, and panic."""
    loads = [f"{kexec.crash_loaded():d}{kexec.kexec_loaded():d}"]
    ordinary = replace(work, request=replace(work.request, crash=False))
    task.load(None, to_json(ordinary), [os.dup(fd) for fd in files])
    loads.append(f"{kexec.crash_loaded():d}{kexec.kexec_loaded():d}")
    task.unload(None, {}, [])
    loads.append(f"{kexec.crash_loaded():d}{kexec.kexec_loaded():d}")
    print(f"FIRST loaded={' '.join(loads)}", flush=True)
    Path("/proc/sys/kernel/sysrq").write_text("1", encoding="ascii")
    Path("/proc/sysrq-trigger").write_text("c", encoding="ascii")


def compare(job: dict[str, Any], work: LoadJob, files: list[int]) -> int:
    """Load in turn with bootd and kexec-tools; say seconds of each, and our own memory's peak."""
    ours, theirs = [], []
    with Watch() as watch:
        for _ in range(5):
            started = time.monotonic()
            task.load(None, to_json(work), [os.dup(fd) for fd in files])
            ours.append(f"{time.monotonic() - started:.3f}")
            kexec.unload()
            started = time.monotonic()
            subprocess.run(
                [
                    *("kexec", "-c", "-l", job["kernel"], f"--initrd={job['initrds'][0]}"),
                    f"--append={job['cmdline']}",
                ],
                check=True,
            )
            theirs.append(f"{time.monotonic() - started:.3f}")
            kexec.unload()
    print(f"FIRST ours_s={' '.join(ours)}\nFIRST theirs_s={' '.join(theirs)}")
    print(f"FIRST anonymous_kib={watch.grown_kib}", flush=True)
    return 0


class Watch:
    """Looks every few milliseconds how much memory of its own, files left out, this process has."""

    def __init__(self) -> None:
        self.grown_kib = 0
        self._before = self._anonymous()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._end.wait(0.004):
            self.grown_kib = max(self.grown_kib, self._anonymous() - self._before)

    @staticmethod
    def _anonymous() -> int:
        text = Path("/proc/self/status").read_text(encoding="ascii")
        return int(text.partition("RssAnon:")[2].split()[0])


def tree(job: dict[str, Any]) -> bytes:
    """Return the running tree with the job's command line, and a node of our own if it is asked."""
    live = proc_devicetree.flatten()
    request = TreeRequest(mode=TreeMode.RUNNING, cmdline=job["cmdline"])
    made = prepare(None, request, live).blob
    if made is None:
        return b""
    if not job["changed"]:
        return made
    parsed = fdt.read(made)
    parsed.root.add("bootd-test").properties["value"] = b"merged\0"
    return fdt.write(parsed)


def memory_file(data: bytes) -> int:
    """Return a descriptor of a file in memory."""
    fd = os.memfd_create("tree")
    os.write(fd, data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BootdError as error:
        print(f"FIRST error={error}", flush=True)
    except OSError as error:
        print(f"FIRST error={explain(error)}", flush=True)
    sys.exit(1)
