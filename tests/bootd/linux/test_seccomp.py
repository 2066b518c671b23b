"""Filters of system calls: the tables against libseccomp's, the programs against the kernel."""

import ctypes
import errno
import os
import signal

import pytest

from bootd.linux import privilege, seccomp
from bootd.linux.libc import LIBC
from bootd.linux.syscall_table import (
    ABIS,
    ALLOWED,
    EXAMINED,
    NEVER,
    REACHING,
    Abi,
    Numbers,
    numbers,
)
from tests.support.child import in_child

LIBSECCOMP = ctypes.CDLL("libseccomp.so.2")
"""Comes with systemd."""

AUDIT = ((0xC000003E,), (0xC00000B7, 0xC00000F3), (0x40000028,))
"""Architectures of the tables' columns."""

SYS_GETPPID = {"x86_64": 110, "aarch64": 173, "riscv64": 173, "armv7l": 64}[os.uname().machine]


def resolved(name: str, audit: int) -> int:
    find = LIBSECCOMP.seccomp_syscall_resolve_name_arch
    return max(-1, int(find(ctypes.c_uint32(audit), name.encode())))


@pytest.mark.parametrize(
    "table", [ALLOWED, EXAMINED, NEVER, REACHING], ids=["allowed", "examined", "never", "reaching"]
)
def test_numbers_are_those_of_libseccomp(table: dict[str, Numbers]) -> None:
    for name, row in table.items():
        for number, audits in zip(row, AUDIT, strict=True):
            for audit in audits:
                assert resolved(name, audit) == number, f"{name} on {audit:#x}"


def test_no_call_stands_in_two_tables() -> None:
    for abi in ABIS.values():
        rows = [set(numbers(table, abi).values()) for table in (ALLOWED, EXAMINED, NEVER, REACHING)]
        assert len(set.union(*rows)) == sum(map(len, rows))


@pytest.mark.parametrize("abi", sorted(set(ABIS.values())))
def test_a_program_decides_every_number_as_the_tables_say(abi: Abi) -> None:
    code = seccomp.worker_filter(abi)
    never, allowed = set(numbers(NEVER, abi).values()), set(numbers(ALLOWED, abi).values())
    for number in (*range(1100), 983042, 983045, 0x40000000, 0xFFFFFFFF):
        wanted = seccomp.KILL if number in never else seccomp.ALLOW if number in allowed else None
        said = simulate(code, abi.audit, number, (0,) * 6)
        if number in numbers(EXAMINED, abi).values():
            assert said in {seccomp.ALLOW, seccomp.refuse(errno.EPERM)}
        else:
            assert said == (wanted or seccomp.refuse(errno.EPERM)), number
    assert simulate(code, 0x12345, 0, (0,) * 6) == seccomp.KILL


@pytest.mark.parametrize(
    ("name", "args", "good"),
    [
        ("mmap", (0, 1, 3, 0x22), True),
        ("mmap", (0, 1, 5, 0x2), True),
        ("mmap", (0, 1, 7, 0x22), False),
        ("mprotect", (0, 1, 1, 0), True),
        ("mprotect", (0, 1, 5, 0), False),
        ("fcntl", (3, 1, 0, 0), True),
        ("fcntl", (3, 1034, 0, 0), True),
        ("fcntl", (3, 8, 1, 0), False),
        ("ioctl", (3, 0x5451, 0, 0), True),
        ("ioctl", (3, 0x5412, 0, 0), False),
        ("prlimit64", (0, 7, 0, 0), True),
        ("prlimit64", (1, 7, 0, 0), False),
    ],
)
def test_some_calls_are_allowed_with_some_arguments(
    name: str, args: tuple[int, ...], *, good: bool
) -> None:
    abi = ABIS["x86_64", 64]
    code = seccomp.worker_filter(abi)
    said = simulate(code, abi.audit, numbers(EXAMINED, abi)[name], (*args, 0, 0))
    assert said == (seccomp.ALLOW if good else seccomp.refuse(errno.EPERM))


def simulate(code: bytes, arch: int, number: int, args: tuple[int, ...]) -> int:
    """Run a filter as the kernel does."""
    data = {0: number, 4: arch} | {16 + 8 * at: value for at, value in enumerate(args)}
    at, value = 0, 0
    while True:
        what, yes, no, word = (
            int.from_bytes(code[at * 8 + a : at * 8 + b], "little")
            for a, b in ((0, 2), (2, 3), (3, 4), (4, 8))
        )
        at += 1
        match what:
            case 0x20:
                value = data[word]
            case 0x15:
                at += yes if value == word else no
            case 0x35:
                at += yes if value >= word else no
            case 0x45:
                at += yes if value & word else no
            case 0x06:
                return word
            case _:
                raise AssertionError(hex(what))


def filtered(action: int) -> int:
    """Install a filter that treats one call so, make the call, and return its result or -errno."""
    abi = seccomp.native_abi()
    assert abi is not None
    privilege.forbid_new_rights()
    actions = {SYS_GETPPID: action}
    seccomp.install(seccomp.program(abi, actions, default=seccomp.ALLOW))
    done = int(LIBC.syscall(ctypes.c_long(SYS_GETPPID)))
    return done if done >= 0 else -ctypes.get_errno()


def test_the_kernel_takes_a_program_and_follows_it() -> None:
    parent = os.getpid()
    assert in_child(lambda: check(filtered(seccomp.ALLOW) == parent)) == 0
    assert in_child(lambda: check(filtered(seccomp.refuse(errno.ENOSYS)) == -errno.ENOSYS)) == 0
    assert in_child(lambda: filtered(seccomp.KILL)) == -signal.SIGSYS


def check(good: object) -> None:
    if not good:
        raise AssertionError


def test_a_malformed_program_is_refused() -> None:
    def install() -> None:
        privilege.forbid_new_rights()
        with pytest.raises(OSError, match="Invalid argument"):
            seccomp.install(b"\xff" * 8)

    assert in_child(install) == 0


def test_a_kernel_with_filters_says_so() -> None:
    assert seccomp.is_supported()
