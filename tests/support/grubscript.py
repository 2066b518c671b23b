"""Short GRUB scripts, run on a file system in memory."""

from collections.abc import Mapping

from bootd.formats import grub
from bootd.model.option import BootOption, ScanResult
from tests.support.memoryfs import MemoryFs

CONF = "/boot/grub/grub.cfg"


def run(text: str, files: Mapping[str, str | bytes] | None = None) -> ScanResult:
    """Scan a file system that has this grub.cfg and other files."""
    return grub.scan(MemoryFs({**(files or {}), CONF: text}))


def entry(text: str, files: Mapping[str, str | bytes] | None = None) -> BootOption:
    """Return the only option of a script that is all right."""
    result = run(text, files)
    assert result.problems == ()
    (option,) = result.options
    return option


def value(text: str, word: str, files: Mapping[str, str | bytes] | None = None) -> str:
    """Return what a word is after a script, seen as a command line."""
    return entry(f"{text}\nmenuentry a {{ linux /k {word}\n}}", files).cmdline


def holds(condition: str, files: Mapping[str, str | bytes] | None = None) -> bool:
    """Say whether a condition is true."""
    return value(f"if {condition}; then r=yes; else r=no; fi", "$r", files) == "yes"
