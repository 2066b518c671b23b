"""Patterns of loader.conf, each with a name; systemd's own rules."""

from fnmatch import fnmatchcase
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.formats.glob import matches


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("", ""),
        ("ab", "ab"),
        ("a?c", "axc"),
        ("??", "?."),
        ("***", ""),
        ("*", "12"),
        ("*b*", "abc"),
        ("fedora-*.conf", "fedora-40.conf"),
        ("*.*", "a.efi"),
        (r"\*\a\[", "*a["),
        ("[ab]-[ab]", "a-b"),
        ("a]", "a]"),
        ("[][!]", "!"),
        ("[][!]", "]"),
        ("[]-]", "-"),
        (r"[1\]]", "]"),
        (r"[$-\+]", "&"),
        ("[1-3A-C]", "B"),
        ("[a-c-f]", "-"),
        ("[--0]", "."),
        ("[+--]", ","),
        ("?a*b[.-0]c", "/a/b/c"),
    ],
)
def test_a_name_that_is_meant(pattern: str, name: str) -> None:
    assert matches(name, pattern)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("aB", "ab"),
        ("a", "b"),
        ("a", ""),
        ("ab", "a"),
        ("1?", "1"),
        ("ab*d", "ab"),
        ("ab*cd", "abxc"),
        ("[ab]", "z"),
        ("[ab", "a"),
        ("[", "["),
        ("[a-c-f]", "e"),
        ("[f-l]", "m"),
        ("[b]", "-"),
        (r"[a\-z]", "b"),
    ],
)
def test_a_name_that_is_not_meant(pattern: str, name: str) -> None:
    assert not matches(name, pattern)


def test_many_stars_take_no_time() -> None:
    since = process_time()
    assert not matches("a" * 255, "*a" * 127 + "b")
    assert process_time() - since < 1


@given(st.text("ab*?.", max_size=12), st.text("ab.", max_size=12))
def test_without_brackets_python_says_the_same(pattern: str, name: str) -> None:
    assert matches(name, pattern) is fnmatchcase(name, pattern)


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_pattern_is_answered(pattern: str, name: str) -> None:
    assert matches(name, pattern) in {True, False}
