"""Where the daemon's log lines go: to the journal with fields, or to standard error."""

import logging
import os
import sys
from typing import Final

from bootd.model.text import escape

_PRIORITIES: Final = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}
"""syslog(3)."""


class _Formatter(logging.Formatter):
    """Makes lines that cannot steer whatever shows them, whoever wrote what is in them."""

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(escape(line) for line in super().format(record).split("\n"))


class _PriorityFormatter(_Formatter):
    """Puts `<4>` before each line, which the journal takes as its priority (sd-daemon(3))."""

    def format(self, record: logging.LogRecord) -> str:
        prefix = f"<{_PRIORITIES.get(record.levelno, 6)}>"
        return "\n".join(prefix + line for line in super().format(record).split("\n"))


def start_log(name: str = "bootd") -> None:
    """Send log lines of this process to standard error, in the form that its reader wants.

    Args:
        name: Of the program, in front of each line for a reader that does not know it.
    """
    handler = logging.StreamHandler(sys.stderr)
    under_journal = "JOURNAL_STREAM" in os.environ
    handler.setFormatter(
        _PriorityFormatter("%(message)s") if under_journal else _Formatter(f"{name}: %(message)s")
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler])
