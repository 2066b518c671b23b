"""The machine that runs bootd: what it is and what its kernel can do."""

from typing import Final

from bootd.record import dataclass

SMBIOS: Final = (
    "sys_vendor",
    "product_family",
    "product_name",
    "product_sku",
    "board_vendor",
    "board_name",
)
"""What the firmware calls a machine: files of /sys/class/dmi/id, in the order in which a computer
hardware id takes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Read once; nothing in it changes while a kernel runs, lockdown apart.

    What only a load asks for is added before the first one (`bootd.linux.machine.for_load`).

    Attributes:
        architecture: As `uname -m` prints it.
        model: /model of the live tree, cleaned, or the SMBIOS product, or "".
        compatible: Root compatible strings, most specific first; empty without a device tree.
        hardware: Without a device tree what SMBIOS says, in the order of `SMBIOS`, not cleaned.
        serial: Serial number for a person, or "".
        kernel: Release of the running kernel.
        firmware: What started the running kernel, or "".
        memory_bytes: MemTotal.
        lockdown: `none`, `integrity` or `confidentiality`.
        kexec_load: Whether kexec_load(2) exists and may be used now.
        kexec_file: Whether kexec_file_load(2) exists.
        kexec_file_dtb: Whether it accepts a DTB file descriptor (bootd's kernel patch).
        kexec_file_force_dtb: Whether kexec_file_load(2) on x86 can carry the running tree over.
        kexec_refusal: Sentence on why kexec_load may not be used, or "".
        kexec_locked: No kernel can be loaded at all until the next power-on (kexec_load_disabled,
            or its limit is used up).
        stuck_processors: The other processors cannot be stopped (spin-table), so that Linux refuses
            every kexec.
        page_bytes: Page size of the running kernel.
        lpi_unreserved: A GICv3 keeps writing to memory that /proc/iomem shows as free, so that a
            kernel that kexec_file_load places may be overwritten; only looked for where that call
            exists.
        crash_bytes: Memory that was set aside for a crash kernel (crashkernel=), 0 for none.
        missing_pages: Page sizes in bytes that a processor of this machine is known not to have.
        signatures_forced: kexec_file_load takes signed kernels only (KEXEC_SIG_FORCE), as far as
            the running kernel or its package tells.
    """

    architecture: str
    model: str = ""
    compatible: tuple[str, ...] = ()
    hardware: tuple[str, ...] = ()
    serial: str = ""
    kernel: str = ""
    firmware: str = ""
    memory_bytes: int = 0
    lockdown: str = "none"
    kexec_load: bool = False
    kexec_file: bool = False
    kexec_file_dtb: bool = False
    kexec_file_force_dtb: bool = False
    kexec_refusal: str = ""
    kexec_locked: bool = False
    stuck_processors: bool = False
    page_bytes: int = 4096
    lpi_unreserved: bool = False
    crash_bytes: int = 0
    missing_pages: tuple[int, ...] = ()
    signatures_forced: bool = False
