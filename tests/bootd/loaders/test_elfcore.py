"""The ELF core header, read back by readelf."""

import re
import subprocess
from pathlib import Path

from bootd.loaders import elfcore
from bootd.model.memory import Range

NOTES = (Range(0x5F000000, 0x5F000200), Range(0x5F001000, 0x5F001400))
MEMORY = (Range(0x40000000, 0x50000000), Range(0x60000000, 0x80000000))


def test_readelf_finds_every_note_and_all_memory_at_its_physical_address(tmp_path: Path) -> None:
    file = tmp_path / "core"
    data = elfcore.build("aarch64", NOTES, MEMORY)
    file.write_bytes(data)
    done = subprocess.run(["readelf", "-hlW", file], capture_output=True, text=True, check=True)
    assert "CORE (Core file)" in done.stdout
    assert "AArch64" in done.stdout
    rows = re.findall(r"^  (NOTE|LOAD) +(\S+) \S+ (\S+) (\S+)", done.stdout, re.MULTILINE)
    found = [
        (kind, int(offset, 16), int(start, 16), int(size, 16)) for kind, offset, start, size in rows
    ]
    assert found == [
        *(("NOTE", one.start, one.start, one.size) for one in NOTES),
        *(("LOAD", one.start, one.start, one.size) for one in MEMORY),
    ]
