"""Attacks from a worker on a board, where no test module is: a script for its Python."""

from tests.support.board import Board

SCRIPT = """
import ctypes, os, signal, socket, sys
from bootd.linux import limits, sandbox
from bootd.linux.libc import LIBC, syscall
from bootd.linux.seccomp import native_abi
from bootd.linux.syscall_table import NEVER, numbers

never = numbers(NEVER, native_abi())
attacks = {
    "read": lambda: open("/etc/passwd").read(),
    "proc": lambda: open("/proc/self/maps").read(),
    "devices": lambda: os.listdir("/dev"),
    "write": lambda: open("/run/x", "w"),
    "socket": socket.socket,
    "fork": os.fork,
    "exec": lambda: os.execv("/usr/bin/python3", ["python3"]),
    "kill": lambda: os.kill(-1, signal.SIGKILL),
    **{name: lambda name=name: syscall(name, never[name], 0, 0, 0, 0) for name in (
        "kexec_file_load", "reboot", "bpf", "io_uring_setup", "unshare", "ptrace", "keyctl",
    )},
}
box = sandbox.finish(sandbox.begin())
print("missing", *box.missing())
for name, attack in attacks.items():
    pid = os.fork()
    if pid == 0:
        try:
            limits.confine()
            sandbox.enter(box, [])
            attack()
        except OSError:
            os._exit(1)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print(name, {0: "worked", 1: "refused", -31: "ended"}.get(status, status))
"""
"""What a worker tries that a disk has taken over, on this board's kernel and processor."""

ATTACKS = 15


def outcomes(board: Board) -> dict[str, str]:
    """Return what came of each attack, `refused`, `ended` or worse; `missing` names protections."""
    board.check(f"cat > /run/attack.py <<'END'\n{SCRIPT}\nEND")
    said = board.check("python3 /run/attack.py", 60)
    return {line.partition(" ")[0]: line.partition(" ")[2] for line in said.splitlines()}
