"""Commands that change nothing that bootd has: screens, sounds, modules, passwords."""

from typing import Final

from bootd.formats.grub.session import FAILED, OK, Call, Session

DONE: Final = (
    *("btrfs-mount-subvol", "btrfs-list-subvols", "btrfs-info", "btrfs-get-default-subvol"),
    *("grub_platform", "sb_check", "shim_lock", "wait_timeout"),
    *("insmod", "rmmod", "lsmod", "nativedisk", "loadfont", "lsfonts", "background_image"),
    *("background_color", "terminal_input", "terminal_output", "terminal", "serial"),
    *("videoinfo", "vbeinfo", "videotest", "clear", "play", "keymap", "echo", "sleep"),
    *("password", "password_pbkdf2", "authenticate", "terminfo", "gettext", "boot", "cls"),
    *("date", "list_env", "ls", "cat", "hexdump", "help", "lscpu", "lspci", "lsacpi"),
    *("lsefi", "lsefimmap", "lsefisystab", "lssal", "acpi", "outb", "outw", "outl"),
    *("write_byte", "write_word", "write_dword", "cryptomount", "drivemap", "parttool"),
    *("hdparm", "usb_keyboard", "at_keyboard", "legacy_password", "pcidump", "trust"),
    *("distrust", "list_trusted", "net_bootp", "net_dhcp", "net_add_addr", "net_add_dns"),
    *("net_add_route", "net_ls_addr", "net_nslookup", "bootp", "dhcp", "badram", "cutmem"),
    *("uppermem", "verify_detached", "verifiers", "sendkey", "suspend", "macppcbless"),
    *("spkmodem", "setpci", "fakebios", "loadbios", "fix_video", "dump", "gptsync", "tpm"),
)
"""Taken as done."""

REFUSED: Final = (
    "hwmatch","cpuid", "keystatus", "cmp", "getkey", "lockdown", "smbios", "rdmsr", "hashsum",
                  "md5sum", "sha1sum", "sha256sum", "sha512sum", "crc", "testload")  # fmt: skip
"""Questions that cannot be answered here; taken as answered with no."""

_SURE: Final = frozenset({("keystatus",), ("cpuid", "-l")})


def done(_session: Session, _call: Call) -> int:
    """Do nothing, with success."""
    return OK


def refused(_session: Session, call: Call) -> int:
    """Say no, but yes to the two that have a sure answer.

    `keystatus` without a key asks whether keys can be asked for; `cpuid -l` whether the processor
    has 64 bits, on install media that carry kernels for both.
    """
    return OK if (call.name, *call.args) in _SURE else FAILED
