"""The gateway and hooks under the units as shipped, with a real systemd in a container."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.root.test_systemd import INSIDE, PROJECT, lay_out
from tests.support.authority import Authority
from tests.support.images import arm64_image

pytestmark = pytest.mark.root

GATEWAY_GROUP = 991

CHECK = f"""\
{INSIDE}/ctl cancel
systemctl start bootd-remote.socket
cd {INSIDE}
for words in list "select a.conf" "boot a.conf"; do
    ./ctl --tls 127.0.0.1:4620 --ca {INSIDE}/ca --cert {INSIDE}/cert --key {INSIDE}/key $words
    echo "exit status $?"
done
grep CapEff /proc/$(systemctl show -p MainPID --value bootd-remote.service)/status
systemctl reload bootd-remote.service && systemctl show bootd-remote.service -p ActiveState
{INSIDE}/ctl status | grep message
{INSIDE}/ctl boot a.conf
journalctl --sync
journalctl -u bootd.service -u bootd-remote.service -o cat
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Boot a container and return what the check has printed."""
    root, out = tmp_path_factory.mktemp("container"), tmp_path_factory.mktemp("out")
    lay_out(root)
    _add(root)
    places = ("/usr", PROJECT, sys.base_prefix)
    command = [
        *("systemd-nspawn", "-D", str(root), "--register=no", "--keep-unit", "-b"),
        *("--machine=bootd-afar", "--console=read-only"),
        *(f"--bind-ro={place}" for place in dict.fromkeys(map(str, places))),
        *(f"--bind={out}:{INSIDE}/out", "systemd.unit=check.service"),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=100, check=False, stdin=subprocess.DEVNULL
    )
    assert (out / "said").exists(), done.stdout + done.stderr
    yield (out / "said").read_text()
    shutil.rmtree(root)


def _add(root: Path) -> None:
    """Add the gateway with its certificates, and a hook; its code lies where all may read it."""
    inside = root / INSIDE.removeprefix("/")
    (inside / "check").write_text(CHECK)
    with (root / "etc/group").open("a") as groups:
        groups.write(f"bootd-remote:x:{GATEWAY_GROUP}:\n")
    units = root / "etc/systemd/system"
    for name in ("bootd-remote.service", "bootd-remote.socket"):
        shutil.copy(PROJECT / "units" / name, units / name)
    drop_in = units / "bootd-remote.service.d/test.conf"
    drop_in.parent.mkdir()
    start = f"/usr/bin/env PYTHONPATH={INSIDE}/code /usr/bin/python3 -m bootd.gateway"
    drop_in.write_text(f"[Service]\nExecStart=\nExecStart={start}\n")
    unwanted = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PROJECT / "bootd", inside / "code/bootd", ignore=unwanted)
    _certify(root / "etc/bootd/remote", inside)
    (inside / "machine/disk/vmlinuz").write_bytes(arm64_image())
    machine = inside / "machine/.machine"
    hook = machine / "etc/bootd/hooks.d/10-words"
    hook.parent.mkdir(parents=True, exist_ok=True)
    hook.write_text('#!/bin/sh\necho hello >&2; echo \'{"cmdline": "hooked"}\'\n')
    hook.chmod(0o755)
    (machine / "machine.json").write_text('{"architecture": "aarch64", "kexecLoad": true}')


def _certify(folder: Path, inside: Path) -> None:
    folder.mkdir(parents=True)
    authority = Authority(inside / "authority")
    board, alice = authority.issue("board", "server"), authority.issue("alice")
    for source, target in (
        (authority.certificate, folder / "ca.pem"),
        (board.certificate, folder / "cert.pem"),
        (board.key, folder / "key.pem"),
        (authority.certificate, inside / "ca"),
        (alice.certificate, inside / "cert"),
        (alice.key, inside / "key"),
    ):
        shutil.copy(source, target)
    os.chown(folder / "key.pem", 0, GATEWAY_GROUP)
    (folder / "key.pem").chmod(0o640)


def test_the_gateway_runs_without_rights_and_lets_others_select(said: str) -> None:
    assert "\tbls:disk:a.conf" in said
    assert [line for line in said.splitlines() if line.startswith("exit status")] == [
        "exit status 0", "exit status 0", "exit status 3",
    ]  # fmt: skip
    assert "CapEff:\t0000000000000000\n" in said
    assert "ActiveState=active\n" in said
    assert "message: A selected by alice at 127.0.0.1\n" in said


def test_hooks_run_under_the_daemon_s_own_unit(said: str) -> None:
    assert "note: Hook 10-words: command line is now hooked.\n" in said
    assert "\nhook 10-words: hello\n" in said
