"""The manual pages name everything there is, so that they cannot fall behind."""

import argparse
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootd.config import SETTINGS
from bootd.ctl.main import build_parser
from bootmenu.keys import KEYS

ROOT = Path(__file__).parent.parent
MANUAL = ROOT / "docs" / "man"
PAGES = sorted(MANUAL.glob("*.[1-8]"))
INTERFACE = (ROOT / "bootd/protocol/org.bootd.Boot.varlink").read_text()


def words(page: str) -> str:
    """The text of a page without roff's escapes and requests."""
    text = (MANUAL / page).read_text().replace("\\-", "-")
    return re.sub(r"\\f.|\\\(..", "", text)


def options(parser: argparse.ArgumentParser, verb: str = "") -> Iterator[tuple[str, str]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield f"{verb} {name}".strip(), name
                yield from options(below, f"{verb} {name}".strip())
        for option in action.option_strings:
            if option.startswith("--"):
                yield verb, option


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_formats_without_a_warning(page: Path) -> None:
    command = ["groff", "-Tutf8", "-man", "-ww", "-z", str(page)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
    assert done.stderr == ""


@pytest.mark.parametrize(("verb", "word"), sorted(set(options(build_parser()))))
def test_every_verb_and_option_of_bootdctl_is_described(verb: str, word: str) -> None:
    assert word in words("bootdctl.1"), f"{verb}: {word}"


@pytest.mark.parametrize("key", [setting.key for setting in SETTINGS])
def test_every_setting_is_described(key: str) -> None:
    assert f"{key}=" in words("bootd.conf.5")


@pytest.mark.parametrize("name", re.findall(r"^(?:method|error) (\w+)", INTERFACE, re.MULTILINE))
def test_every_method_and_error_is_described(name: str) -> None:
    assert re.search(rf"^\.B {name}$", words("org.bootd.Boot.7"), re.MULTILINE)


@pytest.mark.parametrize("shown", sorted({key.shown for key in KEYS if key.names}))
def test_every_key_of_the_menu_is_described(shown: str) -> None:
    assert f"\n.B {shown}\n" in words("bootmenu.1")


@pytest.mark.parametrize("command", sorted({key.command for key in KEYS if key.command}))
def test_every_command_of_the_plain_lines_is_described(command: str) -> None:
    page = words("bootmenu.1").partition("COMMANDS OF THE PLAIN LINES")[2]
    assert re.search(rf"^\.B {re.escape(command)}( |$)", page, re.MULTILINE)
