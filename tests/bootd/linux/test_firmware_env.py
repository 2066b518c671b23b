"""U-Boot's environment where fw_env.config says that it lies."""

from pathlib import Path
from zlib import crc32

import pytest

from bootd.linux.firmware_env import read_environment


def copy(text: bytes, flag: int) -> bytes:
    body = text.ljust(0x3FB, b"\xff")
    return crc32(body).to_bytes(4, "little") + bytes([flag]) + body


def machine(root: Path, config: str) -> Path:
    (root / "etc").mkdir()
    (root / "etc/fw_env.config").write_text(config)
    (root / "flash").write_bytes(bytes(512) + copy(b"board=old\0\0", 1) + copy(b"board=new\0\0", 2))
    return root


def test_the_environment_is_read_where_the_configuration_says(tmp_path: Path) -> None:
    machine(tmp_path, "/flash 0x200 0x400\n/flash -0x400 0x400\n")
    found, notes = read_environment(str(tmp_path))
    assert found is not None
    assert dict(found.variables) == {"board": "new"}
    assert notes == ()


def test_without_a_configuration_there_is_none(tmp_path: Path) -> None:
    assert read_environment(str(tmp_path)) == (None, ())


@pytest.mark.parametrize(
    ("config", "note"),
    [
        ("/none 0 0x400\n", "/none, named in"),
        ("/etc 0 0x400\n", "neither a device nor a file"),
        ("/flash 0 0x400\n", "was never saved, or is damaged"),
        ("nonsense\n", "fw_env.config:1: expected a device"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, config: str, note: str) -> None:
    found, notes = read_environment(str(machine(tmp_path, config)))
    assert found is None
    assert note in notes[0]
