"""`make kernel`: a small arm64 kernel with bootd's patch series, from Debian's own source package.

The source comes through this machine's apt, is patched, and compiled below build/kernel. What has
been compiled is kept: after a change of the series, or of kernel/config.arm64, make compiles what
depends on it.
"""

import os
import platform
import re
import subprocess
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from image import command, step
from image.apt import Apt
from image.build import TOP

KERNEL: Final = TOP / "kernel"
WORK: Final = TOP / "build" / "kernel"
FRAGMENT: Final = KERNEL / "config.arm64"

_PROGRESS_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A patch series for one of Debian's long-term kernels.

    Attributes:
        version: Of the kernel; the folder below kernel/.
        release: Debian release whose kernel that is.
    """

    version: str
    release: str
    work: Path = WORK

    @property
    def patches(self) -> list[Path]:
        """The patches in their order."""
        return sorted((KERNEL / self.version).glob("*.patch"))

    @property
    def source(self) -> Path:
        """The unpacked source."""
        return self.work / f"linux-source-{self.version}"

    @property
    def objects(self) -> Path:
        """What was compiled."""
        return self.work / f"objects-{self.version}"

    @property
    def image(self) -> Path:
        """The kernel."""
        return self.work / f"Image-{self.version}"


SERIES: Final = {
    one.version: one
    for one in (
        Series(version="6.12", release="trixie"),
        Series(version="6.1", release="bookworm"),
    )
}


def build(series: Series) -> Path:
    """Bring a patched kernel up to date and return it.

    Raises:
        AptError: The source package cannot be had.
        CommandError: A patch does not apply, an option of the fragment is not to be had, or the
            compiler is missing or complained.
    """
    tarball = fetch(series)
    step.run(
        f"patching Linux {series.version}",
        series.source,
        (tarball, *(patch.read_bytes() for patch in series.patches)),
        lambda: unpack(series, tarball),
    )
    inputs = (series.source.with_name(series.source.name + ".stamp"), FRAGMENT.read_bytes())
    step.run(
        f"building Linux {series.version} for arm64",
        series.image,
        inputs,
        lambda: _compile(series),
    )
    return series.image


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


def _compile(series: Series) -> None:
    series.objects.mkdir(parents=True, exist_ok=True)
    _make(series, "tinyconfig")
    merge = series.source / "scripts/kconfig/merge_config.sh"
    config = series.objects / ".config"
    command.run("sh", merge, "-m", "-O", series.objects, config, FRAGMENT)
    _make(series, "olddefconfig")
    missing = _wanted(FRAGMENT.read_text()) - _wanted(config.read_text())
    if missing:
        raise command.CommandError(
            f"Linux {series.version} has no {', '.join(sorted(missing))}; see {FRAGMENT}"
        )
    _make_image(series)
    (series.objects / "arch/arm64/boot/Image").replace(series.image)


def _wanted(config: str) -> set[str]:
    return set(re.findall(r"^(CONFIG_\w+)=y$", config, re.MULTILINE))


def _words(series: Series, target: str) -> list[str]:
    words = ["nice", "make", "-C", str(series.source), f"O={series.objects}", "ARCH=arm64"]
    if platform.machine() != "aarch64":
        words.append("CROSS_COMPILE=aarch64-linux-gnu-")
    # A kernel made twice of the same is the same.
    return [*words, "KBUILD_BUILD_TIMESTAMP=@0", f"-j{os.cpu_count() or 1}", target]


def _make(series: Series, target: str) -> None:
    command.run(*_words(series, target))


def _make_image(series: Series) -> None:
    with subprocess.Popen(
        _words(series, "Image"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None  # noqa: S101 - asked for above
        complaints = list(_watched(process.stdout))
    if process.returncode != 0:
        tail = "\n".join(complaints[-20:])
        raise command.CommandError(f"Linux {series.version} cannot be built:\n{tail}")


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
