"""Scripts of U-Boot: boot.scr, boot.ini, boot.cmd and uEnv.txt, interpreted without running them.

Source: doc/usage/cmd/*.rst, common/cli_hush.c and boot/bootmeth_script.c of U-Boot; the scripts of
Armbian, Debian's flash-kernel, Ubuntu, Hardkernel and BeagleBoard. A script loads files to
addresses and boots addresses; here it is followed over the files that are really there, and what
lies at the addresses when it boots is the boot option. One script is one option.

What only the firmware knows (`fdtfile`, `board`, numbers of devices) has no value: a device tree
whose name depends on it becomes the folder from which this board's is chosen, a kernel the one that
lies in its place.

Not supported, and noted: commands that ask the hardware. A script that boots nothing is a problem
that says how far it came. boot.cmd is what boot.scr was made from; it is read only where there is
no usable boot.scr beside it.
"""

from typing import Final

from bootd.errors import BootdError, ConfigError, ImageError
from bootd.formats.lexing import problem
from bootd.formats.uboot_script import uenv
from bootd.formats.uboot_script.image import name_of, script_at
from bootd.formats.uboot_script.interpreter import run
from bootd.formats.uboot_script.option import Origin, build
from bootd.formats.uboot_script.state import LeaveError, State
from bootd.fsview import FsView
from bootd.model.option import ScanResult
from bootd.model.problem import Problem
from bootd.model.text import clean

PLACES: Final = (
    "/boot.scr.uimg",  # bootmeth_script of U-Boot: this name first, then the next
    "/boot.scr",
    "/boot/boot.scr.uimg",
    "/boot/boot.scr",
    "/boot.ini",  # Hardkernel
    "/boot/boot.ini",
    "/s905_autoscript",  # Amlogic
    "/boot.cmd",
    "/boot/boot.cmd",
    "/uEnv.txt",
    "/boot/uEnv.txt",
)
"""Every one that is there is used; one file under two names once."""

VARIABLES: Final = {
    "arch": "arm",
    "boot_target": "mmc0",
    "boot_targets": "mmc0",
    "bootpart": "1",
    "devnum": "0",
    "devtype": "mmc",
    "distro_bootpart": "1",
    "fdt_addr_r": "43000000",
    "fdtoverlay_addr_r": "44000000",
    "kernel_addr_r": "40080000",
    "kernel_comp_addr_r": "60000000",
    "kernel_comp_size": "10000000",
    "loadaddr": "42000000",
    "pxefile_addr_r": "44100000",
    "ramdisk_addr_r": "50000000",
    "scriptaddr": "4fc00000",
}
"""What doc/develop/distro.rst asks every board to set; the addresses are any that do not meet."""

_INI_MAGIC: Final = ("ODROID", "-UBOOT-CONFIG")
"""Hardkernel's boot.ini starts with a line like ODROIDXU-UBOOT-CONFIG."""


def scan(fs: FsView) -> ScanResult:
    """Follow every script of a file system."""
    found = ScanResult()
    seen: set[tuple[int, int, int]] = set()
    for path in PLACES:
        folder, _, name = path.rpartition("/")
        made_here = any(option.source.rpartition("/")[0] == folder for option in found.options)
        if name in {"boot.cmd", "uEnv.txt"} and (
            made_here or (found.options and name != "boot.cmd")
        ):
            # Imported by the script that was followed, or what that script was made from.
            continue
        try:
            identity = fs.identity(path)
            if identity not in seen:
                seen.add(identity)
                found += _scan_script(fs, path)
        except FileNotFoundError:
            continue
        except (ConfigError, OSError) as error:
            found += ScanResult(problems=(problem(error, path),))
    return found


def _scan_script(fs: FsView, path: str) -> ScanResult:
    try:
        text, name = script_at(fs, path), name_of(fs, path)
    except ImageError as error:
        return _wrong(path, str(error))
    if path.endswith("boot.ini"):
        first, _, rest = text.partition("\n")
        if not first.startswith(_INI_MAGIC[0]) or _INI_MAGIC[1] not in first:
            return ScanResult()
        text = f"\n{rest}"
    only_settings = path.endswith("uEnv.txt")
    if only_settings and not uenv.boots(text):
        return ScanResult()
    folder = path.rpartition("/")[0]
    known = {"prefix": f"{folder}/", "cpu": _cpu(fs, folder)}
    state = State(fs, path, dict(VARIABLES) | known)
    state.numbered = not only_settings
    problems: list[Problem] = []
    try:
        run(state, uenv.SCRIPT.replace("@PATH@", path) if only_settings else text, path)
    except LeaveError:
        pass
    except ConfigError as error:
        problems.append(problem(error, path))
    origin = Origin(path=path, name=name, text=text[:2000])
    return _result(state, origin, problems)


def _cpu(fs: FsView, folder: str) -> str:
    """Return what U-Boot would call the processor; scripts of Armbian choose the kernel by it."""
    only_32 = fs.is_file(f"{folder}/zImage") and not fs.is_file(f"{folder}/Image")
    return "armv7" if only_32 else "armv8"


def _result(state: State, origin: Origin, problems: list[Problem]) -> ScanResult:
    boot = state.boot or (state.tried if state.tried and state.tried.kernel else None)
    if boot is None:
        if not state.handed_over and not problems:
            problems.append(_nothing_booted(state, origin.path))
        return ScanResult(problems=tuple(problems))
    try:
        option = build(state, boot, origin)
    except BootdError as error:
        return ScanResult(problems=(*problems, *_wrong(origin.path, str(error)).problems))
    return ScanResult(options=(option,), problems=tuple(problems))


def _nothing_booted(state: State, path: str) -> Problem:
    """Say how far a script came."""
    if state.tried is not None:
        reason = f"{state.tried.command} finds no kernel in memory"
        line = state.tried.line
    else:
        line, reason = state.line, "it ends without a boot command"
    hints = "; ".join(state.notes[:3])
    message = f"the script boots nothing: {reason}{f' ({hints})' if hints else ''}"
    return Problem(
        source=clean(path), line=line if state.numbered else None, message=clean(message, 400)
    )


def _wrong(path: str, reason: str) -> ScanResult:
    return ScanResult(problems=(Problem(source=clean(path), message=clean(reason, 400)),))
