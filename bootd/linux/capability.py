"""Capabilities of the calling thread."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bootd.linux.libc import LIBC, last_error

CAP_SYS_BOOT: Final = 22

_VERSION_3: Final = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


@contextmanager
def dropped(capability: int) -> Iterator[None]:
    """Run a block without one effective capability (0..31); it comes back afterwards.

    Holds for the calling thread only. Source: capset(2).

    Raises:
        OSError: From capget or capset.
    """
    header = _Header(_VERSION_3, 0)
    data = (_Data * 2)()
    if LIBC.capget(ctypes.byref(header), data) < 0:
        raise last_error("capget")
    before = data[0].effective
    _set_effective(header, data, before & ~(1 << capability))
    try:
        yield
    finally:
        _set_effective(header, data, before)


def _set_effective(header: _Header, data: "ctypes.Array[_Data]", effective: int) -> None:
    data[0].effective = effective
    if LIBC.capset(ctypes.byref(header), data) < 0:
        raise last_error("capset")
