"""Steps run when something changed, and only then."""

import os
from pathlib import Path

from image import step


def counted(target: Path, source: Path, calls: list[int]) -> None:
    def make() -> None:
        calls.append(1)
        target.write_text("made")

    step.run("making", target, (source,), make)


def test_a_step_is_skipped_while_its_inputs_are_what_they_were(tmp_path: Path) -> None:
    source, target, calls = tmp_path / "source", tmp_path / "target", list[int]()
    source.write_text("a")
    counted(target, source, calls)
    counted(target, source, calls)
    assert len(calls) == 1


def test_a_changed_file_or_a_lost_target_runs_it_again(tmp_path: Path) -> None:
    source, target, calls = tmp_path / "source", tmp_path / "target", list[int]()
    source.write_text("a")
    counted(target, source, calls)
    os.utime(source, (1, 1))
    counted(target, source, calls)
    target.unlink()
    counted(target, source, calls)
    assert len(calls) == 3


def test_a_step_that_failed_runs_again(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("a")
    target.write_text("left over from before")
    calls: list[int] = []
    counted(target, source, calls)
    assert calls == [1]
