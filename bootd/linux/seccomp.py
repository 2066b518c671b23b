"""System-call filters: seccomp(2), with programs of our own making.

A filter is a program of the classic packet filter (include/uapi/linux/{filter,bpf_common}.h) over
struct seccomp_data: number, architecture, and six arguments of 64 bits. Ours search the number in a
balanced tree, six comparisons deep, instead of asking for one call after another. Only the
low half of an argument is looked at; all flags are there. Little-endian machines only.
"""

import ctypes
import errno
import os
import struct
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from bootd.linux.libc import LIBC, last_error
from bootd.linux.syscall_table import (
    ABIS,
    ALLOWED,
    EXAMINED,
    MOUNTING,
    NEVER,
    REACHING,
    Abi,
    numbers,
)

KILL: Final = 0x80000000
"""SECCOMP_RET_KILL_PROCESS: ends with SIGSYS."""
ALLOW: Final = 0x7FFF0000
_ERRNO: Final = 0x00050000
PR_GET_SECCOMP: Final = 21
PR_SET_SECCOMP: Final = 22
_MODE_FILTER: Final = 2

_LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
_IF_EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_IF_AT_LEAST: Final = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_IF_ANY_BIT: Final = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN: Final = 0x06
_LONGEST_JUMP: Final = 255

PROT_EXEC: Final = 4
MAP_ANONYMOUS: Final = 0x20

_CLOEXEC_IOCTLS: Final = (0x5450, 0x5451)  # FIONCLEX, FIOCLEX
_TCGETS: Final = 0x5401
_FCNTLS: Final = (0, 1, 2, 3, 4, 1030, 1033, 1034)
"""F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC, F_ADD_SEALS, F_GET_SEALS."""


class OneOf(NamedTuple):
    """Allow when an argument (from 0) is one of these, refuse with EPERM else."""

    argument: int
    values: tuple[int, ...]


class NotAll(NamedTuple):
    """Refuse with EPERM when each argument of several has a bit of its mask, allow else."""

    masks: tuple[tuple[int, int], ...]


Action = int | OneOf | NotAll
"""What becomes of a call: a SECCOMP_RET_* value, or a look at its arguments."""

_CHECKS: Final[Mapping[str, Action]] = {
    # A library may be mapped, new code may not be written.
    "mmap": NotAll(((2, PROT_EXEC), (3, MAP_ANONYMOUS))),
    "mmap2": NotAll(((2, PROT_EXEC), (3, MAP_ANONYMOUS))),
    "mprotect": NotAll(((2, PROT_EXEC),)),
    "fcntl": OneOf(1, _FCNTLS),
    "fcntl64": OneOf(1, _FCNTLS),
    "ioctl": OneOf(1, (*_CLOEXEC_IOCTLS, _TCGETS)),
    "prlimit64": OneOf(0, (0,)),
}

_Instruction = tuple[int, int, int, int]


def refuse(code: int) -> int:
    """Return the action that makes a call fail with an errno."""
    return _ERRNO | code


def native_abi() -> Abi | None:
    """Return how this program's calls are numbered, or None where no table says it."""
    return ABIS.get((os.uname().machine, struct.calcsize("P") * 8))


def worker_filter(abi: Abi) -> bytes:
    """Return the program for a worker: an allow list, EPERM for the rest, death for some."""
    actions: dict[int, Action] = dict.fromkeys(numbers(ALLOWED, abi).values(), ALLOW)
    actions |= {number: _CHECKS[name] for name, number in numbers(EXAMINED, abi).items()}
    actions |= dict.fromkeys(numbers(NEVER, abi).values(), KILL)
    return program(abi, actions, default=refuse(errno.EPERM))


def command_filter(abi: Abi) -> bytes:
    """Return the program for a command that mounts and reads: all but what no parser ever makes."""
    never = {name: number for name, number in numbers(NEVER, abi).items() if name not in MOUNTING}
    actions: dict[int, Action] = dict.fromkeys(never.values(), KILL)
    actions |= dict.fromkeys(numbers(REACHING, abi).values(), refuse(errno.EPERM))
    return program(abi, actions, default=ALLOW)


def program(abi: Abi, actions: Mapping[int, Action], *, default: int) -> bytes:
    """Return a filter's instructions.

    Args:
        abi: A call of any other kind of program ends the process.
        actions: By number.
        default: For numbers without one.
    """
    search = _search(_segments(actions, default))
    head = [
        (_LOAD, 0, 0, 4),  # seccomp_data.arch
        (_IF_EQUAL, 1, 0, abi.audit),
        (_RETURN, 0, 0, KILL),
        (_LOAD, 0, 0, 0),  # seccomp_data.nr
    ]
    return b"".join(struct.pack("<HBBI", *each) for each in [*head, *search])


def install(instructions: bytes) -> None:
    """Filter this process's calls for good; needs no_new_privs or CAP_SYS_ADMIN.

    Raises:
        OSError: From prctl: EINVAL where the kernel has no filters.
    """
    buffer = ctypes.create_string_buffer(instructions, len(instructions))
    # struct sock_fprog: number of instructions, and a pointer aligned as pointers are.
    count = struct.pack("@HP", len(instructions) // 8, ctypes.addressof(buffer))
    words = (ctypes.c_ulong(_MODE_FILTER), ctypes.c_char_p(count), ctypes.c_ulong(0))
    if LIBC.prctl(ctypes.c_int(PR_SET_SECCOMP), *words, ctypes.c_ulong(0)) != 0:
        raise last_error("seccomp")


def is_supported() -> bool:
    """Say whether the kernel has filters: it complains of a missing program, not of the mode."""
    words = (ctypes.c_ulong(_MODE_FILTER), ctypes.c_void_p(None), ctypes.c_ulong(0))
    LIBC.prctl(ctypes.c_int(PR_SET_SECCOMP), *words, ctypes.c_ulong(0))
    return ctypes.get_errno() == errno.EFAULT


def _segments(actions: Mapping[int, Action], default: int) -> list[tuple[int, Action]]:
    """Return where in the numbers another action begins, from 0 up."""
    found: list[tuple[int, Action]] = [(0, default)]
    for number in sorted(actions):
        if found[-1][0] == number:
            found.pop()
        if not found or found[-1][1] != actions[number]:
            found.append((number, actions[number]))
        if number + 1 not in actions:
            found.append((number + 1, default))
    return found


def _search(segments: Sequence[tuple[int, Action]]) -> list[_Instruction]:
    if len(segments) == 1:
        return _act(segments[0][1])
    middle = len(segments) // 2
    low, high = _search(segments[:middle]), _search(segments[middle:])
    if len(low) > _LONGEST_JUMP:
        raise ValueError("too many calls for one filter")
    return [(_IF_AT_LEAST, len(low), 0, segments[middle][0]), *low, *high]


def _act(action: Action) -> list[_Instruction]:
    no = (_RETURN, 0, 0, refuse(errno.EPERM))
    yes = (_RETURN, 0, 0, ALLOW)
    match action:
        case OneOf(argument, values):
            count = len(values)
            tests = [(_IF_EQUAL, count - at, 0, value) for at, value in enumerate(values)]
            return [_load(argument), *tests, no, yes]
        case NotAll(masks):
            tests = []
            for at, (argument, mask) in enumerate(masks):
                left = 2 * (len(masks) - 1 - at)  # instructions between this test and `no`
                tests += [_load(argument), (_IF_ANY_BIT, 0, left + 1, mask)]
            return [*tests, no, yes]
        case _:
            return [(_RETURN, 0, 0, action)]


def _load(argument: int) -> _Instruction:
    return (_LOAD, 0, 0, 16 + 8 * argument)  # seccomp_data.args, low half
