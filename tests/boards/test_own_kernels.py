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


@pytest.mark.parametrize(("name", "debian"), [("ppc64le", "ppc64el")])
def test_a_patched_kernel_of_another_architecture_takes_the_tree_and_passes_its_own_tests(
    name: str, debian: str, tmp_path: Path
) -> None:
    kernel = kernel_series.build(SERIES["6.12"], debian)
    job = Job(cmdline=line(name), loader="kexec_file_dtb", kernel=OWN)
    files = {OWN[1:]: kernel_series.of(SERIES["6.12"], debian).elf.read_bytes()}
    words = "kunit.enable=1 loglevel=7"
    run = ended(start(name, job, tmp_path, words=words, files=files, kernel=kernel))
    assert "kexec_dtb: pass:9 fail:0 skip:0 total:9" in run.log
    said = run.fields("SECOND")
    assert (said["value"], said["bootd,loader"]) == ("merged", "kexec_file_dtb")
    assert run.cmdline.decode() == job.cmdline


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
