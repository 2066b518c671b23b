"""A real sshd on this machine, on whose other side `bootdctl` is this checkout's."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

START_S = 20.0

_SERVER = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/authorized
PidFile none
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
SetEnv PATH={folder}/there:/usr/bin:/bin
"""

_CLIENT = """\
Host board
    HostName 127.0.0.1
    Port {port}
    IdentityFile {folder}/key
    IdentitiesOnly yes
    UserKnownHostsFile {folder}/known
    StrictHostKeyChecking accept-new
    LogLevel ERROR
"""


@contextmanager
def reachable_board(folder: Path, *, restriction: str = "") -> Iterator[dict[str, str]]:
    """Serve ssh for the length of the block; gives an environment in which `ssh board` gets there.

    Args:
        folder: An empty one.
        restriction: Options in front of the client's key, such as `command="bootdctl bridge"`.
    """
    for name in ("host", "key"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(words, check=True, timeout=30)
    public = (folder / "key.pub").read_text()
    (folder / "authorized").write_text(f"{restriction} {public}".lstrip())
    places = {"port": _free_port(), "folder": folder}
    (folder / "sshd_config").write_text(_SERVER.format(**places))
    (folder / "ssh_config").write_text(_CLIENT.format(**places))
    _write_program(
        folder / "there/bootdctl",
        f'cd {Path(__file__).parents[2]}; exec {sys.executable} -P -m bootd.ctl.main "$@"',
    )
    _write_program(folder / "here/ssh", f'exec {shutil.which("ssh")} -F {folder}/ssh_config "$@"')
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    server = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    assert server is not None, "the package openssh-server is missing"
    command = [server, "-D", "-e", "-f", str(folder / "sshd_config")]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stderr=log) as process:
        try:
            _wait_until_listening(int(str(places["port"])), process, folder / "log")
            yield os.environ | {"PATH": f"{folder}/here:{os.environ['PATH']}"}
        finally:
            process.terminate()


def _write_program(path: Path, line: str) -> None:
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_listening(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"sshd does not listen: {log.read_text()}")
