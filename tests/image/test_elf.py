"""The ELF reader against the dynamic linker of this machine."""

import subprocess
import sys
from pathlib import Path

import pytest

from image.elf import needed


def test_it_names_the_interpreter_and_the_libraries_that_readelf_names() -> None:
    program = Path("/bin/sh").resolve()
    names = needed(program.read_bytes())
    assert names[0].startswith("/lib")
    listed = subprocess.run(
        ["ldd", program], capture_output=True, text=True, check=True, timeout=20
    ).stdout
    assert names[1:]
    assert all(name in listed for name in names)


def test_a_script_needs_nothing() -> None:
    assert needed(b"#!/bin/sh\n") == []


@pytest.mark.parametrize("length", [0, 4, 63])
def test_less_than_a_header_needs_nothing_or_fails_cleanly(length: int) -> None:
    data = Path(sys.executable).resolve().read_bytes()[:length]
    if length < 6:
        assert needed(data) == []
    else:
        with pytest.raises(Exception, match="unpack_from"):
            needed(data)
