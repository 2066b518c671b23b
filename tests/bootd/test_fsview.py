"""Configuration files as text, and the bytes of a command line all the way to the next kernel."""

import json

import pytest

from bootd.devicetree.prepare import prepare
from bootd.fdt import read
from bootd.formats import scan
from bootd.fsview import normalise, read_text
from bootd.model.option import ScanResult
from bootd.model.tree import TreeRequest
from bootd.protocol.codec import from_json, to_json
from tests.support.memoryfs import MemoryFs
from tests.support.trees import blob, board, live_board


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"a\r\nb\n", "a\nb\n"),
        (b"\xef\xbb\xbfa", "a"),
        ("\ufeffa\n".encode("utf-16-le"), "a\n"),
        ("\u00e9".encode(), "\u00e9"),
        (b"\xe9", "\udce9"),
    ],
)
def test_a_file_is_text(data: bytes, text: str) -> None:
    assert read_text(MemoryFs({"/f": data}), "/f") == text


@pytest.mark.parametrize(
    ("path", "base", "result"),
    [("a", "/b", "/b/a"), ("/a//./b", "/", "/a/b"), ("../../../a", "/b/c", "/a")],
)
def test_a_path_is_absolute(path: str, base: str, result: str) -> None:
    assert normalise(path, base) == result


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/extlinux/extlinux.conf", b"label a\nmenu label \xe9\nlinux /k\xe9\nappend x=\xe9\xff\n"),
        ("/loader/entries/a.conf", b"title \xe9\nlinux /k\xe9\noptions x=\xe9\xff\n"),
        ("/grub/grub.cfg", b"menuentry '\xe9' {\nlinux /k\xe9 x=\xe9\xff\n}\n"),
    ],
)
def test_bytes_that_are_no_utf8_reach_the_next_kernel_unchanged(path: str, text: bytes) -> None:
    fs = MemoryFs({path: text, "/k\udce9": "kernel"})
    # As a worker sends it to the daemon.
    travelled = json.loads(json.dumps(to_json(scan(fs))))
    (option,) = from_json(ScanResult, travelled).options
    assert (option.title, option.absent) == ("\\udce9", ())
    live = blob(live_board())
    prepared = prepare(None, TreeRequest(cmdline=option.cmdline), live)
    assert read(prepared.blob or b"").get("/chosen", "bootargs") == b"x=\xe9\xff\0"
    shipped = MemoryFs({"/a.dtb": blob(board())})
    prepared = prepare(shipped, TreeRequest(devicetree="/a.dtb", cmdline=option.cmdline), live)
    assert read(prepared.blob or b"").get("/chosen", "bootargs") == b"x=\xe9\xff\0"
