"""`bootdctl image inspect`."""

import json
import os
from pathlib import Path

import pytest

from bootd.ctl.main import main
from tests.support.images import arm64_image, gzip_image


def inspect(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    status = main(["image", "inspect", *words])
    return status, capsys.readouterr().out


def test_an_arm64_image_is_described(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "vmlinuz"
    path.write_bytes(arm64_image(8192, text_offset=0x80000))
    status, text = inspect(capsys, str(path))
    assert status == 0
    assert "Kind: arm64 Image\n" in text
    assert "Text offset: 0x80000\n" in text
    assert "Bootable: yes\n" in text


def test_json_has_every_member(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "Image.gz"
    packed = gzip_image(arm64_image(300_000, image_size=0x200000))
    path.write_bytes(packed)
    status, text = inspect(capsys, "--json", str(path))
    assert status == 0
    assert json.loads(text) == {
        "file": str(path),
        "kind": "arm64",
        "title": "gzip-compressed arm64 Image",
        "architecture": "aarch64",
        "compression": "gzip",
        "fileBytes": len(packed),
        "unpackedBytes": 300_000,
        "memoryBytes": 0x200000,
        "textOffset": 0,
        "pageBytes": 4096,
        "cmdlineBytes": None,
        "bigEndian": False,
        "notes": [],
        "bootable": True,
        "reason": "",
    }


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"MZ\0\0zimg" + bytes(100), "EFI zboot image: it is cut off"),
        (b"hello, world", "no kernel that bootd knows"),
        (b"", "the file is empty"),
        (gzip_image(arm64_image(300_000))[:-20], "cut off"),
    ],
)
def test_what_cannot_be_booted_says_why_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes, reason: str
) -> None:
    path = tmp_path / "kernel"
    path.write_bytes(data)
    status, text = inspect(capsys, str(path))
    assert status == 1
    assert "not bootable: " in text
    assert reason in text


def test_a_fifo_is_refused_and_does_not_hang(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    status, text = inspect(capsys, str(tmp_path / "pipe"))
    assert (status, "no regular file" in text) == (1, True)


def test_a_missing_file_is_a_failure_with_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["image", "inspect", "/nonexistent/vmlinuz"]) == 1
    assert "/nonexistent/vmlinuz" in capsys.readouterr().err


def test_a_name_that_would_steer_the_terminal_is_escaped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "evil\x1b[2J"
    path.write_bytes(arm64_image())
    _, text = inspect(capsys, str(path))
    assert "\x1b" not in text
