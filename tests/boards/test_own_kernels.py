"""Guests whose first kernel is one that was built here: what Debian's own cannot do."""

from pathlib import Path

import pytest

from image import kernel_series
from image.guests import GUESTS
from image.kernel_series import NEWEST, SERIES
from image.loadtest import Job
from tests.support import trees
from tests.support.guests import Run, start

pytestmark = [pytest.mark.patched, pytest.mark.timeout(900)]

OWN = "/boot/own"
"""The second kernel, where that is built here, too."""


def line(name: str) -> str:
    return f"console={GUESTS[name].console} panic=-1 quiet"


def ended(run: Run) -> Run:
    assert "SECOND end" in run.log, run.log[-3000:]
    return run


@pytest.fixture(scope="module")
def x86() -> Path:
    return kernel_series.build(NEWEST, "amd64")


@pytest.mark.parametrize(
    ("loader", "value"), [("kexec_file", "of the firmware"), ("kexec_load", "merged")]
)
def test_an_x86_machine_hands_its_device_tree_on(
    loader: str, value: str, x86: Path, tmp_path: Path
) -> None:
    tree = {"compatible": "acme,pc", "bootd-test": {"value": "of the firmware"}}
    blob = tmp_path / "tree.dtb"
    blob.write_bytes(trees.blob(tree))
    job = Job(
        cmdline=line("x86_64"),
        loader=loader,
        changed=loader == "kexec_load",
        forced=loader == "kexec_load",
        kernel=OWN,
    )
    files = {OWN[1:]: x86.read_bytes()}
    run = ended(start("x86_64", job, tmp_path, files=files, kernel=x86, extra=("-dtb", str(blob))))
    assert run.fields("SECOND")["value"] == value
    assert run.report["loader"] == loader


PASSED = "kexec_dtb: pass:9 fail:0 skip:0 total:9"
TALK = "kunit.enable=1 loglevel=7"


def test_a_patched_power_kernel_passes_its_own_tests_and_hands_the_merged_tree_on(
    tmp_path: Path,
) -> None:
    kernel = kernel_series.build(SERIES["6.12"], "ppc64el")
    job = Job(cmdline=line("ppc64le"), loader="kexec_file_dtb", kernel=OWN)
    files = {OWN[1:]: kernel_series.of(SERIES["6.12"], "ppc64el").elf.read_bytes()}
    run = ended(start("ppc64le", job, tmp_path, words=TALK, files=files, kernel=kernel))
    assert PASSED in run.log
    said = run.fields("SECOND")
    assert (said["value"], said["bootd,loader"]) == ("merged", "kexec_file_dtb")
    assert run.cmdline.decode() == job.cmdline


def test_a_patched_riscv_kernel_passes_its_own_tests_and_accepts_the_merged_tree(
    tmp_path: Path,
) -> None:
    kernel = kernel_series.build(SERIES["6.12"], "riscv64")
    job = Job(cmdline=line("riscv64"), loader="kexec_file_dtb", kernel=OWN, execute=False)
    files = {OWN[1:]: kernel_series.of(SERIES["6.12"], "riscv64").elf.read_bytes()}
    run = start("riscv64", job, tmp_path, words=TALK, files=files, kernel=kernel)
    assert PASSED in run.log
    assert (run.report["loader"], run.report["tree"]) == ("kexec_file_dtb", "merged")


@pytest.mark.parametrize(("loader", "changed"), [("kexec_file_dtb", True), ("kexec_file", False)])
def test_a_patched_kernel_keeps_a_crash_kernel_that_takes_over(
    loader: str, tmp_path: Path, *, changed: bool
) -> None:
    kernel = kernel_series.build(SERIES["6.12"])
    job = Job(
        cmdline=f"{line('arm64')} reset_devices nr_cpus=1",
        loader=loader,
        crash=True,
        changed=changed,
    )
    words = "crashkernel=256M panic=10"
    run = ended(start("arm64", job, tmp_path, words=words, kernel=kernel, extra=("-m", "1024")))
    assert run.fields("FIRST")["loaded"] == "10 11 10"
    said = run.fields("SECOND")
    assert said.get("value") == ("merged" if changed else None)
    assert int(said["vmcore"]) > 700 << 20
    assert int(said["memory"]) < 256 << 10
