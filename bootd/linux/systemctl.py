"""Asking systemd to do something, by its own program. Source: systemctl(1)."""

import os
from typing import Final

_ANSWER_S: Final = 30
_RUNS: Final = "/run/systemd/system"


def is_there() -> bool:
    """Say whether systemd runs this system (sd_booted(3))."""
    return os.path.isdir(_RUNS)


def run(*words: str) -> None:
    """Run `systemctl`.

    When systemd has accepted to stop everything, it may end systemctl, as part of the service that
    has started it, before it is done.

    Raises:
        OSError: It is absent, failed, or gave no answer in 30 seconds.
    """
    import signal  # noqa: PLC0415 - needed at most once
    import subprocess  # noqa: PLC0415 - costs 10 ms at start, and is needed at most once

    command = ("systemctl", *words)
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=_ANSWER_S
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError(None, f"no answer in {_ANSWER_S} s", command[0]) from None
    if done.returncode not in {0, -signal.SIGTERM}:
        raise OSError(None, done.stderr.strip() or "it failed without a word", command[0])
