"""Giving up root: what a worker does before it reads the first byte of a foreign file.

Source: capabilities(7), capset(2), prctl(2); include/uapi/linux/{capability,prctl}.h.
"""

import ctypes
import os
from typing import Final

from bootd.linux.libc import LIBC, last_error

NOBODY: Final = 65534
"""The uid and gid that own nothing (Documentation/admin-guide/sysctl/fs.rst, overflowuid)."""

PR_SET_KEEPCAPS: Final = 8
PR_SET_NO_NEW_PRIVS: Final = 38
CAP_DAC_READ_SEARCH: Final = 2
_CAPABILITY_VERSION_3: Final = 0x20080522


def drop() -> None:
    """Become nobody, for good, who may only read files whatever their mode says.

    Boot files are often 0600 (grub.cfg, initrds), so CAP_DAC_READ_SEARCH stays; every other
    capability goes, and exec can never give any back. Without root only the latter is done.

    Raises:
        OSError: A step failed; the process must end then.
    """
    if os.geteuid() == 0:
        _prctl(PR_SET_KEEPCAPS, 1)
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        _keep_only(1 << CAP_DAC_READ_SEARCH)
    forbid_new_rights()


def forbid_new_rights() -> None:
    """Set no_new_privs: exec gives nothing from now on, and filters may be installed.

    Raises:
        OSError: From prctl.
    """
    _prctl(PR_SET_NO_NEW_PRIVS, 1)


def _prctl(option: int, value: int) -> None:
    words = [ctypes.c_ulong(word) for word in (value, 0, 0, 0)]
    if LIBC.prctl(ctypes.c_int(option), *words) != 0:
        raise last_error("prctl")


def _keep_only(mask: int) -> None:
    # struct __user_cap_header_struct, then two __user_cap_data_struct (low and high 32 bits) of
    # effective, permitted and inheritable.
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(mask, mask, 0, 0, 0, 0)
    if LIBC.capset(ctypes.byref(header), ctypes.byref(data)) != 0:
        raise last_error("capset")
