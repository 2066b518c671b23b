"""The manual pages name everything there is, so that they cannot fall behind."""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from inspect import getsource
from pathlib import Path

import pytest

from bootd.config import SETTINGS, Setting
from bootd.ctl import main as bootdctl
from bootd.devicetree import profile
from bootd.formats import FORMATS
from bootd.gateway.__main__ import build_parser as bootd_remote
from bootd.gateway.settings import SETTINGS as REMOTE
from bootd.loaders.table import BY_NAME
from bootd.model.board import Base, ProfileAction
from bootd.protocol.messages import EVENT_KINDS, SOCKET
from bootmenu.keys import KEYS

ROOT = Path(__file__).parent.parent
MANUAL = ROOT / "docs" / "man"
PAGES = sorted(MANUAL.glob("*.[1-8]"))
INTERFACE = (ROOT / "bootd/protocol/org.bootd.Boot.varlink").read_text()


def words(page: str) -> str:
    """The text of a page without roff's escapes."""
    text = (MANUAL / page).read_text().replace("\\-", "-")
    return re.sub(r"\\f.|\\&|\\\(..", "", text)


def names_item(page: str, item: str) -> bool:
    """Whether a page has a paragraph about exactly this."""
    return re.search(rf"^\.B {re.escape(item)}$", words(page), re.MULTILINE) is not None


def verbs(parser: argparse.ArgumentParser, verb: str = "") -> Iterator[tuple[str, str]]:
    """Yield each verb with itself and each of its long options."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                whole = f"{verb} {name}".strip()
                yield whole, whole
                yield from verbs(below, whole)
        for option in action.option_strings:
            if option.startswith("--"):
                yield verb, option


def long_options(program: str) -> list[str]:
    """Ask a program for its help and return the long options in it."""
    done = subprocess.run(
        [Path(sys.executable).parent / program, "--help"],
        capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    return sorted(set(re.findall(r"(?<![-\w])--[a-z][-a-z]+", done.stdout)))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_formats_without_a_warning(page: Path) -> None:
    command = ["groff", "-Tutf8", "-man", "-ww", "-z", str(page)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
    assert done.stderr == ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_refers_only_to_pages_that_are_there(page: Path) -> None:
    ours = {each.name for each in PAGES}
    named = re.findall(
        r"^\.BR ((?:bootd|bootmenu|boards|org\.bootd)\S*) \((\d)\)", words(page.name), re.M
    )
    assert {f"{name}.{section}" for name, section in named} <= ours


@pytest.mark.parametrize(("verb", "word"), sorted(set(verbs(bootdctl.build_parser()))))
def test_every_verb_and_option_of_bootdctl_is_described(verb: str, word: str) -> None:
    assert re.search(rf"{re.escape(word)}(?![-\w])", words("bootdctl.1")), f"{verb}: {word}"


@pytest.mark.parametrize("program", ["bootd", "bootmenu"])
def test_every_option_of_a_program_is_described(program: str) -> None:
    page = words({"bootd": "bootd.8", "bootmenu": "bootmenu.1"}[program])
    assert [each for each in long_options(program) if each not in page] == []


def test_every_option_of_the_gateway_is_described() -> None:
    page = words("bootd-remote.8")
    options = (option for _, option in verbs(bootd_remote()) if option != "--help")
    assert [each for each in options if each not in page] == []


@pytest.mark.parametrize("status", [0, 1, 2, 3, 4])
def test_every_exit_status_of_bootdctl_is_described(status: int) -> None:
    assert names_item("bootdctl.1", str(status))


@pytest.mark.parametrize("setting", [*SETTINGS, *REMOTE], ids=lambda setting: setting.key)
def test_every_setting_is_described_with_its_default(setting: Setting) -> None:
    paragraph = words("bootd.conf.5").partition(f".BI {setting.key}=")[2].partition(".TP")[0]
    default = paragraph.partition("The default is")[2]
    assert setting.written in default.strip(" .\n").removeprefix("BR").replace('"', "")


@pytest.mark.parametrize("name", [each.name for each in FORMATS])
def test_every_format_is_described(name: str) -> None:
    assert names_item("bootd.8", name)


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_every_loader_is_described(name: str) -> None:
    assert names_item("bootd.8", name)


@pytest.mark.parametrize("name", re.findall(r"^(?:method|error) (\w+)", INTERFACE, re.MULTILINE))
def test_every_method_and_error_is_described(name: str) -> None:
    assert names_item("org.bootd.Boot.7", name)


@pytest.mark.parametrize("name", sorted(EVENT_KINDS))
def test_every_event_is_described(name: str) -> None:
    assert names_item("org.bootd.Boot.7", name)


def test_the_socket_is_named() -> None:
    assert all(SOCKET in words(page) for page in ("bootd.8", "bootd.conf.5", "org.bootd.Boot.7"))


@pytest.mark.parametrize("word", [each.value for each in (*Base, *ProfileAction)])
def test_every_word_of_a_board_profile_is_described(word: str) -> None:
    assert re.search(rf"^\.B {word}$", words("boards.d.5"), re.MULTILINE)


PROFILE_KEYS = re.findall(r'\.(?:texts?|path|word|switch|number)\("([-a-z]+)"', getsource(profile))


@pytest.mark.parametrize("key", sorted(set(PROFILE_KEYS)))
def test_every_key_of_a_board_profile_is_described(key: str) -> None:
    assert names_item("boards.d.5", key)


@pytest.mark.parametrize("shown", sorted({key.shown for key in KEYS if key.names}))
def test_every_key_of_the_menu_is_described(shown: str) -> None:
    page = words("bootmenu.1").partition("COMMANDS OF THE PLAIN LINES")[0]
    assert page.count(f"\n.TP\n.B {shown}\n") == 1


@pytest.mark.parametrize("command", sorted({key.command for key in KEYS if key.command}))
def test_every_command_of_the_plain_lines_is_described(command: str) -> None:
    page = words("bootmenu.1").partition("COMMANDS OF THE PLAIN LINES")[2]
    assert len(re.findall(rf"^\.TP\n\.B {re.escape(command)}(?: |$)", page, re.MULTILINE)) == 1
