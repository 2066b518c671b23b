import json
from functools import partial
from pathlib import Path
from zlib import crc32

import pytest

from bootd.ctl import treefiles
from bootd.ctl.main import main
from bootd.fdt import read
from bootd.linux import proc_devicetree
from tests.support.trees import blob, board, compile_dts, encode, live_board


def run(*words: str | Path) -> int:
    return main(["dt", *map(str, words)])


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "s.dtb").write_bytes(blob(board()))
    (tmp_path / "l.dtb").write_bytes(blob(live_board()))
    (tmp_path / "other.dtb").write_bytes(blob(board("acme,other")))
    source = '/dts-v1/; / { f { target-path = "/serial@1000"; __overlay__ { extra; }; }; };'
    (tmp_path / "o.dtbo").write_bytes(compile_dts(source))
    return tmp_path


def merge(files: Path, shipped: str, *more: str | Path) -> int:
    both = ("--shipped", files / shipped, "--live", files / "l.dtb")
    return run("merge", *both, "-o", files / "out", *more)


def test_merge_writes_the_merged_tree(files: Path) -> None:
    assert merge(files, "s.dtb", "--cmdline", "quiet", "--overlay", files / "o.dtbo") == 0
    fdt = read((files / "out").read_bytes())
    assert fdt.get("/memory@0", "reg") == encode([0, 0x40000000, 0, 0x20000000])
    assert fdt.get("/chosen", "bootargs") == b"quiet\0"
    assert fdt.get("/serial@1000", "extra") == b""


def test_merge_writes_the_initrd_range(files: Path) -> None:
    assert merge(files, "s.dtb", "--initrd", "0x48000000:0x49000000") == 0
    fdt = read((files / "out").read_bytes())
    assert fdt.get("/chosen", "linux,initrd-end") == (0x49000000).to_bytes(8, "big")


def test_merge_explains_as_json(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert merge(files, "s.dtb", "--explain=json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["refused"] is None
    assert told["facts"][0] == {
        "path": "/memory@0",
        "property": "reg",
        "source": "live",
        "rule": "memory",
        "action": "set",
        "reason": "the firmware measured this board's RAM; the DTB has a placeholder",
        "class": "A",
    }
    assert (told["profiles"], told["risks"]) == ([], [])


def test_merge_explains_in_sentences(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert merge(files, "s.dtb", "--explain") == 0
    assert "/memory@0 reg: set from the running tree (" in capsys.readouterr().out


PROFILE = """\
also = ["acme,other"]
[match]
compatible = ["acme,board"]
[[rule]]
path = "/serial@1000"
property = "clock-frequency"
action = "live"
reason = "the firmware sets the clock"
"""


@pytest.fixture
def installed(files: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a profile where the daemon finds it, and a board that it says something of."""
    (files / "usr/lib/bootd/boards.d").mkdir(parents=True)
    (files / "usr/lib/bootd/boards.d/acme.toml").write_text(PROFILE)
    monkeypatch.setattr(treefiles, "ROOT", str(files))
    uart = {"compatible": "acme,uart", "reg": [0, 0x1000, 0, 0x100], "clock-frequency": 48}
    (files / "l.dtb").write_bytes(blob(live_board(**{"serial@1000": uart})))
    return files


def test_merge_uses_the_installed_profile_of_the_board_and_says_so(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert merge(installed, "s.dtb", "--explain=json") == 0
    told = capsys.readouterr()
    assert told.err == "board profile: acme\n"
    assert json.loads(told.out)["profiles"] == ["acme"]
    fdt = read((installed / "out").read_bytes())
    assert fdt.get("/serial@1000", "clock-frequency") == encode(48)


def test_no_profile_leaves_the_built_in_rules(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert merge(installed, "s.dtb", "--no-profile") == 0
    assert capsys.readouterr().err == ""
    fdt = read((installed / "out").read_bytes())
    assert fdt.get("/serial@1000", "clock-frequency") is None


def test_a_profile_that_is_named_replaces_the_installed_ones(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (installed / "mine.toml").write_text('[match]\ncompatible = ["acme,*"]\n')
    assert merge(installed, "s.dtb", "--profile", installed / "mine.toml") == 0
    assert capsys.readouterr().err == "board profile: mine\n"


def test_select_knows_the_names_that_the_profile_has_for_the_board(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (installed / "dtbs").mkdir()
    (installed / "dtbs/y.dtb").write_bytes(blob(board("acme,other")))
    assert run("select", "--live", installed / "l.dtb", installed / "dtbs") == 0
    assert capsys.readouterr().out == f"{installed}/dtbs/y.dtb\n"


def test_select_for_this_machine_asks_its_firmware(
    installed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # The machine that runs the tests may have no tree of its own.
    monkeypatch.setattr(proc_devicetree, "flatten", (installed / "l.dtb").read_bytes)
    (installed / "dtbs").mkdir()
    for name in ("x.dtb", "y.dtb"):
        (installed / "dtbs" / name).write_bytes(blob(board()))
    (installed / "etc").mkdir()
    (installed / "etc/fw_env.config").write_text("/flash 0 0x100\n")
    body = b"fdtfile=y.dtb\0\0".ljust(0xFC, b"\0")
    (installed / "flash").write_bytes(crc32(body).to_bytes(4, "little") + body)
    assert run("select", installed / "dtbs") == 0
    assert capsys.readouterr().out == f"{installed}/dtbs/y.dtb\n"


def test_the_original_of_a_profile_that_is_not_there_is_told(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f'original = "/fw.dtb"\n{PROFILE}'
    (installed / "usr/lib/bootd/boards.d/acme.toml").write_text(text)
    assert merge(installed, "s.dtb") == 0
    assert "fw.dtb of the board profile cannot be read" in capsys.readouterr().err


def test_explain_sorts_the_facts_by_who_decides(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uart = {"compatible": "acme,uart", "reg": [0, 0x1000, 0, 0x100]}
    ramoops = {"ramoops@9000": {"compatible": "ramoops"}, "serial@1000": uart}
    (files / "s.dtb").write_bytes(blob(board(**ramoops)))
    assert run("explain", "--shipped", files / "s.dtb", "--live", files / "l.dtb") == 0
    told = capsys.readouterr()
    headings = [line[:8] for line in told.out.splitlines() if line.startswith("Class")]
    assert headings == ["Class A:", "Class B:", "Class D:"]
    assert told.out.splitlines()[-1].startswith("/ramoops@9000 (ramoops) shows memory")
    assert "dangerous: /ramoops@9000" in told.err


def test_a_dtb_with_another_interrupt_controller_is_refused_with_3(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def gic(kind: str) -> dict[str, object]:
        node = {"compatible": kind, "interrupt-controller": b"", "reg": [0, 0x8000, 0, 0x1000]}
        return {"interrupt-controller@8000": node}

    (files / "s.dtb").write_bytes(blob(board(**gic("arm,cortex-a15-gic"))))
    (files / "l.dtb").write_bytes(blob(live_board(**gic("arm,gic-v3"))))
    assert merge(files, "s.dtb") == 3
    told = capsys.readouterr()
    assert told.err.count("\n") == 1
    assert "has the interrupt controller GICv2, this board has GICv3" in told.err
    assert not (files / "out").exists()


def test_a_screen_that_is_named_keeps_its_framebuffer(files: Path) -> None:
    picture = {"compatible": "simple-framebuffer", "reg": [0, 0x5F000000, 0, 0x1000]}
    cells = {"#address-cells": 2, "#size-cells": 2, "ranges": b""}
    chosen = {"stdout-path": "/serial@1000", **cells, "framebuffer@5f000000": picture}
    (files / "l.dtb").write_bytes(blob(live_board(chosen=chosen)))
    path = "/chosen/framebuffer@5f000000"
    for words, there in (((), False), (("--screen", path), True)):
        assert merge(files, "s.dtb", *words) == 0
        assert (read((files / "out").read_bytes()).find(path) is not None) is there


def test_a_refused_merge_writes_nothing_and_exits_with_3(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert merge(files, "other.dtb", "--explain=json") == 3
    told = capsys.readouterr()
    assert told.err.count("\n") == 1
    assert "another board" in json.loads(told.out)["refused"]
    assert not (files / "out").exists()


def test_a_corrupt_shipped_tree_is_refused(files: Path) -> None:
    (files / "bad.dtb").write_bytes(b"x" * 100)
    assert merge(files, "bad.dtb") == 3


def test_a_file_that_is_not_there_is_a_failure(files: Path) -> None:
    assert merge(files, "none.dtb") == 1


@pytest.mark.parametrize("words", [["merge"], ["merge", "--initrd", "2:1"], ["nonsense"], []])
def test_wrong_usage_exits_with_2(words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(*words)
    assert caught.value.code == 2


def test_explain_tells_without_writing(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("explain", "--shipped", files / "s.dtb", "--live", files / "l.dtb") == 0
    assert "/memory@0 reg: set" in capsys.readouterr().out


def test_select_prints_the_dtb_of_this_board(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (files / "dtbs").mkdir()
    (files / "dtbs/x.dtb").write_bytes(blob(board()))
    (files / "dtbs/y.dtb").write_bytes(blob(board("acme,other")))
    assert run("select", "--live", files / "l.dtb", files / "dtbs") == 0
    assert capsys.readouterr().out == f"{files}/dtbs/x.dtb\n"


def test_select_prints_candidates_when_none_fits(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (files / "dtbs").mkdir()
    (files / "dtbs/y.dtb").write_bytes(blob(board("acme,other")))
    assert run("select", "--live", files / "l.dtb", files / "dtbs") == 3
    told = capsys.readouterr()
    assert told.out == f"{files}/dtbs/y.dtb\n"
    assert "fits acme,board" in told.err


def test_overlay_writes_the_changed_tree(files: Path) -> None:
    assert run("overlay", files / "s.dtb", files / "o.dtbo", "-o", files / "out") == 0
    assert read((files / "out").read_bytes()).get("/serial@1000", "extra") == b""


def test_check_says_whether_a_file_is_valid(files: Path) -> None:
    (files / "bad").write_bytes(b"")
    assert run("check", files / "s.dtb") == 0
    assert run("check", files / "bad") == 1


def test_diff_lists_what_is_different(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("diff", files / "s.dtb", files / "l.dtb") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "- /memory@0" in lines
    assert '+ /memory@40000000 device_type: "memory"' in lines


def test_live_writes_the_running_tree(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The real reader on a folder of ours: the machine that runs the tests may have no tree.
    (files / "base").mkdir()
    (files / "base/compatible").write_bytes(b"acme,board\0")
    real = partial(proc_devicetree.live, str(files / "base"), str(files / "none"))
    monkeypatch.setattr(proc_devicetree, "live", real)
    assert run("live", "-o", files / "out") == 0
    assert read((files / "out").read_bytes()).root.properties == {"compatible": b"acme,board\0"}


def test_live_fails_on_a_machine_without_device_tree(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(proc_devicetree, "live", lambda: None)
    assert run("live") == 1
    assert capsys.readouterr().err == "bootdctl: this machine has no device tree\n"


PARAMETERS = """\
/dts-v1/; / { f { target-path = "/serial@1000"; __overlay__ { e: led@1 { reg = <1>; }; }; };
    __overrides__ { name = <&e>,"label"; }; };
"""


def test_an_overlay_takes_its_parameters(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = PARAMETERS.replace("/dts-v1/;", "/dts-v1/; /plugin/;").replace(" name =", " text =")
    (files / "p.dtbo").write_bytes(compile_dts(source))
    overlay = f"{files / 'p.dtbo'},text=hello,odd=1"
    assert run("overlay", files / "s.dtb", overlay, "-o", files / "out") == 0
    fdt = read((files / "out").read_bytes())
    assert fdt.get("/serial@1000/led@1", "label") == b"hello\0"
    assert "no parameter 'odd'" in capsys.readouterr().err


def test_a_profile_and_the_firmwares_dtb_are_used(files: Path) -> None:
    (files / "p.toml").write_text(
        '[match]\ncompatible = ["acme,*"]\n[[rule]]\npath = "/"\nproperty = "model"\n'
        'action = "live"\nreason = "its revision"\n'
    )
    (files / "l.dtb").write_bytes(blob(live_board(model="Rev 2")))
    words = ("--profile", files / "p.toml", "--original", files / "s.dtb")
    assert merge(files, "s.dtb", *words) == 0
    assert read((files / "out").read_bytes()).get("/", "model") == b"Rev 2\0"


def test_a_mistake_in_a_profile_is_told_and_nothing_is_written(files: Path) -> None:
    (files / "p.toml").write_text("oops")
    assert merge(files, "s.dtb", "--profile", files / "p.toml") == 1
    assert not (files / "out").exists()
