"""The practice volume is a real ext4 as far as reading goes: e2fsprogs reads it too."""

import subprocess
from pathlib import Path

from bootd.probe import practice_disk, preview

FILES = {
    "/extlinux/extlinux.conf": b"label a\n  linux /a\n",
    "/loader/entries/a.conf": b"title A\nlinux /a\n",
    "/a": b"kernel",
}


def debugfs(image: Path, request: str) -> str:
    run = subprocess.run(
        ["debugfs", "-R", request, str(image)],
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
    )
    return run.stdout


def test_e2fsprogs_reads_the_files(tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(practice_disk.make(FILES))
    for path, content in FILES.items():
        assert debugfs(image, f"cat {path}") == content.decode()


def test_a_preview_finds_every_entry(tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(practice_disk.make(FILES))
    with image.open("rb") as file:
        seen = preview.read(file.fileno(), practice_disk.TYPES)
    assert isinstance(seen, dict)
    assert isinstance(result := seen["result"], dict)
    assert isinstance(options := result["options"], list)
    assert len(options) == 2
