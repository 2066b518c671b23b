"""Names of entries' files with a counter."""

import pytest

from bootd.formats.entryfile import split_counter, with_counter


@pytest.mark.parametrize(
    ("file", "left", "done", "name"),
    [
        ("/loader/entries/debian+3.conf", 2, 1, "debian+2-1.conf"),
        ("debian+2-1.conf", 1, 2, "debian+1-2.conf"),
        ("debian+0-3.conf", None, 0, "debian.conf"),
        ("/EFI/Linux/6.12.1+3-0.efi", 3, 0, "6.12.1+3.efi"),
        ("a+b+1.CONF", 0, 1, "a+b+0-1.CONF"),
    ],
)
def test_another_counter_is_another_name(file: str, left: int | None, done: int, name: str) -> None:
    assert with_counter(file, left, done) == name


@pytest.mark.parametrize("file", ["debian.conf", "+3.conf", "debian+x.conf", "grub.cfg", ""])
def test_a_file_without_a_counter_has_none_to_change(file: str) -> None:
    assert with_counter(file, 2, 1) is None


def test_what_is_written_is_read_again() -> None:
    name = with_counter("debian-6.12+3.conf", 2, 1)
    assert name is not None
    assert split_counter(name.removesuffix(".conf")) == ("debian-6.12", 2, 1)
