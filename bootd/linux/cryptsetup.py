"""Encrypted disks are opened by cryptsetup, in a process of its own; bootd sees no key.

The disk is opened for reading only, so its header is not written either. Source: cryptsetup(8).
"""

import os
import subprocess
from typing import Final

from bootd.errors import BootdError

PROGRAM: Final = "cryptsetup"
OPEN_S: Final = 60.0
"""The key is derived slowly on purpose, and slower on a small board."""

_WORDS: Final = {
    1: "cryptsetup does not understand the disk",
    2: "the passphrase is wrong",
    3: "there is not enough memory to derive the key",
    4: "the device is gone, or not encrypted in a way that cryptsetup knows",
    5: "the device is open already, or in use",
}
"""By exit status; cryptsetup(8), return codes."""


def open_read_only(node: str, name: str, passphrase: int) -> None:
    """Make /dev/mapper/<name> from an encrypted disk.

    Args:
        node: The disk.
        name: Of the new device.
        passphrase: Descriptor with the passphrase and nothing else; stays the caller's.

    Raises:
        BootdError: In words, when it did not work.
    """
    command = [PROGRAM, "open", "--type", "luks", "--readonly", "--batch-mode", "--tries", "1"]
    command += ["--key-file", "-", node, name]
    try:
        done = subprocess.run(
            command,
            stdin=passphrase,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=OPEN_S,
            check=False,
            # Else it waits for rules of udev's that a small system does not have.
            env={**os.environ, "DM_DISABLE_UDEV": "1"},
        )
    except FileNotFoundError:
        raise BootdError(f"{PROGRAM} is not installed here, which opens encrypted disks") from None
    except subprocess.TimeoutExpired:
        raise BootdError(f"{PROGRAM} has not derived the key within {OPEN_S:.0f} s") from None
    if done.returncode != 0:
        raise BootdError(_WORDS.get(done.returncode, f"cryptsetup failed ({done.returncode})"))
