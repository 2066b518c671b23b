"""An EFI variable through a folder that plays efivarfs: this machine has no EFI firmware.

The immutable mark is real where the file system has one, so a write that forgets it fails.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootd.linux import efi_variable


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / efi_variable.FOLDER).mkdir(parents=True)
    yield tmp_path
    path = tmp_path / efi_variable.FOLDER / efi_variable.NAME
    subprocess.run(["chattr", "-i", str(path)], check=False, capture_output=True, timeout=10)


def variable(root: Path) -> Path:
    return root / efi_variable.FOLDER / efi_variable.NAME


def test_there_is_nothing_before_the_first_write(root: Path) -> None:
    assert efi_variable.read(str(root)) is None


def test_a_text_stands_behind_its_attributes(root: Path) -> None:
    efi_variable.write(b"text", str(root))
    assert variable(root).read_bytes() == b"\7\0\0\0text"
    assert efi_variable.read(str(root)) == b"text"


def test_a_machine_without_variables_is_recognised(root: Path) -> None:
    assert not efi_variable.is_there(str(root))
    (root / efi_variable.FOLDER / "BootOrder-8be4df61").write_bytes(b"\7\0\0\0\1\0")
    assert efi_variable.is_there(str(root))


@pytest.mark.root
def test_the_immutable_mark_is_taken_off_for_a_write_and_put_back(root: Path) -> None:
    efi_variable.write(b"one!", str(root))
    with pytest.raises(PermissionError):
        variable(root).write_bytes(b"x")
    efi_variable.write(b"two!", str(root))
    assert efi_variable.read(str(root)) == b"two!"
    flags = subprocess.run(
        ["lsattr", "-d", str(variable(root))], check=True, capture_output=True, timeout=10
    )
    assert b"i" in flags.stdout.split()[0]
