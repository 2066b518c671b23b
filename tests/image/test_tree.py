"""Picking files out of an unpacked root."""

from pathlib import Path

import pytest

from image.tree import Directory, File, Link, Tree, matches


def unpacked(folder: Path) -> Path:
    (folder / "usr/lib").mkdir(parents=True)
    (folder / "usr/bin").mkdir()
    (folder / "lib").symlink_to("usr/lib")
    (folder / "usr/lib/libz.so.1.2").write_bytes(b"z")
    (folder / "usr/lib/libz.so.1").symlink_to("libz.so.1.2")
    (folder / "usr/bin/absolute").symlink_to("/usr/lib/libz.so.1")
    return folder


def test_a_link_brings_along_what_it_points_to(tmp_path: Path) -> None:
    tree = Tree()
    tree.add_from(unpacked(tmp_path), "usr/lib/libz.so.1")
    assert tree.entries["usr/lib/libz.so.1"] == Link("libz.so.1.2")
    assert isinstance(tree.entries["usr/lib/libz.so.1.2"], File)


def test_an_absolute_link_is_followed_inside_the_root(tmp_path: Path) -> None:
    tree = Tree()
    tree.add_from(unpacked(tmp_path), "usr/bin/absolute")
    assert isinstance(tree.entries["usr/lib/libz.so.1.2"], File)


def test_paths_outside_usr_land_below_usr(tmp_path: Path) -> None:
    tree = Tree()
    tree.add_from(unpacked(tmp_path), "/lib/libz.so.1.2")
    assert "usr/lib/libz.so.1.2" in tree.entries
    assert "lib" not in tree.entries


def test_parents_are_made() -> None:
    tree = Tree()
    tree.add_text("etc/one/two", "x")
    assert tree.entries["etc"] == tree.entries["etc/one"] == Directory()


def test_a_pattern_that_matches_nothing_is_reported(tmp_path: Path) -> None:
    unmatched = Tree().add_matching(unpacked(tmp_path), ("usr/lib/*.so.1", "usr/lib/none*"))
    assert unmatched == ["usr/lib/none*"]


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="usr/bin/gone"):
        Tree().add_from(unpacked(tmp_path), "usr/bin/gone")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/b.py", False),
        ("test/x/y.py", True),
        ("x/test/y.py", False),
        ("lib-dynload/_ssl.so", True),
    ],
)
def test_a_pattern_covers_the_directory_it_names(path: str, expected: bool) -> None:  # noqa: FBT001 - a test parameter
    assert matches(path, ("test", "lib-dynload/_ssl.*")) is expected
