"""Choices in an EFI variable of real firmware (OVMF in a guest), over a power-off."""

import shutil
from pathlib import Path
from typing import Final

import pytest

from bootd.model.remembered import Remembered
from bootd.protocol import memory
from tests.support.disksguest import started
from tests.support.guests import TOP, one_at_a_time

pytestmark = [pytest.mark.faults, pytest.mark.timeout(500)]

OVMF: Final = Path("/usr/share/OVMF")

EFI: Final = """
import subprocess, sys
from bootd.linux import efi_variable
from bootd.probe.remembering import KeptAt, Kind
from tests.support.statewriter import ask
folder = "/sys/firmware/efi/efivars"
subprocess.run(["mount", "-t", "efivarfs", "efivarfs", folder], check=True)
at = KeptAt(kind=Kind.EFI)
assert efi_variable.is_there()
print("found", ask(at, None), flush=True)
for text in sys.argv[1:]:
    ask(at, text)
    assert ask(at, None) == text
data = open(f"{folder}/{efi_variable.NAME}", "rb").read(4)
try:
    open(f"{folder}/{efi_variable.NAME}", "wb")
except PermissionError:
    print("attributes", data.hex(), "immutable", flush=True)
"""


def texts() -> list[str]:
    names = ("one", "two" * 200, "three", "four")
    return [memory.write(Remembered(default=name)).decode() for name in names]


def run(folder: Path, script: str, *words: str) -> str:
    """Run a script in a guest with firmware whose variables are in `folder`; return its words."""
    folder.mkdir(exist_ok=True)
    variables = folder / "variables"
    if not variables.exists():
        shutil.copyfile(OVMF / "OVMF_VARS_4M.fd", variables)
    firmware = [
        *("-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={OVMF / 'OVMF_CODE_4M.fd'}"),
        *("-drive", f"if=pflash,format=raw,unit=1,file={variables}"),
    ]
    # The guest sees all files of this machine but those below /tmp.
    command = [str(TOP / ".venv/bin/python"), "-c", script, *words]
    with one_at_a_time(), started(command, folder, firmware) as process:
        said, _ = process.communicate(timeout=200)
    return said.decode(errors="replace").replace("\r", "")


def test_choices_outlive_a_power_off_in_an_efi_variable(tmp_path: Path) -> None:
    first = run(tmp_path / "machine", EFI, *texts())
    assert "found None\n" in first
    assert "attributes 07000000 immutable\n" in first
    assert f"found {texts()[-1]}" in run(tmp_path / "machine", EFI)
