"""Which option a system was started from, said and understood."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.model import started

ID = "grub:b007d000-0001:Debian GNU/Linux, with Linux 6.12"


def test_a_word_is_one_word_whatever_the_id_is() -> None:
    assert started.word("bls:1A2B-3C4D:debian-6.12.conf") == (
        "bootd.entry=bls:1A2B-3C4D:debian-6.12.conf"
    )
    assert started.word('a "b" c') == "bootd.entry=a%20%22b%22%20c"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_what_is_said_is_understood(option_id: str) -> None:
    cmdline = started.with_word("ro quiet", option_id, 100_000)
    assert started.read(None, f"{cmdline}\n") == option_id
    assert cmdline.split() == ["ro", "quiet", started.word(option_id)]


@pytest.mark.parametrize(
    ("cmdline", "said"),
    [
        ("", "bootd.entry=x"),
        ("ro bootd.entry=old", "ro bootd.entry=x"),
        ("ro -- single bootd.x", "ro bootd.entry=x -- single bootd.x"),
        ('a="b  c" d', 'a="b  c" d bootd.entry=x'),
    ],
)
def test_the_rest_of_the_command_line_stays_as_it_is(cmdline: str, said: str) -> None:
    assert started.with_word(cmdline, "x", 2047) == said


def test_a_command_line_without_room_is_not_made_too_long() -> None:
    assert started.with_word("ro", "x", 10) == "ro"


@pytest.mark.parametrize("word", ["bootd.entry=a%", "bootd.entry=a%zz", "bootd.entry=%é", "x"])
def test_a_word_that_nobody_wrote_means_nothing(word: str) -> None:
    assert started.read(None, word) == ""


def test_the_command_line_wins_over_a_tree_that_may_be_a_copy() -> None:
    assert started.read(b"bls:a:b\0", "bootd.entry=c") == "c"
    assert started.read(b"bls:a:b\0", "ro quiet") == "bls:a:b"
    assert started.read(None, "ro quiet") == ""


def test_a_word_that_was_copied_from_another_boot_is_taken_away() -> None:
    assert started.without_word("ro bootd.entry=old quiet") == "ro quiet"
    assert started.without_word('a="b  c"  d') == 'a="b  c"  d'
