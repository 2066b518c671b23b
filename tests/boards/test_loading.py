"""Second kernels that bootd loads itself, on every architecture it has a layout for.

Each start is a whole machine: firmware, Debian's kernel, bootd's load task, jump, second kernel.
"""

from pathlib import Path

import pytest

from image.guests import GUESTS
from image.loadtest import Job
from tests.support.guests import Run, start

pytestmark = [pytest.mark.boards, pytest.mark.timeout(900)]

AWKWARD = (
    "quiet", "root=UUID=1234-ABCD", 't.hello="a b"', "t.single='quoted'", 't.inner=a"b c"d',
    "empty=", "=value", "==", 't.name=""', "t.dollar=$HOME", "t.sub=$(reboot)", "t.tick=`reboot`",
    "t.semi=a;reboot", "t.pipe=a|b", "t.amp=a&b", "t.less=<x>", "t.star=*", "t.what=?",
    "t.set=[a-z]", "t.brace={a,b}", "t.hash=#x", "t.bang=!!", "t.percent=%s%n", "t.tilde=~",
    "t.at=@x", "t.caret=^", "t.comma=a,b,c", "t.colon=a:b::c", "t.slash=//a/../b",
    r"t.back=a\b\\c", r"t.esc=\x1b[2J", "t.plus=+a", "t.minus=-a", "t.uni=äöü", "t.cjk=启动",
    "t.emoji=🦀", "dots.b.c.d=e", "module.param=1", "mod-dash_under.x=1", "t.long=" + "x" * 300,
)  # fmt: skip
"""What shells, parsers and terminals trip over.

Most look like parameters of modules: the kernel panics at more than 32 words for init.
"""


def console(name: str) -> str:
    return f"console={GUESTS[name].console} panic=-1 quiet"


def ended(run: Run) -> Run:
    assert "SECOND end" in run.log, run.log[-3000:]
    return run


@pytest.mark.parametrize("name", sorted(set(GUESTS) - {"ppc64le"}))
def test_a_kernel_that_bootd_places_gets_the_tree_and_the_line_it_was_given(
    name: str, tmp_path: Path
) -> None:
    line = f"{console(name)} hello"
    run = ended(start(name, Job(cmdline=line, loader="kexec_load", forced=True), tmp_path))
    assert run.cmdline == line.encode()
    said = run.fields("SECOND")
    assert int(said["processors"]) == 2
    assert int(said["memory"]) > 400 << 10
    if name != "x86_64":
        assert said["value"] == "merged"
        assert (said["bootd,loader"], said["bootd,tree"]) == ("kexec_load", "merged")
        assert len(said["bootd,sha256"]) == 64
        assert run.report["treeSha256"]


@pytest.mark.parametrize("name", ["arm64", "arm", "riscv64"])
def test_a_machine_with_a_tree_and_debians_kernel_chooses_kexec_load(
    name: str, tmp_path: Path
) -> None:
    run = start(name, Job(cmdline=console(name), execute=False), tmp_path)
    assert run.fields("FIRST")["chosen"].startswith("kexec_load "), run.log[-3000:]


def test_an_x86_machine_chooses_kexec_file_and_its_kernel_starts(tmp_path: Path) -> None:
    line = f"{console('x86_64')} hello"
    run = ended(start("x86_64", Job(cmdline=line, loader="kexec_file"), tmp_path))
    assert run.cmdline == line.encode()
    assert run.report["why"] == "kexec_file_load: this machine has no device tree"


@pytest.mark.parametrize("name", ["arm64", "x86_64"])
def test_forty_awkward_words_reach_the_second_kernel_byte_for_byte(
    name: str, tmp_path: Path
) -> None:
    assert len(AWKWARD) == len(set(AWKWARD)) == 40
    line = f"{console(name)} {' '.join(AWKWARD)}"
    run = ended(start(name, Job(cmdline=line, loader="kexec_load", forced=True), tmp_path))
    assert run.cmdline == line.encode()


def test_a_line_as_long_as_the_kernel_reads_arrives_whole(tmp_path: Path) -> None:
    line = f"{console('arm64')} "
    line += "x" * (2047 - len(line))
    run = ended(start("arm64", Job(cmdline=line, loader="kexec_load"), tmp_path))
    assert run.cmdline == line.encode()


def test_a_line_that_is_too_long_is_refused_and_nothing_is_loaded(tmp_path: Path) -> None:
    run = start("arm64", Job(cmdline="x" * 2048), tmp_path)
    assert "FIRST error=the command line has 2048 bytes, and this kernel reads 2047" in run.log
    assert "SECOND" not in run.log


def test_a_locked_down_kernel_says_so_and_offers_the_running_tree(tmp_path: Path) -> None:
    job = Job(cmdline=console("arm64"))
    run = start("arm64", job, tmp_path, words="lockdown=integrity")
    assert "locked down (integrity)" in run.fields("FIRST")["error"]


@pytest.mark.parametrize(
    ("name", "loader"),
    [("arm64", "kexec_load"), ("riscv64", "kexec_load"), ("x86_64", "kexec_file")],
)
def test_a_crash_kernel_survives_an_ordinary_load_and_takes_over_after_a_panic(
    name: str, loader: str, tmp_path: Path
) -> None:
    line = f"{console(name)} reset_devices nr_cpus=1"
    job = Job(cmdline=line, loader=loader, crash=True, changed=name != "x86_64")
    run = ended(start(name, job, tmp_path, words="crashkernel=256M panic=10", extra=("-m", "1024")))
    assert run.fields("FIRST")["loaded"] == "10 11 10"
    assert run.report["crash"]
    said = run.fields("SECOND")
    assert int(said["vmcore"]) > 700 << 20
    assert int(said["memory"]) < 256 << 10
    assert "reset_devices" in run.cmdline.decode()


def test_without_memory_for_it_a_crash_kernel_is_refused_with_what_to_do(tmp_path: Path) -> None:
    run = start("arm64", Job(cmdline=console("arm64"), crash=True), tmp_path)
    assert "start the running kernel with crashkernel=256M" in run.fields("FIRST")["error"]
