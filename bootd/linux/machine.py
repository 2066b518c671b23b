"""What this machine is and what its kernel can do, read at start and before the first load."""

import os
import re
from typing import Final

from bootd.linux import iomem, kernel_config, kexec, kmsg, meminfo, processor
from bootd.model.machine import SMBIOS, Machine
from bootd.model.memory import subtract
from bootd.model.text import clean
from bootd.record import replace

_SELECTED: Final = re.compile(r"\[(\w+)\]")
_MAX_PROPERTY_BYTES: Final = 4096


def read(root: str = "/") -> Machine:
    """Describe the machine.

    Args:
        root: Directory below which proc/ and sys/ are looked for; what the kernel can do is asked
            of the running kernel in any case.
    """
    name = os.uname()
    lockdown = _lockdown(root)
    refusal, locked = _refusal(root, lockdown)
    has_load = kexec.has_kexec_load()
    has_file = kexec.has_kexec_file_load()
    if not has_load:
        refusal = "the running kernel has no kexec_load (it is built without CONFIG_KEXEC)"
    strings = _property(root, "compatible").split("\0")
    return Machine(
        architecture=name.machine,
        model=clean(_model(root)),
        compatible=tuple(clean(text) for text in strings if text),
        hardware=() if any(strings) else _hardware(root),
        serial=clean(_property(root, "serial-number").rstrip("\0")),
        kernel=name.release,
        firmware=clean(_firmware(root)),
        memory_bytes=meminfo.read(os.path.join(root, "proc/meminfo")).get("MemTotal", 0),
        lockdown=lockdown,
        kexec_load=has_load and not refusal,
        kexec_file=has_file,
        kexec_file_dtb=has_file and not _limited(root) and kexec.has_kexec_file_dtb(),
        kexec_file_force_dtb=name.machine == "x86_64"
        and has_file
        and not _limited(root)
        and kexec.takes_file_flag(kexec.KEXEC_FILE_FORCE_DTB),
        kexec_refusal=refusal,
        kexec_locked=locked,
        page_bytes=os.sysconf("SC_PAGE_SIZE"),
        crash_bytes=kexec.crash_bytes(os.path.join(root, "sys/kernel/kexec_crash_size")),
    )


def for_load(machine: Machine, root: str = "/") -> Machine:
    """Add what only a load asks for; a start need not pay for it.

    The kernel's log takes 100 ms to read on a slow board.
    """
    return replace(
        machine,
        stuck_processors=_stuck_processors(root),
        lpi_unreserved=machine.kexec_file and _lpi_unreserved(root),
        missing_pages=processor.missing_pages(_text(root, "proc/cpuinfo")),
        signatures_forced=machine.kexec_file
        and kernel_config.is_set("KEXEC_SIG_FORCE", root) is True,
    )


def _lockdown(root: str) -> str:
    match = _SELECTED.search(_text(root, "sys/kernel/security/lockdown"))
    return match.group(1) if match else "none"


def _refusal(root: str, lockdown: str) -> tuple[str, bool]:
    """Why kexec_load may not be used, and whether that holds for every kind of load."""
    if os.geteuid() != 0:
        return "loading a kernel needs root", True
    if _text(root, "proc/sys/kernel/kexec_load_disabled").strip() == "1":
        return "kexec is switched off until the next power-on (sysctl kexec_load_disabled)", True
    if _text(root, "proc/sys/kernel/kexec_load_limit_reboot").strip() == "0":
        return "no load is left until the next power-on (sysctl kexec_load_limit_reboot)", True
    if lockdown != "none":
        return f"the running kernel is locked down ({lockdown}) and refuses kexec_load", False
    return "", False


def _limited(root: str) -> bool:
    return _text(root, "proc/sys/kernel/kexec_load_limit_reboot").strip() not in {"", "-1"}


def _hardware(root: str) -> tuple[str, ...]:
    """Return what SMBIOS says; empty when there is none."""
    found = [_text(root, f"sys/class/dmi/id/{name}").strip("\n") for name in SMBIOS]
    return tuple(found) if any(found) else ()


def _model(root: str) -> str:
    model = _property(root, "model").rstrip("\0")
    return model or _text(root, "sys/class/dmi/id/product_name").strip()


def _firmware(root: str) -> str:
    """Name the firmware: U-Boot leaves its version, UEFI and PC firmware theirs in SMBIOS."""
    if version := _property(root, "chosen/u-boot,version").rstrip("\0"):
        return version if version.startswith("U-Boot") else f"U-Boot {version}"
    words = [_text(root, f"sys/class/dmi/id/bios_{part}").strip() for part in ("vendor", "version")]
    if os.path.isdir(os.path.join(root, "sys/firmware/efi")):
        words.insert(0, "UEFI")
    return " ".join(filter(None, words))


def _property(root: str, name: str) -> str:
    return _text(root, f"proc/device-tree/{name}")


def _stuck_processors(root: str) -> bool:
    """Say whether there are processors that started by spin-table, which knows no way back.

    Source: arch/arm64/kernel/smp.c, cpus_are_stuck_in_kernel.
    """
    possible = _text(root, "sys/devices/system/cpu/possible").strip()
    if possible in {"", "0"}:
        return False
    folder = os.path.join(root, "proc/device-tree/cpus")
    try:
        names = [name for name in os.listdir(folder) if name.startswith("cpu@")]
    except OSError:
        return False
    methods = {_property(root, f"cpus/{name}/enable-method").rstrip("\0") for name in names}
    return "spin-table" in methods and "psci" not in methods


def _lpi_unreserved(root: str) -> bool:
    try:
        tables = kmsg.lpi_tables(os.path.join(root, "dev/kmsg"))
        if not tables.ranges:
            return False
        memory = iomem.read(os.path.join(root, "proc/iomem"))
    except OSError:
        return False
    free = subtract(memory.ram, memory.reserved)
    return subtract(free, tables.ranges) != free


def _text(root: str, path: str) -> str:
    """Return the start of a small kernel file, "" when it is absent or closed to this user."""
    try:
        with open(os.path.join(root, path), "rb") as file:
            return file.read(_MAX_PROPERTY_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
