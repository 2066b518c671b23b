"""cpio(1) itself reads what the writer writes."""

import io
import subprocess
from pathlib import Path

from image import cpio
from image.tree import Device, Directory, File, Link, Tree


def archive(tree: Tree) -> bytes:
    output = io.BytesIO()
    cpio.write(tree, output)
    return output.getvalue()


def test_cpio_unpacks_files_links_and_directories_with_their_modes(tmp_path: Path) -> None:
    tree = Tree()
    tree.add("usr/bin/tool", File(b"#!/bin/sh\n", 0o755))
    tree.add("bin", Link("usr/bin"))
    tree.add("empty", Directory(0o700))
    subprocess.run(
        ["cpio", "-i", "--quiet", "-d"], input=archive(tree), cwd=tmp_path, check=True, timeout=20
    )
    assert (tmp_path / "bin/tool").read_bytes() == b"#!/bin/sh\n"
    assert (tmp_path / "usr/bin/tool").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "empty").stat().st_mode & 0o777 == 0o700


def test_a_device_node_keeps_its_numbers() -> None:
    tree = Tree()
    tree.add("dev/console", Device("c", 5, 1))
    listed = subprocess.run(
        ["cpio", "-tv", "--quiet"], input=archive(tree), capture_output=True, check=True, timeout=20
    ).stdout.decode()
    line = next(line for line in listed.splitlines() if line.endswith("dev/console"))
    assert line.startswith("crw-------")
    assert "5,   1" in line


def test_equal_trees_give_equal_archives_whatever_the_order(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("content")
    first, second = Tree(), Tree()
    first.add("a", File(file))
    first.add("b/c", File(b""))
    second.add("b/c", File(b""))
    second.add("a", File(b"content"))
    assert archive(first) == archive(second)
