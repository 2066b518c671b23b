"""Landlock as the running kernel has it."""

import os
from collections.abc import Callable
from pathlib import Path

from bootd.linux import landlock, privilege
from tests.support.child import in_child


def restricted(readable: Path, then: Callable[[], object]) -> int:
    """Let a process read below a directory only, and return its exit status after `then`."""

    def run() -> None:
        fd = os.open(readable, os.O_PATH)
        privilege.forbid_new_rights()
        landlock.restrict(landlock.version(), [fd])
        then()

    return in_child(run)


def refused(what: Callable[[], object]) -> None:
    try:
        what()
    except PermissionError:
        return
    raise AssertionError("it was allowed")


def test_what_lies_below_is_read_and_nothing_else(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    for each in (inside, outside):
        each.mkdir()
        (each / "file").write_text("text")

    def look() -> None:
        assert (inside / "file").read_text() == "text"
        assert os.listdir(inside) == ["file"]  # noqa: PTH208 - no pathlib in between
        refused((outside / "file").read_text)
        refused(lambda: os.listdir(outside))  # noqa: PTH208 - ditto
        refused(lambda: (inside / "new").write_text("text"))
        refused((inside / "file").unlink)

    assert restricted(inside, look) == 0


def test_a_file_that_is_open_stays_readable(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "file").write_text("text")
    with (tmp_path / "file").open() as file:
        assert (
            restricted(tmp_path / "below", lambda: refused_but_open(file.fileno(), tmp_path)) == 0
        )


def refused_but_open(fd: int, place: Path) -> None:
    assert os.read(fd, 4) == b"text"
    refused((place / "file").read_text)


def test_this_kernel_has_it() -> None:
    assert landlock.version() >= 1
