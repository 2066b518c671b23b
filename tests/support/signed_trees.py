"""Trees with a signature that a patched kernel on a running board trusts, or is not to trust."""

import base64
from pathlib import Path

from bootd import fdt
from image import kernel_series, signing
from tests.support.board import Board

POLICY = (
    "measure func=KEXEC_DTB_CHECK\\nappraise func=KEXEC_DTB_CHECK appraise_type=imasig|modsig\\n"
)

_TRUST = """
import ctypes, os
certificate = open("/run/key.der", "rb").read()
(ring,) = [int(line.split()[0], 16) for line in open("/proc/keys") if " .ima:" in line]
libc = ctypes.CDLL(None, use_errno=True)
key = libc.syscall(217, b"asymmetric", b"tree", certificate, len(certificate), ring)
print("trusted" if key > 0 else os.strerror(ctypes.get_errno()))
"""
"""add_key(2) of arm64; the keyring takes what a certificate of the kernel's own has signed."""


def trust(board: Board) -> None:
    """Have the kernel appraise trees by the key whose certificate it was built with."""
    key = signing.key(kernel_series.WORK)
    _put(board, "/run/key.der", signing.certificate(key))
    board.check(f"cat > /run/trust.py <<'END'\n{_TRUST}\nEND")
    told = board.check("dmesg | grep -i x.509; cat /proc/keys; python3 /run/trust.py")
    assert told.endswith("trusted\n"), told
    board.check(f"printf '{POLICY}' > /sys/kernel/security/ima/policy")


def put_trees(board: Board, folder: Path) -> None:
    """Put signed trees where `tests.support.patched.load` finds them, each by its name."""
    key = signing.key(kernel_series.WORK)
    board.check("bootdctl dt live -o /run/live.dtb")
    live = base64.b64decode(board.check("base64 /run/live.dtb"))
    good, other = _changed(live), _changed(live, memory=True)
    signature = signing.extended_attribute(key, good, folder)
    for name, data, attribute in (
        ("signed", good, signature),
        ("signed-for-another", good + bytes(1), signature),
        ("signed-memory", other, signing.extended_attribute(key, other, folder)),
        ("appended", signing.appended(key, good, folder), b""),
        ("appended-memory", signing.appended(key, other, folder), b""),
    ):
        _put(board, f"/run/{name}.dtb", data)
        if attribute:
            _put(board, f"/run/{name}.dtb.ima", attribute)


def _changed(live: bytes, *, memory: bool = False) -> bytes:
    tree = fdt.read(live)
    tree.root.add("bootd-test").properties["value"] = b"signed\0"
    if memory:
        node = next(n for name, n in tree.root.children.items() if name.startswith("memory"))
        node.properties["reg"] = bytes(16)
    return fdt.write(tree)


def _put(board: Board, path: str, data: bytes) -> None:
    text = base64.encodebytes(data).decode()
    board.check(f"base64 -d > {path} <<'END'\n{text}END")
