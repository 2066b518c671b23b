"""Regular expressions: the same answers as Python's, without its worst cases."""

import re
from time import process_time

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bootd.formats.pattern import PatternError, compile_pattern

PIECES = ["a", "b", ".", "[ab]", "[^a]", "(a)", "(ab)", "a*", "b+", "a?", "(a|b)", "a{1,2}", "b{2}"]
EDGES = ["", "^", "$", "|"]


@given(
    st.lists(st.sampled_from([*PIECES, *EDGES]), max_size=8).map("".join),
    st.text("abc", max_size=8),
)
@example("(a|ab)(c|bcd)(d*)", "abcd")
def test_a_match_is_the_one_that_python_finds(pattern: str, text: str) -> None:
    assume(not re.search(r"[\^$|][*+?{]", pattern))
    found = re.search(pattern, text)
    wanted = None if found is None else (found[0], *found.groups(""))
    assert compile_pattern(pattern).search(text) == wanted


@pytest.mark.parametrize(
    ("pattern", "text", "matched"),
    [
        ("[[:digit:]]+", "ab12", "12"),
        ("[[:alpha:]_-]+", "1a_b-", "a_b-"),
        ("[]a]+", "x]a]", "]a]"),
        ("[^]]+", "]ab]", "ab"),
        (r"\.iso$", "a.iso", ".iso"),
        (r"a\\", "a\\", "a\\"),
        ("a{2,}", "aaaa", "aaaa"),
        ("(a*)*", "b", ""),
        ("a**", "aa", "aa"),
        ("[a-]+", "a-a", "a-a"),
    ],
)
def test_the_syntax_is_that_of_posix(pattern: str, text: str, matched: str) -> None:
    found = compile_pattern(pattern).search(text)
    assert found is not None
    assert found[0] == matched


@pytest.mark.parametrize(
    "pattern",
    ["(", ")", "a)", "[a", "a{", "a{x}", "a{2,1}", "(" * 99, "a{999}{999}", "(((a{99}){99}){99})"],
)  # fmt: skip - rows
def test_what_is_no_pattern_or_too_large_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        compile_pattern(pattern)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a*)*b", "(a|a)*b", "(a*)(a*)(a*)(a*)b"])
def test_patterns_that_python_cannot_finish_are_fast(pattern: str) -> None:
    start = process_time()
    compile_pattern(pattern).search("a" * 200 + "c")
    assert process_time() - start < 0.5


@given(st.text("ab()[]{}*+?|^$.\\-:,12", max_size=30), st.text(max_size=10))
def test_any_pattern_gives_an_answer_or_is_refused(pattern: str, text: str) -> None:
    try:
        found = compile_pattern(pattern).search(text)
    except PatternError:
        return
    assert found is None or found[0] in text
