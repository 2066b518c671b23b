"""Starting ssh, whose standard input and output are a socket of ours."""

import shlex
import socket
import subprocess
from collections.abc import Sequence


def start(host: str, words: Sequence[str]) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Run a command on `host`; the process and the socket to talk to it belong to the caller.

    Prompts and errors appear on the terminal: ssh writes them there, or to standard error.

    Args:
        host: Must not begin with `-`.
        words: Of the command; quoted here for the shell over there.

    Raises:
        FileNotFoundError: There is no ssh.
    """
    ours, theirs = socket.socketpair()
    command = ["ssh", "-T", "--", host, " ".join(map(shlex.quote, words))]
    try:
        with theirs:
            return subprocess.Popen(command, stdin=theirs.fileno(), stdout=theirs.fileno()), ours
    except OSError:
        ours.close()
        raise


def finish(process: subprocess.Popen[bytes], timeout_s: float) -> int:
    """Wait for the end of what `start` started, or bring it about; returns its exit status."""
    try:
        return process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
