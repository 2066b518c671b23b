"""System calls by name and number: which a worker needs, and which none ever makes.

Source: arch/x86/entry/syscalls/syscall_64.tbl, arch/arm/tools/syscall.tbl and, for aarch64 and
riscv64, include/uapi/asm-generic/unistd.h. Calls since Linux 5.0 have one number everywhere.
"""

from typing import Final, NamedTuple


class Abi(NamedTuple):
    """How system calls of one kind of program are named to a filter.

    Attributes:
        audit: AUDIT_ARCH_* of include/uapi/linux/audit.h.
        column: In the tables below.
    """

    audit: int
    column: int


ABIS: Final = {
    ("x86_64", 64): Abi(0xC000003E, 0),
    ("aarch64", 64): Abi(0xC00000B7, 1),
    ("riscv64", 64): Abi(0xC00000F3, 1),
    ("aarch64", 32): Abi(0x40000028, 2),
    ("armv7l", 32): Abi(0x40000028, 2),
    ("armv8l", 32): Abi(0x40000028, 2),
    ("armv6l", 32): Abi(0x40000028, 2),
}
"""By `uname -m` and width of a pointer in bits: a kernel of 64 bits may run programs of 32."""

_NONE: Final = -1

Numbers = tuple[int, int, int]
"""On x86_64, on aarch64 and riscv64, and on arm; -1 where there is no such call."""

ALLOWED: Final[dict[str, Numbers]] = {
    # Reading what is open, and opening below what is open; Landlock says what else.
    "read": (0, 63, 3),
    "readv": (19, 65, 145),
    "pread64": (17, 67, 180),
    "preadv": (295, 69, 361),
    "lseek": (8, 62, 19),
    "_llseek": (_NONE, _NONE, 140),
    "close": (3, 57, 6),
    "close_range": (436, 436, 436),
    "fstat": (5, 80, 108),
    "fstat64": (_NONE, _NONE, 197),
    "newfstatat": (262, 79, _NONE),
    "fstatat64": (_NONE, _NONE, 327),
    "statx": (332, 291, 397),
    "openat": (257, 56, 322),
    "openat2": (437, 437, 437),
    "readlinkat": (267, 78, 332),
    "getdents64": (217, 61, 217),
    "dup": (32, 23, 41),
    "dup3": (292, 24, 358),
    # Writing answers: a socket that is connected already, and memory files.
    "write": (1, 64, 4),
    "writev": (20, 66, 146),
    "pwrite64": (18, 68, 181),
    "ftruncate": (77, 46, 93),
    "ftruncate64": (_NONE, _NONE, 194),
    "memfd_create": (319, 279, 385),
    "sendmsg": (46, 211, 296),
    "sendto": (44, 206, 290),
    "send": (_NONE, _NONE, 289),
    "recvmsg": (47, 212, 297),
    "recvfrom": (45, 207, 292),
    "recv": (_NONE, _NONE, 291),
    "shutdown": (48, 210, 293),
    "poll": (7, _NONE, 168),
    "ppoll": (271, 73, 336),
    "ppoll_time64": (_NONE, _NONE, 414),
    # Memory, time, signals and the end: what any program needs.
    "munmap": (11, 215, 91),
    "mremap": (25, 216, 163),
    "madvise": (28, 233, 220),
    "brk": (12, 214, 45),
    "futex": (202, 98, 240),
    "futex_time64": (_NONE, _NONE, 422),
    "set_robust_list": (273, 99, 338),
    "rseq": (334, 293, 398),
    "membarrier": (324, 283, 389),
    "sched_yield": (24, 124, 158),
    "sched_getaffinity": (204, 123, 242),
    "getrandom": (318, 278, 384),
    "clock_gettime": (228, 113, 263),
    "clock_gettime64": (_NONE, _NONE, 403),
    "clock_getres": (229, 114, 264),
    "clock_getres_time64": (_NONE, _NONE, 406),
    "clock_nanosleep": (230, 115, 265),
    "clock_nanosleep_time64": (_NONE, _NONE, 407),
    "gettimeofday": (96, 169, 78),
    "restart_syscall": (219, 128, 0),
    "rt_sigaction": (13, 134, 174),
    "rt_sigprocmask": (14, 135, 175),
    "rt_sigreturn": (15, 139, 173),
    "sigreturn": (_NONE, _NONE, 119),
    "sigaltstack": (131, 132, 186),
    "exit": (60, 93, 1),
    "exit_group": (231, 94, 248),
    "getpid": (39, 172, 20),
    "gettid": (186, 178, 224),
    "getuid": (102, 174, 24),
    "geteuid": (107, 175, 49),
    "getgid": (104, 176, 47),
    "getegid": (108, 177, 50),
    "getuid32": (_NONE, _NONE, 199),
    "geteuid32": (_NONE, _NONE, 201),
    "getgid32": (_NONE, _NONE, 200),
    "getegid32": (_NONE, _NONE, 202),
    "uname": (63, 160, 122),
    "sysinfo": (99, 179, 116),
    "getcwd": (79, 17, 183),
    "times": (100, 153, 43),
    "getrusage": (98, 165, 77),
    "ugetrlimit": (_NONE, _NONE, 191),
    # Calls that flush the instruction cache or set the thread register: in the C library itself.
    "cacheflush": (_NONE, _NONE, 983042),
    "set_tls": (_NONE, _NONE, 983045),
}
"""Whatever their arguments."""

EXAMINED: Final[dict[str, Numbers]] = {
    "mmap": (9, 222, _NONE),
    "mmap2": (_NONE, _NONE, 192),
    "mprotect": (10, 226, 125),
    "fcntl": (72, 25, 55),
    "fcntl64": (_NONE, _NONE, 221),
    "ioctl": (16, 29, 54),
    "prlimit64": (302, 261, 369),
}
"""With some arguments; `bootd.linux.seccomp` says which."""

NEVER: Final[dict[str, Numbers]] = {
    "execve": (59, 221, 11),
    "execveat": (322, 281, 387),
    "ptrace": (101, 117, 26),
    "process_vm_readv": (310, 270, 376),
    "process_vm_writev": (311, 271, 377),
    "pidfd_getfd": (438, 438, 438),
    "mount": (165, 40, 21),
    "umount2": (166, 39, 52),
    "open_tree": (428, 428, 428),
    "move_mount": (429, 429, 429),
    "fsopen": (430, 430, 430),
    "fsconfig": (431, 431, 431),
    "fsmount": (432, 432, 432),
    "fspick": (433, 433, 433),
    "mount_setattr": (442, 442, 442),
    "pivot_root": (155, 41, 218),
    "chroot": (161, 51, 61),
    "setns": (308, 268, 375),
    "unshare": (272, 97, 337),
    "open_by_handle_at": (304, 265, 371),
    "kexec_load": (246, 104, 347),
    "kexec_file_load": (320, 294, 401),
    "reboot": (169, 142, 88),
    "init_module": (175, 105, 128),
    "finit_module": (313, 273, 379),
    "delete_module": (176, 106, 129),
    "bpf": (321, 280, 386),
    "perf_event_open": (298, 241, 364),
    "userfaultfd": (323, 282, 388),
    "io_uring_setup": (425, 425, 425),
    "io_uring_enter": (426, 426, 426),
    "io_uring_register": (427, 427, 427),
    "add_key": (248, 217, 309),
    "request_key": (249, 218, 310),
    "keyctl": (250, 219, 311),
    "swapon": (167, 224, 87),
    "swapoff": (168, 225, 115),
    "sync": (162, 81, 36),
    "setuid": (105, 146, 23),
    "setresuid": (117, 147, 164),
    "capset": (126, 91, 185),
    "mknodat": (259, 33, 324),
    "mknod": (133, _NONE, 14),
}
"""No parser ever makes one of these: who does has been taken over, and dies."""


REACHING: Final[dict[str, Numbers]] = {
    "socket": (41, 198, 281),
    "clone": (56, 220, 120),
    "clone3": (435, 435, 435),
    "fork": (57, _NONE, 2),
    "vfork": (58, _NONE, 190),
    "kill": (62, 129, 37),
    "tgkill": (234, 131, 268),
}
"""Ways to the network and to other processes."""

MOUNTING: Final = frozenset(
    {"mount", "umount2", "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick"}
    | {"mount_setattr", "unshare"}
)
"""Of those, what it takes to mount; see `bootd.linux.mount` and `lazy_mount`."""


def numbers(table: dict[str, Numbers], abi: Abi) -> dict[str, int]:
    """Return the calls of a table that an ABI has, by name."""
    return {name: row[abi.column] for name, row in table.items() if row[abi.column] != _NONE}
