"""GRUB's own parser (grub-script-check) as the judge of what is a script."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bootd.formats.grub.parser import parse
from tests.support import golden

CONFIGURATIONS = sorted((golden.ROOT / "grub").rglob("*.cfg"))

STATEMENTS = [
    "if true; then\n a; fi",
    "if a; then b; elif c; then d; else e; fi",
    "for i in a b; do c $i; done",
    "while a; do b; done",
    "until a\ndo\nb\ndone",
    "menuentry 'x' { a; b }",
    'submenu "y" --id z {\n menuentry a {\n b\n }\n}',
    "function f {\n a\n}",
    "x=1",
    "a 'b' \"c\" \\\n d",
]

WORDS = [
    "a",
    "'b c'",
    '"$x"',
    "${y}",
    "if",
    "then",
    "else",
    "elif",
    "fi",
    "for",
    "i",
    "in",
    "do",
    "done",
    "while",
    "until",
    "function",
    "f",
    "{",
    "}",
    "\n",
    ";",
    "#c\n",
    "\\\n",
    "[",
    "]",
    "$@",
    "'d\ne'",
    "a$b'c'",
    '$"t"',
    "\\;",
    '"\\""',
    "&",
    "|",
    "case",
    "!",
]  # fmt: skip - rows


def grub_accepts(text: str, path: Path) -> bool:
    path.write_text(text)
    done = subprocess.run(
        ["grub-script-check", str(path)], capture_output=True, timeout=10, check=False
    )
    return done.returncode == 0


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda p: str(p.relative_to(golden.ROOT)))
def test_golden_configurations_are_scripts_to_grub_and_to_bootd(path: Path, tmp_path: Path) -> None:
    text = path.read_text()
    assert grub_accepts(text, tmp_path / "grub.cfg")
    assert parse(text, "/grub.cfg").problems == ()


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    statements=st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=3),
    changes=st.lists(st.tuples(st.integers(0, 40), st.sampled_from(WORDS)), max_size=2),
)
@example(statements=["a 'b' \"c\" \\\n d"], changes=[])
def test_what_grub_accepts_is_accepted(
    tmp_path: Path, statements: list[str], changes: list[tuple[int, str]]
) -> None:
    words = "\n".join(statements).replace("\n", " \n ").split(" ")
    for place, word in changes:
        words[place % len(words)] = word
    text = " ".join(words) + "\n"
    if grub_accepts(text, tmp_path / "grub.cfg"):
        assert parse(text, "/grub.cfg").problems == ()
