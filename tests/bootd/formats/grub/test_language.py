"""The script language: words, variables, control flow, functions."""

import pytest

from tests.support.grubscript import entry, run, value


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("abc", "abc"),
        (r"a\ b", '"a b"'),
        ("'a $b'", '"a $b"'),
        ('"a b"', '"a b"'),
        ("a'b'\"c\"d", "abcd"),
        (r"a\$b", "a$b"),
        (r'"a\$b"', "a$b"),
        (r'"a\nb"', r"a\\nb"),
        ("a#b", "a#b"),
        ("a # b", "a"),
        ("a=b,c:d@e[f]", "a=b,c:d@e[f]"),
        ('$"Hello"', "Hello"),
        ("a\\\nb", "ab"),
        ("a \\\n b", "a b"),
        ('""', ""),
        ("$", "$"),
        ("if then fi done", "if then fi done"),
        ("ünï", "ünï"),
    ],
)
def test_words_are_read_and_quoted_as_grub_does(written: str, meant: str) -> None:
    assert value("", written) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("$v", "a b"),
        ("${v}", "a b"),
        ('"$v"', '"a b"'),
        ("'$v'", "$v"),
        ("x${v}y", "xa by"),
        ("$none", ""),
        ("x${none}y", "xy"),
        ("$v$v", "a ba b"),
        ("$vx", ""),
        (r"\$v", "$v"),
    ],
)
def test_variables_are_expanded_and_split_outside_of_quotes(written: str, meant: str) -> None:
    assert value('v="a b"', written) == meant


def test_quotes_in_arguments_reach_the_kernel_escaped_as_grub_does() -> None:
    assert value("", """'dyndbg="file a +p"' b\\\\c""") == r'"dyndbg=\"file a +p\"" b\\c'


def test_an_escaped_byte_reaches_the_kernel_as_it_is() -> None:
    assert value("", r"'a\x20b'") == r"a\x20b"


def test_an_assignment_needs_no_set() -> None:
    assert value("v=1 ignored", "$v") == "1"


def test_an_assignment_in_quotes_keeps_its_blanks() -> None:
    assert value('set "v=a  b"', '"$v"') == '"a  b"'


def test_an_unset_variable_is_empty() -> None:
    assert value("v=1\nunset v", "x$v") == "x"


def test_a_name_beside_a_command_is_no_assignment() -> None:
    assert run("set v\nmenuentry a { linux /k }").problems[0].message == "set: v is no assignment"


@pytest.mark.parametrize(
    "text",
    [
        "if true; then r=1; fi",
        "if true;then r=1;fi",
        "if true\nthen\nr=1\n\nfi",
        "if true; then r=1; ;fi",
        "if false; then r=0; else r=1; fi",
        "if false; then r=0; elif true; then r=1; else r=2; fi",
        "if false; then r=0; elif false; then r=3; else r=1; fi",
        "r=1; if false; then r=0; fi",
        "if ! false; then r=1; fi",
        "if false; true; then r=1; fi",
        "for r in 3 2 1; do true; done",
        "r=0; for i in 1 2 3; do if [ $i = 2 ]; then break; fi; r=$i; done",
        "for i in 1 2; do for j in 1 2; do r=$i; break 2; done; done",
        "r=1; for i in a b; do continue; r=0; done",
        "r=0; for i in 1 2; do for j in 1 2; do continue 2; done; r=9; done; r=1",
        "r=; while [ x$r != x111 ]; do r=1$r; done; r=1",
        "r=0; until [ $r = 1 ]; do r=1; done",
        "r=0; while true; do r=1; break; done",
        "function f { r=$1; }\nf 1",
        "function f\n{\n r=1\n}\nf",
        "function f { return; r=0; }\nr=1\nf",
        "function f { return 3; }\nf\nif [ $? = 3 ]; then r=1; fi",
        "function f { while true; do return; done; }\nf\nr=1",
        "function f { shift; r=$1; }\nf 0 1",
        "function f { shift 2; r=$1; }\nf 0 0 1",
        "function f { r=$#; }\nf x",
        "function f { r=$2; }\nfunction g { f 0 $1; }\ng 1",
        "function f { setparams 1; r=$1; }\nf 0",
        "function f { r=0; }\nfunction f { r=1; }\nf",
        'a="r=1"; eval $a',
        "false; if [ $? != 0 ]; then r=1; fi",
        "r=1 # r=0",
        "r=1\r",
        "function echo { r=$1; }\necho 1",
    ],
)
def test_control_flow_is_followed(text: str) -> None:
    assert value(text, "$r") == "1"


def test_all_parameters_are_words_of_their_own_in_quotes() -> None:
    assert value('function f { for i in "$@"; do r="$r<$i>"; done; }\nf "a b" c', '"$r"') == (
        '"<a b><c>"'
    )


def test_all_parameters_in_one_are_joined_by_blanks() -> None:
    assert value('function f { r="$*"; }\nf a b', '"$r"') == '"a b"'


def test_parameters_beyond_nine_have_two_digits() -> None:
    assert value("function f { r=$10; }\nf 1 2 3 4 5 6 7 8 9 ten", "$r") == "ten"


def test_a_block_on_one_line_needs_no_semicolon() -> None:
    assert entry('menuentry "a" {linux /k}').title == "a"


def test_a_title_may_touch_its_block() -> None:
    assert entry("menuentry 'boot'{\nlinux /k\n}").title == "boot"


@pytest.mark.parametrize("end", ["}", "} ", "}\n", "};", "}#x"])
def test_a_file_may_end_right_after_a_block(end: str) -> None:
    assert entry(f"menuentry a {{ linux /k {end}").title == "a"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("&", "unexpected an operator"),
        ("a && b", "unexpected an operator"),
        ("a | b", "unexpected an operator"),
        ("}", "unexpected '}'"),
        ("{ a; }", "unexpected '{'"),
        ("fi", "unexpected 'fi'"),
        ("if true; fi", "unexpected 'fi'"),
        ("if true; then a", "'fi' is missing"),
        ("while true; do a", "'done' is missing"),
        ("for in a; do b; done", "unexpected 'a'"),
        ("for i of a; do b; done", "unexpected 'of'"),
        ("function { a; }", "'function' needs a name"),
        ("a 'b", "a quote is never closed"),
        ("case a in", "unexpected 'case'"),
    ],
)
def test_a_statement_that_grub_would_refuse_is_a_problem_with_its_line(
    text: str, reason: str
) -> None:
    problem = run(f"\n{text}\n").problems[0]
    assert problem.message.startswith(reason)
    assert problem.line == 2


@pytest.mark.parametrize("text", ["&", "fi", "a 'b", "menuentry x {\n if true; then\n}", "x {"])
def test_a_wrong_statement_does_not_cost_the_entries_behind_it(text: str) -> None:
    result = run(f"{text}\nmenuentry a {{\n linux /k\n}}\nmenuentry b {{ linux /k }}\n")
    assert [each.title for each in result.options] == ["a", "b"]
    assert result.problems


def test_an_unknown_command_is_a_problem_and_fails() -> None:
    result = run("\nfrobnicate x\nif [ $? = 0 ]; then r=no; fi\nmenuentry a$r { linux /k }")
    assert [(p.line, p.message) for p in result.problems] == [
        (2, "unknown command frobnicate, ignored")
    ]
    assert result.options[0].title == "a"


def test_an_unknown_command_in_an_entry_is_a_note_of_that_entry() -> None:
    result = run("menuentry a {\n frobnicate\n linux /k\n}\nmenuentry b { linux /k }")
    assert result.problems == ()
    assert [each.notes for each in result.options] == [
        ("unknown command frobnicate, ignored (/boot/grub/grub.cfg:2)",),
        (),
    ]


@pytest.mark.parametrize(
    "command",
    [
        "insmod ext2",
        "terminal_output gfxterm",
        "play 960 440 1",
        "clear",
        "loadfont unicode",
        "background_image x.png",
        "password_pbkdf2 root grub.x",
        "serial --unit=0",
        "sleep 5",
    ],
)  # fmt: skip - rows
def test_commands_about_screens_and_modules_succeed_without_a_word(command: str) -> None:
    assert value(f"if {command}; then r=1; fi", "$r") == "1"


def test_no_key_is_pressed_while_the_menu_is_read() -> None:
    assert value("if keystatus; then if keystatus --shift; then r=0; else r=1; fi; fi", "$r") == "1"


def test_an_entry_of_unknown_commands_only_is_listed_with_what_is_unknown() -> None:
    (option,) = run("menuentry a { kernel /k }").options
    assert option.linux is None
    assert option.notes == ("unknown command kernel, ignored (/boot/grub/grub.cfg:1)",)


def test_media_for_two_architectures_offer_the_one_with_64_bits() -> None:
    assert value("if cpuid -l; then a=64; else a=32; fi", "$a") == "64"


def test_exit_ends_the_script() -> None:
    result = run("menuentry a { linux /k }\nexit\nmenuentry b { linux /k }")
    assert [each.title for each in result.options] == ["a"]


def test_names_of_files_are_matched_against_patterns() -> None:
    files = {"/iso/b.iso": "", "/iso/a.iso": "", "/iso/.hidden.iso": "", "/iso/c.txt": ""}
    assert value("for i in /iso/*.iso; do r=$r,$i; done", "$r", files) == ",/iso/a.iso,/iso/b.iso"


def test_a_pattern_that_matches_nothing_stays_as_it_is() -> None:
    assert value("for i in /iso/*.iso; do r=$i; done", "$r") == "/iso/*.iso"


def test_a_pattern_in_quotes_is_none() -> None:
    assert value('for i in "/iso/*"; do r=$i; done', '"$r"', {"/iso/a": ""}) == "/iso/*"
