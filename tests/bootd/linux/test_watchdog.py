"""Watchdogs from a played /sys."""

from pathlib import Path

from bootd.linux.watchdog import Watchdog, running


def made(root: Path, name: str, **attributes: str) -> None:
    (root / name).mkdir()
    for attribute, text in attributes.items():
        (root / name / attribute).write_text(f"{text}\n")


def test_only_those_that_run_are_listed(tmp_path: Path) -> None:
    made(tmp_path, "watchdog1", state="active", timeout="16", timeleft="11")
    made(tmp_path, "watchdog0", state="inactive", timeout="60")
    made(tmp_path, "watchdog2", state="active", timeout="60")
    assert running(str(tmp_path)) == (
        Watchdog(name="watchdog1", timeout_s=16, left_s=11),
        Watchdog(name="watchdog2", timeout_s=60, left_s=None),
    )


def test_a_machine_without_any_has_none(tmp_path: Path) -> None:
    assert running(str(tmp_path / "absent")) == ()
