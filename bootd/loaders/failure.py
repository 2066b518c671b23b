"""What an errno of the load or the jump means here, and what a person can do about it."""

import errno
from typing import Final

_SENTENCES: Final = {
    errno.EBUSY: (
        "another load is going on, or a processor cannot be stopped; try again in a moment"
    ),
    errno.ENOEXEC: "the running kernel does not take this kind of kernel image",
    errno.EKEYREJECTED: "the running kernel wants a signed kernel, and this signature is not valid",
    errno.ENOKEY: "the running kernel does not know the key that signed this kernel",
    errno.ENODATA: "the running kernel wants a signed kernel, and this one is not signed",
    errno.EBADMSG: "the kernel's signature is damaged",
    errno.EPERM: "the running kernel forbids it: lockdown, kexec_load_disabled or no CAP_SYS_BOOT",
    errno.EADDRNOTAVAIL: "a place in memory was not acceptable; please report this as a fault",
    errno.ENOMEM: "not enough free memory; choose an option with a smaller initrd",
    errno.EINVAL: "the kernel refused the request: most often kernel and initrd are too large",
    errno.ENOSYS: "the running kernel is built without this system call",
    errno.EFAULT: "the medium could not be read while the kernel copied it; check the disk",
    errno.EIO: "the medium could not be read; check the disk",
    errno.EUCLEAN: "the running kernel found a fault in the device tree; dmesg says which",
    errno.ENODEV: "the running kernel says that the device tree is for another board",
    errno.EACCES: (
        "the running kernel refused a file that is not signed as its policy (IMA) asks, or a "
        "device tree that changes memory, firmware or how processors start; dmesg says which"
    ),
    errno.EFBIG: "a file is larger than the kernel accepts",
}

_REBOOT: Final = {
    errno.EINVAL: "no kernel is loaded any more",
    errno.EBUSY: "another load is going on; try again in a moment",
    errno.EPERM: "bootd may not restart this machine (no CAP_SYS_BOOT)",
}

_CALLS: Final = {"kexec_load", "kexec_file_load", "kexec"}


def explain(error: OSError) -> str:
    """Return a sentence for a failed load or jump, errno's own words behind it."""
    where = error.filename if isinstance(error.filename, str) else ""
    table = _REBOOT if where == "reboot" else _SENTENCES if where in _CALLS else {}
    words = error.strerror or str(error)
    sentence = table.get(error.errno or 0)
    if sentence is None:
        return f"{where}: {words}" if where else words
    return f"{sentence} ({where}: {words})"
