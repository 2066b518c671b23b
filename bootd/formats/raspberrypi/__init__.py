"""config.txt and cmdline.txt of the Raspberry Pi's firmware.

Source: Raspberry Pi documentation, computers/config_txt/*.adoc. The configuration depends on the
board: it is evaluated for every model, and models that boot the same make one option; which of them
is for this board is decided when its tree is known. tryboot.txt, or `[tryboot]` sections, make
options of their own.

`console=serial0` becomes the port that the firmware would name for the board (uart.adoc).

Not supported, and noted: filters on displays, pins, serial numbers, partitions and boot variables.
Not supported without a word: everything that sets up the hardware (clocks, HDMI, memory split),
`autoboot.txt`, `initramfs` addresses (bootd places files itself). Configurations that start U-Boot
or UEFI give no option: what these start has formats of its own.
"""

import re
from collections.abc import Iterator
from itertools import chain
from typing import Final

from bootd.errors import ConfigError
from bootd.formats import version
from bootd.formats.lexing import BLANKS, check_cmdline, problem
from bootd.formats.raspberrypi import config
from bootd.formats.raspberrypi.board import BOARDS, Board
from bootd.formats.raspberrypi.choice import Choice, Files, choose, serial0
from bootd.fsview import FsView, read_text
from bootd.model.option import BOARD_WORD, BoardWord, BootOption, ScanResult
from bootd.model.problem import Problem
from bootd.model.text import clean
from bootd.record import dataclass, replace

PLACES: Final = ("/config.txt", "/boot/firmware/config.txt", "/boot/config.txt")
"""A firmware partition, and where systems mount it or keep it; one file under two names once."""

_MARKS: Final = ("start", "bootcode.bin", "bcm27", "kernel", "cmdline.txt", "overlays", "fixup")
"""How names begin that lie beside a config.txt of a Raspberry Pi: the name alone says little."""

_SERIAL0: Final = re.compile(r"(?:(?<=\s)|^)console=serial0(?=,|\s|$)")

_OTHER_LOADERS: Final = ("u-boot", "uboot", "rpi_efi", "grub")


@dataclass(frozen=True, slots=True)
class _Flavour:
    """One way to read the configuration: as ever, or once after `reboot "0 tryboot"`."""

    path: str
    tryboot: bool


def scan(fs: FsView) -> ScanResult:
    """Collect the options of every configuration on a file system."""
    found = ScanResult()
    seen: set[tuple[int, int, int]] = set()
    for path in PLACES:
        base = path.rpartition("/")[0] or "/"
        try:
            identity = fs.identity(path)
            if identity in seen or not _is_firmware(fs, base):
                continue
            seen.add(identity)
            found += _scan_configuration(fs, path, base)
        except FileNotFoundError:
            continue
        except (ConfigError, OSError) as error:
            found += ScanResult(problems=(problem(error, path),))
    return found


def _is_firmware(fs: FsView, base: str) -> bool:
    return any(name.lower().startswith(_MARKS) for name in fs.list_dir(base))


def _scan_configuration(fs: FsView, path: str, base: str) -> ScanResult:
    problems: list[Problem] = []
    settings = config.read(fs, path, problems)
    options = list(_options(fs, base, settings, _Flavour(path, tryboot=False), problems))
    trying = f"{base.rstrip('/')}/tryboot.txt"
    try:
        other = config.read(fs, trying, problems)
        flavour = _Flavour(trying, tryboot=True)
    except FileNotFoundError:
        other, flavour = settings, _Flavour(path, tryboot=True)
    except (ConfigError, OSError) as error:
        problems.append(problem(error, trying))
        other, flavour = (), _Flavour(trying, tryboot=True)
    if flavour.path == trying or any("tryboot" in each.filters for each in other):
        options += _options(fs, base, other, flavour, problems)
    return ScanResult(options=tuple(options), problems=tuple(problems))


def _options(
    fs: FsView,
    base: str,
    settings: tuple[config.Setting, ...],
    flavour: _Flavour,
    problems: list[Problem],
) -> Iterator[BootOption]:
    groups = _groups(fs, base, settings, flavour)
    notes = tuple(
        f"[{name}] cannot be decided here; what stands behind it is left out"
        for name in config.unknown_filters(settings)[:16]
    )
    for index, (choice, boards) in enumerate(groups.items()):
        if choice.kernel is None or _is_other_loader(choice.kernel.path, settings):
            continue
        several = len(groups) > 1
        try:
            cmdline = _cmdline(fs, choice.cmdline_file)
        except (ConfigError, OSError) as error:
            problems.append(problem(error, choice.cmdline_file))
            continue
        option = _option(fs, flavour, choice, cmdline)
        option = _with_port(option, choice, boards)
        yield replace(
            _for_boards(option, boards) if several else option,
            is_default=index == 0 and not flavour.tryboot,
            notes=(*option.notes, *notes),
        )


def _groups(
    fs: FsView, base: str, settings: tuple[config.Setting, ...], flavour: _Flavour
) -> dict[Choice, list[Board]]:
    """Return what is booted, with the boards that boot it; without those that have no kernel."""
    groups: dict[Choice, list[Board]] = {}
    files = Files(fs)
    for board in BOARDS:
        own = [s for s in settings if config.applies(s, board, tryboot=flavour.tryboot)]
        groups.setdefault(choose(files, base, own, board), []).append(board)
    there = {
        choice: boards
        for choice, boards in groups.items()
        if choice.kernel is not None and files.is_file(choice.kernel.path)
    }
    return there or dict(list(groups.items())[:1])


def _is_other_loader(kernel: str, settings: tuple[config.Setting, ...]) -> bool:
    stubs = (each.value for each in settings if each.name == "armstub")
    names = chain((kernel.rpartition("/")[2],), stubs)
    return any(name.lower().startswith(_OTHER_LOADERS) for name in names)


def _cmdline(fs: FsView, path: str) -> str:
    """Return the first line that says something; the firmware passes one line."""
    try:
        lines = read_text(fs, path).replace("\0", "\ufffd").split("\n")
    except FileNotFoundError:
        return ""
    text = next((each.strip(BLANKS) for each in lines if each.strip(BLANKS)), "")
    return check_cmdline(text, path, 1)


def _for_boards(option: BootOption, boards: list[Board]) -> BootOption:
    """Say for which boards an option is, where other boards boot something else."""
    return replace(
        option,
        entry=f"{option.entry}#{boards[0].compatible}",
        title=clean(f"{option.title} on Raspberry Pi {_names(boards)}"),
        compatible=_compatible(boards),
    )


def _option(fs: FsView, flavour: _Flavour, choice: Choice, cmdline: str) -> BootOption:
    kernel = choice.kernel
    name = flavour.path.lstrip("/")
    trying = flavour.tryboot and not name.endswith("tryboot.txt")
    return BootOption(
        entry=clean(f"{name}+tryboot" if trying else name),
        format="raspberrypi",
        source=flavour.path,
        title=f"{_system(fs)}{' (tryboot)' if flavour.tryboot else ''}",
        line=choice.line,
        version="" if kernel is None else clean(version.of_kernel(kernel.path)),
        linux=kernel,
        initrds=choice.initrds,
        cmdline=cmdline,
        devicetree=choice.devicetree,
        devicetree_dir=choice.devicetree_dir,
        devicetree_choices=choice.devicetree_choices,
        devicetree_none=choice.devicetree_none,
        devicetree_parameters=choice.parameters,
        overlays=choice.overlays,
        overlay_parameters=choice.overlay_parameters,
        architecture=choice.architecture,
        notes=choice.notes,
    )


def _with_port(option: BootOption, choice: Choice, boards: list[Board]) -> BootOption:
    """Leave open which port `console=serial0` is until the board is known."""
    cmdline = _SERIAL0.sub(f"console={BOARD_WORD}", option.cmdline)
    if cmdline == option.cmdline:
        return option
    words = tuple(BoardWord(compatible=b.compatible, text=serial0(choice, b)) for b in boards)
    return replace(option, cmdline=cmdline, board_words=words, board_word="serial0")


def _system(fs: FsView) -> str:
    """Return whose configuration it is."""
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        try:
            lines = read_text(fs, path).split("\n")
        except (ConfigError, OSError):
            continue
        for line in lines:
            if line.startswith("PRETTY_NAME="):
                return clean(line.partition("=")[2].strip("\"' "))
    # pi-gen writes an issue.txt with its name to the firmware partition.
    is_pi_os = any(fs.is_file(path) for path in ("/issue.txt", "/boot/firmware/issue.txt"))
    return "Raspberry Pi OS" if is_pi_os else "Linux (config.txt)"


def _compatible(boards: list[Board]) -> tuple[str, ...]:
    """Return the boards' strings, and those of SoCs all whose boards are among them."""
    found = [board.compatible for board in boards]
    whole = (
        f"brcm,{soc}"
        for soc in dict.fromkeys(board.soc for board in boards)
        if all(board in boards for board in BOARDS if board.soc == soc)
    )
    return (*found, *whole)


def _names(boards: list[Board]) -> str:
    names = [board.name for board in boards]
    shown = ", ".join(names[:4])
    return f"{shown} …" if len(names) > 4 else shown
