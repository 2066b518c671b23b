"""Hostile and damaged configurations: an answer within the limits of a worker, always."""

from collections.abc import Mapping
from time import process_time
from tracemalloc import get_traced_memory, start, stop

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.formats import grub
from bootd.formats.grub.parser import parse
from bootd.model.option import ScanResult
from tests.support.grubscript import CONF, run
from tests.support.memoryfs import MemoryFs

ENTRY = "\nmenuentry a { linux /k }\n"
LOOPS = "for a in {n}; do for b in {n}; do {body}; done; done".replace("{n}", "x " * 1000)

COMPLEX = {
    "recursion": "function f {\n f\n}\nf",
    "mutual recursion": "function f { g; g; }\nfunction g { f; f; }\nf",
    "itself": f"source {CONF}\n" * 8,
    "nested loops": LOOPS.replace("{body}", "true"),
    "nested assignments": LOOPS.replace("{body}", "z=$a$b"),
    "doubling": "a=xxxxxxxx\n" + "a=$a$a\n" * 40,
    "doubling words": 'a="x y "\n'
    + 'a="$a$a"\n' * 16
    + "for i in $a; do for j in $a; do b; done; done",
    "endless": "while true; do true; done",
    "endless entries": "while true; do menuentry b { linux /k }; done",
    "endless eval": 'a="true;true;true"\nwhile true; do eval "$a;$a;$a"; done',
    "recursive eval": 'a=\'eval "$a"\'\neval "$a"',
    "endless files": "until [ -f /a -o -f /b -o -e /c ]; do true; done",
    "endless patterns": f"while true; do regexp '(a*)(a*)(a*)b' {'a' * 190}; done",
    "endless parameters": "function f { while shift; do true; done; }\nf " + "a " * 150_000,
    "endless names": "i=a\nwhile true; do search --set=$i --fs-uuid $i; i=$i$i; done",
    "fan of functions": "".join(f"function f{i} {{ f{i + 1}; f{i + 1}; }}\n" for i in range(999))
    + "f0",
    "words": "a " * 500_000,
    "commands": "a\n" * 200_000,
    "nested blocks": "menuentry x {\n" * 50_000,
    "nested conditions": "if true; then\n" * 50_000,
}


class Cost:
    """Seconds of processor time, and the most memory in MB, that a scan took."""

    def __init__(self) -> None:
        start()
        self._since = process_time()

    def end(self) -> tuple[float, float]:
        seconds = process_time() - self._since
        peak = get_traced_memory()[1] / (1 << 20)
        stop()
        return seconds, peak


def timed(files: Mapping[str, str | bytes]) -> ScanResult:
    """Scan, first for time and then for memory, because measuring memory takes time."""
    since = process_time()
    result = grub.scan(MemoryFs(files))
    assert process_time() - since < 2
    return result


@pytest.mark.parametrize("name", COMPLEX)
def test_a_configuration_that_is_too_complex_is_a_problem_with_its_line(name: str) -> None:
    result = timed({CONF: ENTRY + COMPLEX[name]})
    assert result.options[0].title == "a"
    messages = [p for p in result.problems if "too complex" in p.message]
    assert messages
    assert all(p.source == CONF and p.line is not None for p in messages)


@pytest.mark.parametrize("name", ["words", "commands", "doubling", "endless entries"])
def test_a_configuration_that_is_too_complex_takes_little_memory(name: str) -> None:
    cost = Cost()
    grub.scan(MemoryFs({CONF: COMPLEX[name]}))
    assert cost.end()[1] < 60


def test_entries_before_the_limit_are_kept_and_can_boot() -> None:
    result = run(ENTRY + COMPLEX["endless"])
    assert result.options[0].linux is not None


def test_a_body_that_never_ends_costs_only_its_entry() -> None:
    result = run("menuentry a { while true; do true; done }" + ENTRY)
    assert [bool(o.reasons) for o in result.options] == [True, False]
    assert "too complex" in result.options[0].reasons[0]


def test_bodies_that_never_end_are_ended_together() -> None:
    result = timed({CONF: "menuentry a { while true; do true; done }\n" * 300})
    assert len(result.options) == 256


def test_submenus_inside_one_another_end() -> None:
    deep = "submenu s {\n" * 20 + ENTRY + "}\n" * 20
    assert any("nested" in p.message for p in timed({CONF: deep}).problems)


def test_a_submenu_that_makes_itself_ends() -> None:
    result = timed({CONF: "function f { submenu a { f; f; f; f; } }\nf;f;f;f\n"})
    assert any("too complex" in p.message for p in result.problems)


def test_more_entries_than_a_file_may_have_are_a_problem() -> None:
    result = timed({CONF: ENTRY * 300})
    assert len(result.options) == 256
    assert "300 entries" in result.problems[0].message


def test_more_includes_than_allowed_are_a_problem_and_the_others_count() -> None:
    files = {f"/i{i}": f"menuentry a{i} {{ linux /k }}" for i in range(70)}
    result = timed({CONF: "".join(f"source {name}\n" for name in files), **files})
    assert len(result.options) == 64
    assert "64 files" in result.problems[0].message


def test_included_files_have_a_limit_of_text() -> None:
    files = {f"/i{i}": "# " + "x" * 400_000 + "\n" for i in range(4)}
    result = timed({CONF: "".join(f"source {name}\n" for name in files), **files})
    assert "1048576 characters" in result.problems[0].message


def test_of_a_file_that_is_too_long_the_beginning_is_read() -> None:
    result = timed({CONF: ENTRY + "# " + "x" * (1 << 20)})
    assert [o.title for o in result.options] == ["a"]
    assert "only the beginning" in result.problems[0].message


def test_many_entries_of_the_boot_loader_specification_are_cut() -> None:
    files = {f"/loader/entries/{i:04}.conf": "linux /k\n" for i in range(1000)}
    result = timed({CONF: "blscfg\n", **files})
    assert len(result.options) == 256
    assert "1000 entries" in result.problems[0].message


@pytest.mark.parametrize(
    "text",
    [
        "menuentry a { linux /k " + "x" * 1_000_000 + " }",
        "menuentry '" + "\x1b[31m" * 100_000 + "' { linux /k }",
        "'" * 1_000_001,
        "${" * 500_000,
        '"$a"' * 200_000,
        "\\\n" * 500_000,
        "[ " + "( " * 5000 + "a ]\n[ " + "! " * 5000 + "a ]\n[ " + "a -a " * 50_000 + "b ]",
        "menuentry a { linux /k\ninitrd " + "a " * 150_000 + "}",
        "".join(f"v{i}=aaaa\n" for i in range(70_000)),
        "menuentry a { '\n" * 50_001,
        "regexp '" + "(" * 90 + "a" + ")" * 90 + "' a\n" * 100,
    ],
    ids=range(11),
)
def test_unreasonable_text_is_answered_in_time(text: str) -> None:
    result = timed({CONF: text})
    assert all("\x1b" not in o.title and len(o.title) <= 120 for o in result.options)


def test_nul_and_text_that_is_no_utf8_do_no_harm() -> None:
    result = timed({CONF: b"menuentry a\xff { linux /k\0x y\0 }\n"})
    (option,) = result.options
    assert option.title == "a\\udcff"
    assert option.linux is not None
    assert "\0" not in option.linux.path + option.cmdline


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_and_windows_line_ends_do_not_matter(encoding: str) -> None:
    text = "set default=1\r\nmenuentry a {\r\n linux /k x\r\n}\r\nmenuentry b { linux /k }\r\n"
    options = grub.scan(MemoryFs({CONF: text.encode(encoding)})).options
    assert [(o.title, o.cmdline, o.is_default) for o in options] == [
        ("a", "x", False),
        ("b", "", True),
    ]


SCRIPT = st.lists(
    st.sampled_from(
        [
            "menuentry",
            "submenu",
            "a",
            "'t'",
            "{",
            "}",
            "\n",
            ";",
            "if",
            "then",
            "else",
            "elif",
            "fi",
            "for",
            "in",
            "do",
            "done",
            "while",
            "until",
            "function",
            "f",
            "[",
            "]",
            "=",
            "$x",
            "x=1",
            "x=$x$x",
            "linux",
            "/k",
            "initrd",
            "true",
            "false",
            "break",
            "continue",
            "return",
            "shift",
            "source",
            CONF,
            "configfile",
            "search",
            "--set",
            "--file",
            "blscfg",
            "set",
            "export",
            "eval",
            '"$@"',
            "regexp",
            "(a*)",
            "default=1>0",
            "-f",
            "!",
            "#",
            '"',
            "$",
            "\\",
            "loopback",
            "(loop)/k",
            "save_env",
            "load_env",
            "exit",
            "unset",
            "probe",
        ]
    ),
    max_size=60,
).map(" ".join)  # fmt: skip - rows


@given(SCRIPT)
def test_any_statements_give_a_result(text: str) -> None:
    result = run(text, {"/loader/entries/x.conf": "linux /k\noptions $x\n", "/k": ""})
    assert sum(each.is_default for each in result.options) <= 1
    assert len(result.options) <= 256


@given(st.text(max_size=200))
def test_any_text_is_parsed_or_a_problem(text: str) -> None:
    parsed = parse(text, "/x")
    assert all(problem.line is None or problem.line >= 1 for problem in parsed.problems)


@given(st.binary(max_size=400))
def test_any_bytes_give_a_result(data: bytes) -> None:
    assert grub.scan(MemoryFs({CONF: data})).options == () or b"menuentry" in data
