"""FIT images that lie where firmware looks for one: each configuration is a boot option.

Source: doc/usage/fit/source_file_format.rst of U-Boot. The default configuration is marked; where
configurations say for which boards they are, the one that fits this board best is taken instead
once the board is known, as `fit_conf_find_compat` of boot/image-fit.c does.

The command line is the one in the configuration's own device tree: U-Boot's variable `bootargs`,
which may replace it, is on no file system.

Not supported without a word: FIT images inside a raw partition; see also `fitconfig`.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from bootd.errors import ConfigError, ImageError
from bootd.formats import version
from bootd.formats.lexing import check_cmdline, problem
from bootd.fsview import FsView
from bootd.model.option import BootOption, ScanResult
from bootd.model.problem import Problem
from bootd.model.text import clean

if TYPE_CHECKING:
    from bootd.formats import fitconfig

MAX_ENTRIES: Final = 256
"""Configurations of one image (DESIGN.md, limits)."""

MAX_IMAGES: Final = 32
"""FIT images of one file system."""

PLACES: Final = ("/", "/boot", "/boot/fit")
"""Folders with files that are named like a FIT image."""

_SUFFIXES: Final = (".itb", ".fit")
_NAMES: Final = ("fitimage",)
"""Beginnings of names, in small letters: `fitImage`, `fitImage-6.1-board.bin`."""

_MAGIC: Final = b"\xd0\x0d\xfe\xed"


def scan(fs: FsView) -> ScanResult:
    """Collect the configurations of every FIT image."""
    found = ScanResult()
    seen: set[tuple[int, int, int]] = set()
    for path in _candidates(fs):
        if len(seen) >= MAX_IMAGES:
            message = f"more than {MAX_IMAGES} FIT images, the others are not read"
            return found + ScanResult(problems=(Problem(source=clean(path), message=message),))
        try:
            identity = fs.identity(path)
            if identity not in seen and fs.read_head(path, 4) == _MAGIC:
                seen.add(identity)
                found += _scan_image(fs, path)
        except FileNotFoundError:
            continue
        except (ConfigError, OSError) as error:
            found += ScanResult(problems=(problem(error, path),))
    return found


def _candidates(fs: FsView) -> Iterator[str]:
    for folder in PLACES:
        for name in fs.list_dir(folder):
            small = name.casefold()
            if small.endswith(_SUFFIXES) or small.startswith(_NAMES):
                yield f"{folder.rstrip('/')}/{name}"


def _scan_image(fs: FsView, path: str) -> ScanResult:
    from bootd.formats import fitconfig  # noqa: PLC0415 - 5 ms, and most disks have no FIT image

    try:
        image = fitconfig.Image(fs, path)
    except ImageError as error:
        return ScanResult(problems=(Problem(source=clean(path), message=clean(str(error))),))
    names = image.names
    problems: list[Problem] = []
    if not names:
        message = "the FIT image has no configuration, so nothing in it is a boot option"
        problems.append(Problem(source=clean(path), message=message))
    if len(names) > MAX_ENTRIES:
        message = f"{len(names)} configurations, only the first {MAX_ENTRIES} are listed"
        problems.append(Problem(source=clean(path), message=message))
    options = tuple(_options(image, path, names[:MAX_ENTRIES], problems))
    return ScanResult(options=options, problems=tuple(problems))


def _options(
    image: "fitconfig.Image", path: str, names: Iterable[str], problems: list[Problem]
) -> Iterator[BootOption]:
    several = len(image.names) > 1
    for name in names:
        parts = image.parts(name)
        if parts is None:
            continue
        try:
            cmdline = check_cmdline(parts.cmdline, path, 1)
        except ConfigError as error:
            problems.append(problem(error, path))
            continue
        title = parts.title or image.title or clean(path.rpartition("/")[2])
        yield BootOption(
            entry=f"{clean(path)}#{clean(name)}",
            format="fit",
            source=path,
            title=clean(f"{title} ({clean(name)})") if several else title,
            version=clean(version.of_kernel(path.removesuffix(".itb"))),
            linux=parts.linux,
            initrds=parts.initrds,
            cmdline=cmdline,
            devicetree=parts.devicetree,
            overlays=parts.overlays,
            compatible=parts.compatible,
            architecture=parts.architecture,
            is_default=name == image.default,
            reasons=parts.reasons,
            notes=parts.notes,
        )
