"""A text in a folder: replaced as a whole, or kept twice."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.linux import state_folder
from bootd.model.remembered import MAX_BYTES

MEMORY = "/dev/shm"  # noqa: S108 - looked at, not used


@pytest.mark.parametrize("twice", [False, True])
def test_what_is_written_is_read_again(tmp_path: Path, *, twice: bool) -> None:
    folder = str(tmp_path)
    assert state_folder.read(folder, twice=twice) is None
    for text in (b"one\n", b"another one\n", b"", b"x" * MAX_BYTES):
        state_folder.write(folder, text, twice=twice)
        assert state_folder.read(folder, twice=twice) == text


def test_a_new_file_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    state_folder.write(str(tmp_path), b"one", twice=False)
    before = (tmp_path / "state.json").stat().st_ino
    state_folder.write(str(tmp_path), b"two", twice=False)
    assert (tmp_path / "state.json").stat().st_ino != before
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_a_write_that_was_cut_short_leaves_the_old_text(tmp_path: Path) -> None:
    state_folder.write(str(tmp_path), b"one", twice=False)
    (tmp_path / "state.json.new").write_bytes(b"tw")
    assert state_folder.read(str(tmp_path), twice=False) == b"one"
    state_folder.write(str(tmp_path), b"three", twice=False)
    assert state_folder.read(str(tmp_path), twice=False) == b"three"


def test_of_two_copies_only_the_older_one_is_overwritten(tmp_path: Path) -> None:
    for text in (b"one", b"two"):
        state_folder.write(str(tmp_path), text, twice=True)
    newest = max(tmp_path.iterdir(), key=lambda path: b"two" in path.read_bytes())
    kept = newest.read_bytes()
    state_folder.write(str(tmp_path), b"three", twice=True)
    assert newest.read_bytes() == kept


@given(st.integers(0, 5000), st.binary(max_size=5000))
def test_a_damaged_copy_leaves_the_other_one(
    tmp_path_factory: pytest.TempPathFactory, cut: int, garbage: bytes
) -> None:
    folder = tmp_path_factory.mktemp("state")
    for text in (b"one", b"two", b"three"):
        state_folder.write(str(folder), text, twice=True)
    newest = folder / "state.0"
    assert b"three" in newest.read_bytes()
    newest.write_bytes(newest.read_bytes()[:cut] + garbage)
    assert state_folder.read(str(folder), twice=True) in {b"two", b"three"}
    state_folder.write(str(folder), b"four", twice=True)
    assert state_folder.read(str(folder), twice=True) == b"four"


def test_a_shorter_text_after_a_longer_one_is_whole(tmp_path: Path) -> None:
    for size in (9000, 10, 9000, 10):
        state_folder.write(str(tmp_path), b"y" * size, twice=True)
        assert state_folder.read(str(tmp_path), twice=True) == b"y" * size


@pytest.mark.parametrize("twice", [False, True])
def test_links_and_pipes_are_not_followed(tmp_path: Path, *, twice: bool) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"s")
    folder = tmp_path / "state"
    folder.mkdir()
    for name in ("state.json", "state.0", "state.1", "state.json.new"):
        (folder / name).symlink_to(secret)
    with pytest.raises(OSError, match="symbolic"):
        state_folder.read(str(folder), twice=twice)
    with pytest.raises(OSError, match="symbolic"):
        state_folder.write(str(folder), b"x", twice=twice)
    assert secret.read_bytes() == b"s"


def test_a_pipe_in_its_place_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "state.json")
    began = time.monotonic()
    assert state_folder.read(str(tmp_path), twice=False) == b""
    assert time.monotonic() - began < 5


def test_a_file_that_is_far_too_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_bytes(bytes(1 << 20))
    with pytest.raises(OSError, match="larger than anything"):
        state_folder.read(str(tmp_path), twice=False)


def test_every_write_syncs_the_file_before_its_name_and_then_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def noting(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any) -> Any:  # noqa: ANN401 - whatever the real one takes
            is_folder = isinstance(words[0], int) and Path(f"/proc/self/fd/{words[0]}").is_dir()
            done.append(f"{name} folder" if is_folder else name)
            return real(*words)

        return call

    for name in ("pwrite", "fsync", "rename"):
        monkeypatch.setattr(os, name, noting(name, getattr(os, name)))
    state_folder.write(str(tmp_path), b"one", twice=False)
    assert done == ["pwrite", "fsync", "rename", "fsync folder"]


def test_a_folder_in_memory_does_not_last_and_one_on_a_disk_does(tmp_path: Path) -> None:
    assert state_folder.file_system(MEMORY) == "tmpfs"
    assert not state_folder.is_lasting(MEMORY)
    assert not state_folder.is_lasting("/proc/self")
    assert not state_folder.is_lasting(str(tmp_path / "none"))
    if state_folder.file_system(str(tmp_path)) not in state_folder.VOLATILE:
        assert state_folder.is_lasting(str(tmp_path))


class CutError(BaseException):
    """The power is gone."""


def cut_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the power go at a system call; a write gets half of its bytes to the medium."""
    left = [step]

    def dying(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any) -> Any:  # noqa: ANN401 - whatever the real one takes
            left[0] -= 1
            if left[0] < 0:
                if name == "pwrite":
                    real(words[0], bytes(words[1])[: len(words[1]) // 2], words[2])
                raise CutError
            return real(*words)

        return call

    for name in ("open", "pwrite", "fsync", "rename"):
        monkeypatch.setattr(os, name, dying(name, getattr(os, name)))


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize("size", [10, 5_000])
def test_wherever_the_power_goes_the_old_text_or_the_new_one_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, twice: bool, size: int
) -> None:
    texts = [b"%d" % number * size for number in range(3)]
    for text in texts[:2]:
        state_folder.write(str(tmp_path), text, twice=twice)
    for step in range(20):
        with monkeypatch.context() as patch:
            cut_at(step, patch)
            try:
                state_folder.write(str(tmp_path), texts[2], twice=twice)
            except CutError:
                pass
            else:
                break
        found = state_folder.read(str(tmp_path), twice=twice)
        assert found in texts[1:]
        if found == texts[2]:  # begin again with the old one
            state_folder.write(str(tmp_path), texts[1], twice=twice)
    assert step > 3
    assert state_folder.read(str(tmp_path), twice=twice) == texts[2]
