"""Board profiles: their files, which board they are for, and what their rules do to a merge."""

from pathlib import Path

import pytest

from bootd.devicetree.merge import Merged, check_gate, merge, why_live_only
from bootd.devicetree.profile import combine, fits, parse
from bootd.devicetree.scene import Known
from bootd.errors import MergeRefusedError, SettingError
from bootd.model.board import Base, Profile, Quiesce
from bootd.model.tree import FactAction
from bootd.record import replace
from tests.support.trees import board, live_board, tree

MATCH = '[match]\ncompatible = ["acme,*"]\n'
FILES = sorted((Path(__file__).parents[3] / "etc/boards.d").glob("*.toml"))


def rule(action: str, name: str = "clock-frequency", path: str = "/soc/uart@*") -> str:
    line = f'property = "{name}"\n' if name else ""
    return f'[[rule]]\npath = "{path}"\n{line}action = "{action}"\nreason = "it is so"\n'


def merged(text: str, shipped: dict[str, object], live: dict[str, object]) -> Merged:
    profile = parse(MATCH + text, "acme.toml").profile
    base, running = tree(board(soc=SOC | shipped)), tree(live_board(soc=SOC | live))
    return merge(base, running, "", known=Known(profile=profile))


SOC: dict[str, object] = {"#address-cells": 1, "#size-cells": 1, "ranges": b""}


def uart(**more: object) -> dict[str, object]:
    return {"uart@9000": {"compatible": "acme,uart9", "reg": [0x9000, 0x100], **more}}


PATH = "/soc/uart@9000"


def test_live_takes_the_running_value() -> None:
    result = merged(rule("live"), uart(**{"clock-frequency": 1}), uart(**{"clock-frequency": 2}))
    assert result.fdt.get(PATH, "clock-frequency") == b"\0\0\0\2"
    (fact,) = [f for f in result.facts if f.path == PATH]
    assert fact.rule == "profile acme.toml:3"
    assert fact.reason == "it is so"


def test_live_if_missing_keeps_what_the_dtb_has() -> None:
    old = merged(
        rule("live-if-missing"), uart(**{"clock-frequency": 1}), uart(**{"clock-frequency": 2})
    )
    new = merged(rule("live-if-missing"), uart(), uart(**{"clock-frequency": 2}))
    assert old.fdt.get(PATH, "clock-frequency") == b"\0\0\0\1"
    assert new.fdt.get(PATH, "clock-frequency") == b"\0\0\0\2"


def test_drop_deletes() -> None:
    result = merged(rule("drop"), uart(**{"clock-frequency": 1}), uart())
    assert result.fdt.get(PATH, "clock-frequency") is None


def test_shipped_overrides_a_built_in_rule() -> None:
    address = {"local-mac-address": b"\2\0\0\0\0\1"}
    without = merged("", uart(), uart(**address))
    result = merged(rule("shipped", "local-mac-address"), uart(), uart(**address))
    assert without.fdt.get(PATH, "local-mac-address") == b"\2\0\0\0\0\1"
    assert result.fdt.get(PATH, "local-mac-address") is None
    assert [f.action for f in result.facts if f.path == PATH] == [FactAction.KEEP]


@pytest.mark.parametrize(("status", "disabled"), [("disabled", True), ("okay", False)])
def test_disable_follows_the_running_tree(status: str, disabled: bool) -> None:  # noqa: FBT001 - pytest gives it
    result = merged(rule("disable", ""), uart(), uart(status=status))
    assert (result.fdt.get(PATH, "status") == b"disabled\0") is disabled


def test_disable_leaves_a_node_alone_that_the_running_tree_lacks() -> None:
    assert merged(rule("disable", ""), uart(), {}).fdt.get(PATH, "status") is None


def test_the_first_rule_that_fits_wins() -> None:
    text = rule("shipped") + rule("live")
    result = merged(text, uart(**{"clock-frequency": 1}), uart(**{"clock-frequency": 2}))
    assert result.fdt.get(PATH, "clock-frequency") == b"\0\0\0\1"


def test_a_reference_is_written_with_the_dtbs_phandle() -> None:
    shipped = {"clk@1": {"compatible": "acme,clk", "reg": [1, 1], "phandle": 9, "#clock-cells": 1}}
    live = {"clk@1": {"compatible": "acme,clk", "reg": [1, 1], "phandle": 2, "#clock-cells": 1}}
    result = merged(rule("live", "clocks"), shipped | uart(), live | uart(clocks=[2, 5]))
    assert result.fdt.get(PATH, "clocks") == b"\0\0\0\x09\0\0\0\5"


def test_a_reference_without_counterpart_is_refused_and_told() -> None:
    live = {"clk@1": {"compatible": "acme,clk", "reg": [1, 1], "phandle": 2, "#clock-cells": 1}}
    result = merged(rule("live", "clocks"), uart(), live | uart(clocks=[2, 5]))
    assert result.fdt.get(PATH, "clocks") is None
    (fact,) = [f for f in result.facts if f.path == PATH]
    assert fact.action is FactAction.REFUSE
    assert "cannot be said in the DTB's terms" in fact.reason


def test_addresses_in_other_cells_are_not_copied() -> None:
    wide = {"#address-cells": 2}
    result = merged(rule("live", "dma-ranges"), uart(), wide | uart(**{"dma-ranges": [0, 0, 1]}))
    assert result.fdt.get(PATH, "dma-ranges") is None


def test_another_name_of_the_board_lets_a_dtb_pass() -> None:
    live, shipped = tree(live_board("vendor,board")), tree(board("mainline,board"))
    with pytest.raises(MergeRefusedError, match="another board"):
        check_gate(shipped, live)
    check_gate(shipped, live, Profile(also=("mainline,board",)))


def test_the_strictest_base_counts_and_earlier_values_win() -> None:
    first = parse(MATCH + "", "a.toml").profile
    live = parse('base = "live"\nreason = "m1"\n' + MATCH, "b.toml").profile
    refuse = parse('base = "refuse"\nreason = "xen"\ndevicetree = "/x"\n' + MATCH, "c.toml").profile
    joined = combine((first, refuse, live))
    assert joined.base is Base.REFUSE
    assert joined.reason == "xen"
    assert joined.names == ("a", "c", "b")
    assert why_live_only(tree(live_board()), joined) == "xen"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = [", r"acme.toml:1: "),
        ("", r"acme.toml:1: \[match\] names neither"),
        ("[match]\ncompatible = 3\n", r"acme.toml:2: compatible is no list of texts"),
        (MATCH + "wrong = 1\n", r"acme.toml:3: there is no key 'wrong'"),
        ('base = "live"\n' + MATCH, r'acme.toml:1: base = "live" needs a reason'),
        ('base = "maybe"\n' + MATCH, r"acme.toml:1: base is one of merge, live, refuse"),
        (MATCH + rule("live") + rule("melt"), r"acme.toml:11: action is one of live, shipped"),
        (MATCH + rule("live", ""), r"acme.toml:3: every action but disable"),
        (MATCH + rule("live", "a b"), r"acme.toml:5: 'a b' is no property name"),
        (MATCH + rule("live", path="soc"), r"acme.toml:4: path is no absolute path"),
        (MATCH + '[[rule]]\naction = "drop"\nproperty = "a"\n', r"acme.toml:3: a rule needs a"),
        (MATCH + rule("live") + "extra = 1\n", r"acme.toml:8: there is no key 'extra'"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        parse(text, "acme.toml")


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_every_shipped_profile_can_be_read(file: Path) -> None:
    profile = parse(file.read_text(), file.name).profile
    assert profile.names == (file.stem,)


def test_the_machines_without_shipped_trees_have_their_profiles() -> None:
    files = {file.stem: parse(file.read_text(), file.name) for file in FILES}
    machines = {
        "apple": live_board("apple,j274"),
        "powernv": live_board("ibm,powernv", **{"ibm,opal": {}}),
        "xen": live_board(hypervisor={"compatible": ["xen,xen-4.17", "xen,xen"]}),
        "acpi": {"#address-cells": 2, "#size-cells": 2, "chosen": {}},
    }
    for name, content in machines.items():
        live = tree(content)
        fitting = [stem for stem, file in files.items() if fits(file, live)]
        assert fitting == [name]
        assert files[name].profile.base is not Base.MERGE


def test_the_kinds_of_boards_that_were_audited_have_profiles() -> None:
    names = {file.stem for file in FILES}
    boards = {"raspberry-pi", "rockchip-u-boot", "amlogic", "imx8m", "allwinner", "ti-k3"}
    assert names >= boards | {"qemu-virt", "apple", "powernv", "xen", "acpi"}


def test_a_profile_says_what_is_quiet_before_the_jump() -> None:
    table = '[quiesce]\nunbind = ["pci/nvme"]\noffline-cpus = true\ndelay-ms = 250\n'
    profile = parse(f'[match]\ncompatible = ["a,b"]\n{table}', "x.toml").profile
    assert profile.quiesce == Quiesce(unbind=("pci/nvme",), offline_cpus=True, delay_ms=250)
    joined = combine((profile, replace(profile, quiesce=Quiesce(unbind=("usb/a",), delay_ms=9))))
    assert joined.quiesce == Quiesce(unbind=("pci/nvme", "usb/a"), offline_cpus=True, delay_ms=250)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('unbind = ["nvme"]', "is no bus/driver"),
        ('unbind = ["pci/../../x"]', "is no bus/driver"),
        ('unbind = ["pci/.."]', "is no bus/driver"),
        ("delay-ms = 5001", "is a whole number from 0 to 5000"),
        ("delay-ms = true", "is a whole number"),
        ("offline-cpus = 1", "is true or false"),
        ("delay = 1", "there is no key 'delay'"),
    ],
)
def test_a_mistake_in_what_is_quiet_has_its_line(line: str, reason: str) -> None:
    with pytest.raises(SettingError, match=rf"x.toml:4: .*{reason}"):
        parse(f'[match]\ncompatible = ["a,b"]\n[quiesce]\n{line}\n', "x.toml")
