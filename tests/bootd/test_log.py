"""What reaches the log: no text of a disk can steer the terminal that shows it."""

import subprocess
import sys

import pytest

HOSTILE = "a\x1b]0;owned\x07 \x9b2J \u202egnp.exe"

LOGS = """
import logging, os, sys
from bootd.log import start_log
start_log()
logging.getLogger("x").warning("cannot read %s", sys.argv[1])
try:
    raise OSError(5, sys.argv[1])
except OSError:
    logging.getLogger("x").exception("and so it ends")
"""


def logged(text: str, **environment: str) -> str:
    command = [sys.executable, "-c", LOGS, text]
    done = subprocess.run(command, capture_output=True, env=environment, timeout=30, check=True)
    return done.stderr.decode()


@pytest.mark.parametrize("environment", [{}, {"JOURNAL_STREAM": "1:1"}], ids=["file", "journal"])
def test_control_characters_are_shown_and_never_sent(environment: dict[str, str]) -> None:
    text = logged(HOSTILE, PYTHONIOENCODING="utf-8", **environment)
    assert r"cannot read a\x1b]0;owned\x07 \x9b2J \u202egnp.exe" in text
    assert not set(text) & set("\x1b\x07\x9b\u202e")


def test_a_line_break_in_foreign_text_makes_no_line_of_its_own_priority() -> None:
    text = logged("disk\n<0>the machine is lost", JOURNAL_STREAM="1:1")
    assert "\n<0>" not in text
    assert "\n<4><0>the machine is lost" in text
