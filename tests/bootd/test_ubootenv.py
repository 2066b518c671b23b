"""U-Boot's stored environment: what its checksum covers, and which of two copies counts."""

import shutil
import subprocess
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.errors import ConfigSyntaxError
from bootd.ubootenv import MAX_BYTES, Area, Environment, newest, parse, parse_config

TEXT = b"board=acme\0fdtfile=acme/board.dtb\0bootcmd=run a=b\0\0"


def copy(text: bytes = TEXT, flag: int | None = None, size: int = 0x400) -> bytes:
    head = b"" if flag is None else bytes([flag])
    body = text.ljust(size - 4 - len(head), b"\xff")
    return crc32(body).to_bytes(4, "little") + head + body


def variables(environment: Environment | None) -> dict[str, str]:
    assert environment is not None
    return dict(environment.variables)


def test_variables_are_read_up_to_the_empty_one() -> None:
    assert variables(parse(copy())) == {
        "board": "acme",
        "fdtfile": "acme/board.dtb",
        "bootcmd": "run a=b",
    }


def test_the_flag_byte_of_two_copies_is_found_by_the_checksum() -> None:
    found = parse(copy(flag=7))
    assert found is not None
    assert found.flag == 7
    assert variables(found)["board"] == "acme"


def test_a_checksum_in_the_other_byte_order_counts() -> None:
    data = copy()
    assert variables(parse(data[:4][::-1] + data[4:]))["board"] == "acme"


@pytest.mark.parametrize("data", [b"", b"\xff" * 64, bytes(64), copy()[:-1], copy() + b"\0"])
def test_what_has_no_right_checksum_is_none(data: bytes) -> None:
    assert parse(data) is None


def test_more_than_the_limit_is_none() -> None:
    assert parse(copy(size=MAX_BYTES)) is not None
    assert parse(copy(size=MAX_BYTES + 1)) is None


@pytest.mark.parametrize(
    ("first", "second", "wins"), [(1, 2, 1), (2, 1, 0), (255, 0, 1), (0, 255, 0), (3, 3, 0)]
)
def test_the_copy_written_last_counts(first: int, second: int, wins: int) -> None:
    copies = [parse(copy(flag=first)), parse(copy(flag=second))]
    assert newest(copies) is copies[wins]


def test_a_damaged_copy_does_not_count() -> None:
    good = parse(copy(flag=1))
    assert newest([None, good]) is good
    assert newest([None, None]) is None


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail(data: bytes) -> None:
    parse(data)
    found = parse(crc32(data).to_bytes(4, "little") + data)
    assert found is not None or len(data) < 2


@given(
    st.dictionaries(
        st.from_regex(r"[a-z_]{1,12}", fullmatch=True),
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
        min_size=1,
    )
)
def test_what_is_stored_is_read(values: dict[str, str]) -> None:
    text = b"".join(f"{name}={value}".encode() + b"\0" for name, value in values.items()) + b"\0"
    assert variables(parse(copy(text, size=len(text) + 64))) == values


def test_a_line_names_device_offset_and_size() -> None:
    text = "# copies\n/dev/mtd1 0x0 0x4000 0x1000\n/dev/mmcblk0 -0x8000 16384 # second\n"
    assert parse_config(text, "c") == (
        Area(device="/dev/mtd1", offset=0, size=0x4000),
        Area(device="/dev/mmcblk0", offset=-0x8000, size=16384),
    )


@pytest.mark.parametrize(
    "line",
    [
        "/dev/x",
        "/dev/x 0",
        "/dev/x a b",
        "dev 0 1",
        "/x 0 0",
        "/x 0 0x200000",
        "/x 0 1\n/x 0 1\n/x 0 1",
    ],
)
def test_a_line_that_makes_no_sense_is_named(line: str) -> None:
    with pytest.raises(ConfigSyntaxError, match=r"^c:[13]: "):
        parse_config(line, "c")


def test_what_mkenvimage_makes_is_read(tmp_path: Path) -> None:
    tool = shutil.which("mkenvimage")
    assert tool is not None, "u-boot-tools are not installed"
    (tmp_path / "text").write_text("board=acme\nfdtfile=acme/board.dtb\n")
    for redundant in ((), ("-r",)):
        command = [tool, *redundant, "-s", "0x1000", "-o", "env", "text"]
        subprocess.run(command, cwd=tmp_path, check=True, timeout=20)
        assert variables(parse((tmp_path / "env").read_bytes()))["fdtfile"] == "acme/board.dtb"
