"""Hostile text, once for every text format: answered within a worker's budget, visibly.

What is special to one format (budgets of its interpreter, damaged binaries) is in its own tests.
"""

import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import process_time

import pytest

from bootd.fetch import Lease
from bootd.formats import FORMATS, ipxe, pxe, scan
from bootd.fsview import read_text
from bootd.model.option import BootOption, ScanResult
from tests.support.memoryfs import MemoryFs
from tests.support.server import Server

CPU_S = 2.0
MEMORY_MB = 60
"""Of the 96 MB that a worker may have; the rest is the interpreter and the parsers."""

Files = Mapping[str, str | bytes]


@dataclass(frozen=True)
class Dialect:
    """A text format, and how its users write.

    Attributes:
        entry: One entry; `T` is its title, `C` its command line, `N` a number.
        twice: Line that includes the file called `F` once, or "".
        doubling: Lines that make a variable twice as long, many times, or "".
        loops: Loops in loops, or "".
        has_title: An entry's title can be chosen.
        single: A file holds one entry: `entry` is the whole of it.
    """

    path: str
    entry: str
    include: str = ""
    doubling: str = ""
    loops: str = ""
    has_title: bool = True
    single: bool = False
    beside: tuple[str, ...] = ()

    def text(self, title: str = "T", cmdline: str = "c=d", number: int = 0) -> str:
        """Return one entry."""
        named = self.entry.replace("T", title).replace("C", cmdline)
        return named.replace("N", str(number))

    def scan(self, text: str | bytes, more: Files | None = None) -> ScanResult:
        """Scan a file system, or boot server, that has this text and what belongs to it."""
        beside = dict.fromkeys(self.beside, "x")
        return scan(MemoryFs({self.path: text, **beside, **(more or {})}))


class Served(Dialect):
    """A format of boot servers."""

    def scan(self, text: str | bytes, more: Files | None = None) -> ScanResult:
        server = Server({self.path: text, **(more or {})})
        lease = Lease(server="tftp://10.0.0.1/", bootfile="boot.ipxe")
        return pxe.scan(server, lease) + ipxe.scan(server, lease)


LABEL = "label T\n\tlinux /kN\n\tappend C\n"

DIALECTS = {
    "bls": Dialect("/loader/entries/a.conf", "title T\nlinux /kN\noptions C\n", single=True),
    "extlinux": Dialect("/extlinux/extlinux.conf", LABEL, include="include F\n"),
    "grub": Dialect(
        "/boot/grub/grub.cfg",
        "menuentry 'T' {\n\tlinux /kN C\n}\n",
        include="source F\n",
        doubling="a=xxxxxxxx\n" + "a=$a$a\n" * 60,
        loops="for a in {n}; do for b in {n}; do for c in {n}; do true; done; done; done\n".replace(
            "{n}", "x " * 500
        ),
    ),
    "uboot_script": Dialect(
        "/boot.cmd",
        "setenv bootargs C\nload mmc 0:1 ${kernel_addr_r} /k\nbooti ${kernel_addr_r}\n",
        include="load mmc 0:1 4000 F && source 4000\n",
        doubling="setenv a xxxxxxxx\n" + "setenv a ${a}${a}\n" * 60,
        loops="for a in {n}; do for b in {n}; do for c in {n}; do true; done; done; done\n".replace(
            "{n}", "x " * 500
        ),
        has_title=False,
        single=True,
        beside=("/k",),
    ),
    "raspberrypi": Dialect(
        "/config.txt",
        "kernel=k\ncmdline=cmdline.txt\n",
        include="include F\n",
        has_title=False,
        single=True,
        beside=("/k", "/start4.elf"),
    ),
    "petitboot": Dialect("/petitboot.conf", "name T\nimage /kN\nargs C\n"),
    "kboot": Dialect("/kboot.conf", "T='/kN C'\n"),
    "yaboot": Dialect("/yaboot.conf", 'image=/kN\n\tlabel=T\n\tappend="C"\n'),
    "pxe": Served("/pxelinux.cfg/default", LABEL, include="include F\n"),
    "ipxe": Served(
        "/boot.ipxe",
        "#!ipxe\nmenu\nitem T T\nchoose s\nkernel /kN C\nboot\n",
        include="chain F\n",
        doubling="#!ipxe\nset a xxxxxxxx\n" + "set a ${a}${a}\n" * 60,
        loops="#!ipxe\n:x\ngoto x\n",
        single=True,
    ),
}

with_every_format = pytest.mark.parametrize("name", DIALECTS)
with_includes = pytest.mark.parametrize("name", [n for n, d in DIALECTS.items() if d.include])


def within_budget(work: Callable[[], ScanResult]) -> ScanResult:
    """Run first for time, then for memory, because measuring memory takes time."""
    work()  # imports
    since = process_time()
    result = work()
    assert process_time() - since < CPU_S
    tracemalloc.start()
    try:
        work()
        assert tracemalloc.get_traced_memory()[1] < MEMORY_MB << 20
    finally:
        tracemalloc.stop()
    return result


def says_so(result: ScanResult) -> bool:
    """Whether a person is told that something was left out."""
    options = result.options
    return bool(result.problems) or any(each.notes or each.reasons for each in options)


def only(result: ScanResult) -> BootOption:
    (option,) = result.options
    return option


def test_every_text_format_is_here() -> None:
    binary = {"uki", "fit", "android", "iso", "bare"}
    assert {each.name for each in FORMATS} - binary <= DIALECTS.keys()


@with_every_format
def test_the_plain_text_is_an_entry(name: str) -> None:
    result = DIALECTS[name].scan(DIALECTS[name].text())
    assert (only(result).format, result.problems) == (name, ())


@with_every_format
@pytest.mark.parametrize("how", ["bom", "crlf", "utf-16-le", "utf-16-be"])
def test_the_encodings_of_windows_make_no_difference(name: str, how: str) -> None:
    dialect = DIALECTS[name]
    text = dialect.text()
    marks = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}
    data = {
        "bom": lambda: b"\xef\xbb\xbf" + text.encode(),
        "crlf": lambda: text.replace("\n", "\r\n").encode(),
    }.get(how, lambda: marks[how] + text.encode(how))()
    assert dialect.scan(data) == dialect.scan(text)


@with_every_format
def test_a_nul_reaches_no_path_and_no_command_line(name: str) -> None:
    dialect = DIALECTS[name]
    for result in (
        dialect.scan(dialect.text("a\0b", "c\0d")),
        dialect.scan(dialect.text().replace("/k", "/k\0")),
        dialect.scan("\0" * 1000 + dialect.text()),
    ):
        assert "\\x00" not in repr(result)
        # What does not begin as a script of iPXE is none.
        assert result.options or result.problems or name == "ipxe"


@with_every_format
@pytest.mark.parametrize("what", ["title", "cmdline"])
def test_a_line_of_a_megabyte_is_told(name: str, what: str) -> None:
    dialect = DIALECTS[name]
    long = "x" * ((1 << 20) - 2000)
    text = dialect.text(title=long) if what == "title" else dialect.text(cmdline=long)
    if long not in text:
        text = dialect.text() + long  # its command line or title is in another file
    result = within_budget(lambda: dialect.scan(text))
    assert all(len(each.title) <= 120 and len(each.cmdline) <= 4096 for each in result.options)
    assert says_so(result) or what == "title" or "x" * 100 not in repr(result)


@with_every_format
def test_a_hundred_thousand_entries_are_cut_and_told(name: str) -> None:
    dialect = DIALECTS[name]
    if name == "bls":
        entry = dialect.text()
        fs = MemoryFs({f"/loader/entries/{i}.conf": entry for i in range(20_000)})
        result = within_budget(lambda: scan(fs))
    else:
        lines = [dialect.text(f"e{i}", number=i) for i in range(100_000)]
        text = "".join(lines)[: (1 << 20) - 1]
        result = within_budget(lambda: dialect.scan(text))
    assert len(result.options) <= 1024
    assert says_so(result) or dialect.single


@with_every_format
def test_more_than_a_megabyte_is_told(name: str) -> None:
    dialect = DIALECTS[name]
    text = dialect.text() + "\n" + "# x\n" * 300_000
    result = within_budget(lambda: dialect.scan(text))
    assert result.problems or name == "ipxe"  # as a boot file it is then no script


@with_every_format
def test_escape_sequences_are_made_visible(name: str) -> None:
    dialect = DIALECTS[name]
    title = "a\x1b[2Jb\u202ec\u200bd\x07e\x9bf"
    result = dialect.scan(dialect.text(title))
    seen = [text for o in result.options for text in (o.title, o.entry, *o.submenu, *o.notes)]
    seen += [text for p in result.problems for text in (p.message, p.source)]
    assert not any(mark in text for text in seen for mark in "\x1b\x07\x9b\u202e\u200b")
    if dialect.has_title:
        assert only(result).title.startswith(r"a\x1b[2Jb")


@with_includes
def test_a_file_that_includes_itself_ends_and_is_told(name: str) -> None:
    dialect = DIALECTS[name]
    text = dialect.text().replace("#!ipxe\n", f"#!ipxe\n{dialect.include}", 1)
    if "#!ipxe" not in text:
        text = dialect.include * 3 + text
    result = within_budget(lambda: dialect.scan(text.replace("F", dialect.path)))
    assert says_so(result)


@with_includes
def test_a_fan_of_includes_ends_and_is_told(name: str) -> None:
    dialect = DIALECTS[name]
    head = "#!ipxe\n" if name == "ipxe" else ""
    files = {
        f"/f{depth}": head + dialect.include.replace("F", f"/f{depth + 1}") * 8
        for depth in range(12)
    }
    files["/f12"] = dialect.text()
    result = within_budget(lambda: dialect.scan(files["/f0"], files))
    assert says_so(result)


@pytest.mark.parametrize("name", [n for n, d in DIALECTS.items() if d.doubling])
def test_a_variable_that_doubles_ends_and_is_told(name: str) -> None:
    dialect = DIALECTS[name]
    result = within_budget(lambda: dialect.scan(dialect.doubling + dialect.text()))
    assert any("too complex" in each.message for each in result.problems)


@pytest.mark.parametrize("name", [n for n, d in DIALECTS.items() if d.loops])
def test_loops_in_loops_end_and_are_told(name: str) -> None:
    dialect = DIALECTS[name]
    result = within_budget(lambda: dialect.scan(dialect.loops + dialect.text()))
    assert any("too complex" in each.message for each in result.problems)


def test_utf_16_of_odd_length_is_answered() -> None:
    text = read_text(MemoryFs({"/a": b"\xff\xfea\0b"}), "/a")
    assert text.startswith("a")


@pytest.mark.parametrize("key", ["initrd ", "append initrd="])
def test_more_files_than_any_board_loads_cost_only_their_entry(key: str) -> None:
    many = ",".join(f"/f{number}" for number in range(65))
    text = f"label a\n linux /k\n {key}{many}\nlabel b\n linux /k\n"
    result = scan(MemoryFs({"/extlinux/extlinux.conf": text.encode()}))
    assert [option.title for option in result.options] == ["b"]
    (problem,) = result.problems
    assert "65" in problem.message
    assert "64" in problem.message
