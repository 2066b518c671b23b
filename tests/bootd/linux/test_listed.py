"""What a remembered listing answers is what the file system would have answered."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bootd.linux.dirview import DirView
from bootd.linux.listed import MAX_NAMES, ListedView

PATHS = (
    "/file",
    "/FILE",
    "/absent",
    "/folder",
    "/folder/inner/deep.txt",
    "/folder/inner/absent.txt",
    "/folder/inner/other.txt",
    "/folder/absent/deep.txt",
    "/file/below",
    "/link",
    "/dangling",
    "/circle",
    "/fifo",
    "/linked/inner/deep.txt",
    "/many/name-7",
    "/many/absent",
    "/",
    "",
    "file",
    "/folder/../file",
    "/folder/",
    "/na\0me",
    "/ünï",
    "/absent/ünï",
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "folder/inner").mkdir(parents=True)
    (tmp_path / "folder/inner/deep.txt").write_text("deep")
    (tmp_path / "folder/inner/other.txt").write_text("other")
    (tmp_path / "file").write_text("content")
    (tmp_path / "ünï").write_text("name")
    (tmp_path / "link").symlink_to("/folder/inner/deep.txt")
    (tmp_path / "linked").symlink_to("folder")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "circle").symlink_to("circle")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "many").mkdir()
    for number in range(MAX_NAMES + 1):
        (tmp_path / f"many/name-{number}").touch()
    return tmp_path


@pytest.fixture
def views(root: Path) -> Iterator[tuple[DirView, ListedView]]:
    fd = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    view = DirView(fd)
    yield view, ListedView(view)
    os.close(fd)


def outcome(ask: Callable[[], object]) -> object:
    try:
        return ask()
    except OSError as error:
        return type(error), error.errno, error.strerror, error.filename


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_is_that_of_the_view_below(
    path: str, views: tuple[DirView, ListedView]
) -> None:
    plain, listed = views
    for _ in range(2):  # the second time from memory
        assert listed.is_file(path) == plain.is_file(path)
        assert listed.is_dir(path) == plain.is_dir(path)
        assert outcome(lambda: listed.read(path)) == outcome(lambda: plain.read(path))
        assert outcome(lambda: listed.read_head(path, 3)) == outcome(
            lambda: plain.read_head(path, 3)
        )
        assert outcome(lambda: listed.read_range(path, 1, 3)) == outcome(
            lambda: plain.read_range(path, 1, 3)
        )
        assert outcome(lambda: listed.identity(path)) == outcome(lambda: plain.identity(path))
        assert outcome(lambda: listed.list_dir(path)) == outcome(lambda: plain.list_dir(path))


def test_many_files_of_a_folder_cost_one_listing(
    views: tuple[DirView, ListedView], root: Path
) -> None:
    _, listed = views
    assert not listed.is_file("/absent-1")
    (root / "absent-2").touch()
    assert not listed.is_file("/absent-2"), "it asked again"


def test_a_medium_that_fails_while_listed_is_asked_for_the_file_itself(root: Path) -> None:
    class Failing(DirView):
        def list_kinds(self, path: str, most: int) -> dict[str, bool] | None:
            raise OSError(5, f"the medium failed before {most} names", path)

    fd = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    assert ListedView(Failing(fd)).read("/file") == b"content"
    os.close(fd)


def test_only_regular_files_are_called_files(views: tuple[DirView, ListedView], root: Path) -> None:
    assert stat.S_ISFIFO((root / "fifo").stat().st_mode)
    assert not views[1].is_file("/fifo")
