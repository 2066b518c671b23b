"""`make kernel`: small kernels with bootd's patch series, from Debian's own source packages.

The source comes through this machine's apt, is patched, and compiled below build/kernel. What has
been compiled is kept: after a change of the series, or of kernel/config*, make compiles what
depends on it.
"""

import os
import platform
import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from image import command, signing, step
from image.apt import Apt
from image.build import TOP

KERNEL: Final = TOP / "kernel"
WORK: Final = TOP / "build" / "kernel"

_PROGRESS_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An architecture that kernels are built for.

    Attributes:
        name: Debian's name of it; kernel/config.NAME says what its kernels need.
        arch: The kernel's own name of it.
        machine: As `uname -m` prints it.
        compiler: Start of the names of a cross compiler's programs.
        image: What make is asked for.
        product: Where it puts that.
    """

    name: str
    arch: str
    machine: str
    compiler: str
    image: str
    product: str


TARGETS: Final = {
    one.name: one
    for one in (
        Target(
            name="arm64",
            arch="arm64",
            machine="aarch64",
            compiler="aarch64-linux-gnu-",
            image="Image",
            product="arch/arm64/boot/Image",
        ),
        Target(
            name="riscv64",
            arch="riscv",
            machine="riscv64",
            compiler="riscv64-linux-gnu-",
            image="Image",
            product="arch/riscv/boot/Image",
        ),
        Target(
            name="ppc64el",
            arch="powerpc",
            machine="ppc64le",
            compiler="powerpc64le-linux-gnu-",
            image="vmlinux",
            product="vmlinux",
        ),
        Target(
            name="amd64",
            arch="x86",
            machine="x86_64",
            compiler="x86_64-linux-gnu-",
            image="bzImage",
            product="arch/x86/boot/bzImage",
        ),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A patch series for one of Debian's kernels.

    Attributes:
        version: Of the kernel; the folder below kernel/.
        release: Debian release whose kernel that is.
    """

    version: str
    release: str
    work: Path = WORK

    @property
    def patches(self) -> list[Path]:
        """The patches in their order; none for a kernel that is tried as it is."""
        return sorted((KERNEL / self.version).glob("*.patch"))

    @property
    def source(self) -> Path:
        """The unpacked source."""
        return self.work / f"linux-source-{self.version}"


SERIES: Final = {
    one.version: one
    for one in (
        Series(version="6.12", release="trixie"),
        Series(version="6.1", release="bookworm"),
    )
}

NEWEST: Final = Series(version="7.2", release="forky")
"""Of mainline's newest flags; not patched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """A kernel to be built."""

    series: Series
    target: Target

    @property
    def name(self) -> str:
        """Of its files below build/kernel."""
        return f"{self.series.version}-{self.target.name}"

    @property
    def objects(self) -> Path:
        """What was compiled."""
        return self.series.work / f"objects-{self.name}"

    @property
    def image(self) -> Path:
        """The kernel."""
        return self.series.work / f"{self.target.image}-{self.name}"

    @property
    def elf(self) -> Path:
        """The kernel as the linker made it, which is what some architectures load."""
        return self.objects / "vmlinux"

    @property
    def fragments(self) -> list[Path]:
        """What is added to tinyconfig."""
        names = ["config", f"config.{self.target.name}"]
        return [KERNEL / name for name in (*names, *["config.patched"] * bool(self.series.patches))]


def of(series: Series, architecture: str) -> Kernel:
    """Return what a series becomes on an architecture."""
    return Kernel(series=series, target=TARGETS[architecture])


def build(series: Series, architecture: str = "arm64") -> Path:
    """Bring a kernel up to date and return it.

    Raises:
        AptError: The source package cannot be had.
        CommandError: A patch does not apply, an option of the fragments is not to be had, or the
            compiler is missing or complained.
    """
    kernel = of(series, architecture)
    tarball = fetch(series)
    step.run(
        f"patching Linux {series.version}",
        series.source,
        (tarball, *(patch.read_bytes() for patch in series.patches)),
        lambda: unpack(series, tarball),
    )
    stamp = series.source.with_name(series.source.name + ".stamp")
    key = signing.key(series.work)
    step.run(
        f"building Linux {series.version} for {architecture}",
        kernel.image,
        (stamp, signing.digest(key), *(each.read_bytes() for each in kernel.fragments)),
        lambda: _compile(kernel),
    )
    return kernel.image


def fetch(series: Series) -> Path:
    """Download the source package and return the tar archive in it."""
    apt = Apt(series.work / f"apt-{series.version}", series.release)
    apt.prepare()
    package = apt.single(f"linux-source-{series.version}")
    folder = series.work / package.stem
    tarball = folder / f"usr/src/linux-source-{series.version}.tar.xz"
    if not tarball.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command.unpack(package, folder)
    return tarball


def touched(series: Series) -> set[str]:
    """Return the files that the series changes or adds."""
    text = "".join(patch.read_text() for patch in series.patches)
    return set(re.findall(r"^\+\+\+ b/(\S+)$", text, re.MULTILINE))


def apply(series: Series, folder: Path) -> None:
    """Apply the series to a source tree; every line of context has to be as it was.

    Raises:
        CommandError: A patch does not apply.
    """
    for patch in series.patches:
        command.run("patch", "-d", folder, "-p1", "--batch", "--forward", "--fuzz=0", "-i", patch)


def unpack(series: Series, tarball: Path) -> None:
    """Unpack the source and patch it, so that make sees what is new."""
    series.work.mkdir(parents=True, exist_ok=True)
    listed = series.work / f"touched-{series.version}"
    before = set(listed.read_text().split()) if listed.exists() else set()
    for name in before:
        (series.source / name).unlink(missing_ok=True)
    command.run("tar", "-x", "-f", tarball, "-C", series.work)
    apply(series, series.source)
    listed.write_text("\n".join(sorted(before | touched(series))))
    # tar brought back old times for what an older series had changed.
    for name in before | touched(series):
        file = series.source / name
        if file.exists():
            os.utime(file)


def _compile(kernel: Kernel) -> None:
    kernel.objects.mkdir(parents=True, exist_ok=True)
    _make(kernel, "tinyconfig")
    merge = kernel.series.source / "scripts/kconfig/merge_config.sh"
    config = kernel.objects / ".config"
    command.run("sh", merge, "-m", "-O", kernel.objects, config, *kernel.fragments)
    _make(kernel, "olddefconfig")
    wanted = "".join(fragment.read_text() for fragment in kernel.fragments)
    missing = _options(wanted) - _options(config.read_text())
    if missing:
        raise command.CommandError(
            f"Linux {kernel.name} has no {', '.join(sorted(missing))}; see {KERNEL}"
        )
    _make_image(kernel)
    shutil.copyfile(kernel.objects / kernel.target.product, kernel.image)


def _options(config: str) -> set[str]:
    return set(re.findall(r"^(CONFIG_\w+)=y$", config, re.MULTILINE))


def _words(kernel: Kernel, target: str) -> list[str]:
    words = ["nice", "make", "-C", str(kernel.series.source), f"O={kernel.objects}"]
    words.append(f"ARCH={kernel.target.arch}")
    if platform.machine() != kernel.target.machine:
        words.append(f"CROSS_COMPILE={kernel.target.compiler}")
    # A kernel made twice of the same is the same.
    return [*words, "KBUILD_BUILD_TIMESTAMP=@0", f"-j{os.cpu_count() or 1}", target]


def _make(kernel: Kernel, target: str) -> None:
    command.run(*_words(kernel, target))


def _make_image(kernel: Kernel) -> None:
    with subprocess.Popen(
        _words(kernel, kernel.target.image),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None  # noqa: S101 - asked for above
        complaints = list(_watched(process.stdout))
    if process.returncode != 0:
        tail = "\n".join(complaints[-20:])
        raise command.CommandError(f"Linux {kernel.name} cannot be built:\n{tail}")


def _watched(lines: Iterable[str]) -> Iterator[str]:
    """Say now and then how far make has come; yield what is no progress."""
    compiled, said = 0, time.monotonic()
    for line in lines:
        found = re.match(r"  (?:CC|AS) +(\S+)", line)
        if found is None:
            yield line.rstrip()
            continue
        compiled += 1
        if time.monotonic() - said > _PROGRESS_S:
            said = time.monotonic()
            step.say(f"{compiled} files compiled, now {found[1]}")
