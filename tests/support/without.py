"""Kernels that lack something: a filter makes the calls fail as they would there."""

import errno
from collections.abc import Iterable
from typing import TYPE_CHECKING

from bootd.linux import privilege, seccomp
from bootd.linux.syscall_table import ALLOWED, NEVER, numbers

if TYPE_CHECKING:
    from bootd.linux.seccomp import Action

_PRCTL = {0xC000003E: 157, 0xC00000B7: 167, 0xC00000F3: 167, 0x40000028: 172}
_PRCTLS = (1, 4, 8, 38)
"""PDEATHSIG, DUMPABLE, KEEPCAPS and NO_NEW_PRIVS, not SECCOMP."""

FEATURES = ("namespaces", "Landlock", "system-call filter", "openat2", "fsmount")
"""Words with which bootd tells what it goes without."""


def hide(features: Iterable[str]) -> None:
    """Take features from this process for good, as an older kernel would."""
    abi = seccomp.native_abi()
    assert abi is not None
    calls = numbers({**ALLOWED, **NEVER}, abi)
    absent = seccomp.refuse(errno.ENOSYS)
    table: dict[str, dict[int, Action]] = {
        "namespaces": {calls["unshare"]: seccomp.refuse(errno.EPERM)},
        "Landlock": dict.fromkeys((444, 445, 446), absent),
        "system-call filter": {_PRCTL[abi.audit]: seccomp.OneOf(0, _PRCTLS)},
        "openat2": {calls["openat2"]: absent},
        "fsmount": dict.fromkeys((428, 429, 430, 431, 432, 433, 442), absent),
    }
    actions: dict[int, Action] = {}
    for feature in features:
        actions |= table[feature]
    privilege.forbid_new_rights()
    seccomp.install(seccomp.program(abi, actions, default=seccomp.ALLOW))
