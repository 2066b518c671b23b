"""U-Boot's environment where fw_env.config says that it lies."""

import subprocess
from pathlib import Path
from zlib import crc32

import pytest

from bootd.linux.firmware_env import read_environment, write_variable


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


# Writing ------------------------------------------------------------------------------------------

TWO = "/flash 0x200 0x400\n/flash 0x600 0x400\n"


def value(root: Path, name: str = "bootd") -> str | None:
    found, _ = read_environment(str(root))
    return None if found is None else found.variables.get(name)


def test_a_variable_is_written_to_the_older_copy_and_the_newer_one_stays(tmp_path: Path) -> None:
    machine(tmp_path, TWO)
    before = (tmp_path / "flash").read_bytes()
    write_variable("bootd", "one", str(tmp_path))
    after = (tmp_path / "flash").read_bytes()
    assert len(after) == len(before)
    assert (after[:0x200], after[0x600:]) == (before[:0x200], before[0x600:])
    assert (value(tmp_path), value(tmp_path, "board")) == ("one", "new")


def test_every_write_counts_on_and_the_flag_turns_over(tmp_path: Path) -> None:
    machine(tmp_path, TWO)
    for number in range(300):
        write_variable("bootd", str(number), str(tmp_path))
        assert value(tmp_path) == str(number)


def test_a_write_that_was_cut_short_leaves_the_old_value(tmp_path: Path) -> None:
    machine(tmp_path, TWO)
    for text in ("one", "two"):
        write_variable("bootd", text, str(tmp_path))
    flash = bytearray((tmp_path / "flash").read_bytes())
    flash[0x600:0x700] = bytes(0x100)  # the copy that was written last
    (tmp_path / "flash").write_bytes(flash)
    assert value(tmp_path) == "one"
    write_variable("bootd", "three", str(tmp_path))
    assert value(tmp_path) == "three"


def test_what_is_not_ours_stays_byte_for_byte(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/fw_env.config").write_text("/flash 0 0x400\n/flash 0x400 0x400\n")
    (tmp_path / "flash").write_bytes(copy(b"odd=\xff\xfe\0bootd=x\0last==a=b\0\0", 255) * 2)
    write_variable("bootd", "", str(tmp_path))
    assert (
        (tmp_path / "flash")
        .read_bytes()[0x400:]
        .startswith(
            crc32(b"odd=\xff\xfe\0last==a=b".ljust(0x3FB, b"\0")).to_bytes(4, "little")
            + b"\0odd=\xff\xfe\0last==a=b\0"
        )
    )


@pytest.mark.parametrize(
    ("config", "flash", "why"),
    [
        (TWO, bytes(0xA00), "U-Boot has never saved its environment"),
        ("", b"", "U-Boot has never saved its environment"),
        ("/flash 0 0x400\n/flash 0x400 0x200\n", copy(b"a=b\0\0", 1) * 2, "different sizes"),
    ],
)
def test_what_would_cost_u_boot_its_settings_is_refused(
    tmp_path: Path, config: str, flash: bytes, why: str
) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/fw_env.config").write_text(config)
    (tmp_path / "flash").write_bytes(flash)
    with pytest.raises(OSError, match=why):
        write_variable("bootd", "x", str(tmp_path))
    assert (tmp_path / "flash").read_bytes() == flash


def test_a_value_without_room_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    machine(tmp_path, TWO)
    before = (tmp_path / "flash").read_bytes()
    with pytest.raises(OSError, match="1024 bytes, too few"):
        write_variable("bootd", "x" * 2000, str(tmp_path))
    assert (tmp_path / "flash").read_bytes() == before


@pytest.mark.parametrize("copies", [1, 2])
def test_the_tools_of_libubootenv_and_bootd_read_what_the_other_wrote(
    tmp_path: Path, copies: int
) -> None:
    flash = tmp_path / "flash"
    text = copy(b"board=acme\0\0", 1) if copies == 2 else single(b"board=acme\0\0")
    flash.write_bytes(text * 2)
    lines = [f"{flash} {0x400 * number:#x} 0x400\n" for number in range(copies)]
    (tmp_path / "etc").mkdir()
    config = tmp_path / "etc/fw_env.config"
    for number in range(4):
        config.write_text("".join(lines).replace(str(flash), "/flash"))
        write_variable("bootd", f'{{"n":{number}}}', str(tmp_path))
        config.write_text("".join(lines))
        tool = ["fw_printenv", "-c", str(config)]
        printed = subprocess.run(tool, check=True, capture_output=True, timeout=10)
        assert f'bootd={{"n":{number}}}\n' in printed.stdout.decode()
        assert b"board=acme\n" in printed.stdout
        tool = ["fw_setenv", "-c", str(config), "other", str(number)]
        subprocess.run(tool, check=True, capture_output=True, timeout=10)
        config.write_text("".join(lines).replace(str(flash), "/flash"))
        assert value(tmp_path, "other") == str(number)
        assert value(tmp_path) == f'{{"n":{number}}}'


def single(text: bytes) -> bytes:
    body = text.ljust(0x3FC, b"\xff")
    return crc32(body).to_bytes(4, "little") + body
