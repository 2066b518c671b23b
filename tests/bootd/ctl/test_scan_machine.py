"""`bootdctl scan --json` for machines of several devices: its keys, and files on other devices."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bootd.ctl.main import main

Machine = Callable[..., Any]
"""Takes files by device (`sda1,uuid=A`) and returns the JSON."""


@pytest.fixture
def machine(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Machine:
    def scan(devices: Mapping[str, Mapping[str, str]], *words: str) -> Any:  # noqa: ANN401 - JSON
        argv = ["scan", "--json", "--architecture", "aarch64", *words]
        for described, files in devices.items():
            name, comma, properties = described.partition(",")
            root = tmp_path / name
            root.mkdir()
            for path, text in files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            argv += ["--device", f"{name}={root}{comma}{properties}"]
        assert main(argv) == 0
        return json.loads(capsys.readouterr().out)

    return scan


STUB = (
    "search.fs_uuid R root hd0,gpt2\nset prefix=($root)'/boot/grub'\nconfigfile $prefix/grub.cfg\n"
)
MENU = "set timeout=5\nmenuentry Debian {\nlinux /vmlinuz root=UUID=R ro\ninitrd /initrd.img\n}\n"


def test_a_stub_is_noted_and_the_menu_listed_once(machine: Machine) -> None:
    esp = {"EFI/debian/grub.cfg": STUB}
    root = {"boot/grub/grub.cfg": MENU, "vmlinuz": "", "initrd.img": ""}
    answer = machine({"sda1,uuid=E,fstype=vfat": esp, "sda2,uuid=R": root})
    (option,) = answer["options"]
    assert (option["device"], option["title"], option["missing"]) == ("sda2", "Debian", [])
    first, second = answer["devices"]
    assert first["leads"] == [{"device": "UUID=R", "path": "/boot/grub/grub.cfg"}]
    assert (first["problems"], second["leads"], second["timeout"]) == ([], [], 5)


@pytest.mark.parametrize("first", ["sda1,uuid=A", "sdb1,uuid=B"])
def test_a_script_tests_files_of_other_devices(machine: Machine, first: str) -> None:
    script = "v=\n" + "".join(
        f'if [ -f "{path}" ]; then v=${{v}}{letter}; fi\n'
        for letter, path in {
            "a": "/own",
            "b": "/other",
            "c": "(aaaa-01)/own",
            "d": "(bbbb-02)/other",
            "e": "(bbbb-02)/own",
            "f": "(cccc-03)/other",
        }.items()
    )
    script += "menuentry $v { linux /k\n}\n"
    own = {"grub/grub.cfg": script, "own": "x", "k": ""}
    devices = {"sda1,uuid=aaaa-01": own, "sdb1,uuid=bbbb-02": {"other": "x"}}
    if first.startswith("sdb1"):
        devices = dict(reversed(devices.items()))
    (option,) = machine(devices)["options"]
    assert option["title"] == "acd"


def test_a_script_sources_a_file_of_the_device_with_a_label(machine: Machine) -> None:
    script = (
        "search --set=bootpart --label boot\nif [ -f ($bootpart)/flag ]; then\n"
        "  net='ip=dhcp'\n  source ($bootpart)/flag\n  first=\"firstboot $net $extra\"\nfi\n"
        "menuentry CoreOS { linux /k rw $first end\n}\n"
    )
    devices = {
        "sda3": {"grub/grub.cfg": script, "k": ""},
        "sda2,label=boot": {"flag": "extra=meep"},
    }
    (option,) = machine(devices)["options"]
    assert option["cmdline"] == "rw firstboot ip=dhcp meep end"


def test_a_menu_at_a_place_of_its_own_on_another_device_is_listed_there(machine: Machine) -> None:
    script = "search --file --set=root /menus/a.cfg\nconfigfile /menus/a.cfg\n"
    other = {"menus/a.cfg": "menuentry A { linux /k\n}\n", "k": ""}
    (option,) = machine({"sda1": {"grub/grub.cfg": script}, "sdb1,uuid=B": other})["options"]
    assert option["device"] == "sda1"
    assert option["source"] == "UUID=B:/menus/a.cfg"
    assert option["linux"] == {"device": "sdb1", "path": "/k"}
    assert option["missing"] == []


def test_a_key_of_json_is_as_promised_for_every_format(machine: Machine) -> None:
    devices = {
        "sda1,uuid=A": {"boot/grub/grub.cfg": MENU, "vmlinuz": "", "initrd.img": ""},
        "sda2,uuid=B": {
            "extlinux/extlinux.conf": "label a\nmenu label A\nlinux /k\ninitrd /i\nfdt /d.dtb\n"
            "fdtoverlays /o.dtbo\nappend x\n",
        },
        "sda3,uuid=C": {"loader/entries/a.conf": "title A\nversion 6.1\nlinux /k\noptions x\n"},
        "sda5,uuid=D": {"etc/kboot.conf": "default=l\nl='/k initrd=/i x'\n"},
        "sda6,uuid=E": {"boot/petitboot.conf": "default a\nname a\nimage UUID=B:/k\nargs x\n"},
    }
    keys = {
        *("id", "device", "format", "source", "title", "version", "linux", "initrd", "cmdline"),
        *(
            "devicetree",
            "devicetreeOverlay",
            "submenu",
            "isDefault",
            "bootable",
            "missing",
            "notes",
        ),
    }
    answer = machine(devices)
    options = {option["format"]: option for option in answer["options"]}
    assert set(options) == {"grub", "extlinux", "bls", "kboot", "petitboot"}
    for option in options.values():
        assert keys <= option.keys()
        assert isinstance(option["linux"]["path"], str)
    assert {"name", "uuid", "label", "fstype", "problems"} <= answer["devices"][0].keys()
    assert [each["name"] for each in answer["devices"]] == ["sda1", "sda2", "sda3", "sda5", "sda6"]
    board = options["extlinux"]
    assert board["devicetree"] == {"device": "sda2", "path": "/d.dtb"}
    assert board["devicetreeOverlay"] == [{"device": "sda2", "path": "/o.dtbo"}]
    assert [each["what"] for each in board["missing"]] == [
        *("linux", "initrd", "devicetree", "devicetreeOverlay")
    ]
    assert board["missing"][0] == {"what": "linux", "device": "sda2", "path": "/k"}
    assert (board["bootable"], board["isDefault"]) == (False, True)
    assert options["bls"]["version"] == "6.1"
    assert options["kboot"]["initrd"] == [{"device": "sda5", "path": "/i"}]
    assert options["petitboot"]["linux"] == {"device": "sda2", "path": "/k"}


@pytest.mark.parametrize("present", [False, True])
def test_what_waits_for_a_device_says_so_until_it_is_there(
    machine: Machine, *, present: bool
) -> None:
    entry = {"boot/petitboot.conf": "name a\nimage uuid=B:/k\ninitrd label=L:/i\n"}
    devices = {"sda1,uuid=A": entry}
    if present:
        devices |= {"sdb1,uuid=B": {"k": ""}, "sdc1,label=L": {"i": ""}}
    (option,) = machine(devices)["options"]
    if present:
        assert option["linux"] == {"device": "sdb1", "path": "/k"}
        assert option["initrd"] == [{"device": "sdc1", "path": "/i"}]
        assert (option["missing"], option["bootable"]) == ([], True)
    else:
        assert option["missing"] == [
            {"what": "linux", "device": "UUID=B", "path": "/k"},
            {"what": "initrd", "device": "LABEL=L", "path": "/i"},
        ]
        assert option["bootable"] is False


RHEL = (
    "load_env -f ${config_directory}/grubenv\nset default=${saved_entry}\nset tuned_params=quiet\n"
    "search --no-floppy --fs-uuid --set=root --hint='hd0,gpt2' BOOT-02\n"
    "search --no-floppy --fs-uuid --set=boot ESP-01\nset timeout=5\nblscfg\n"
    "menuentry 'System setup' { fwsetup\n}\n"
)


@pytest.mark.parametrize("first", ["sda1", "sda2"])
def test_entries_get_the_variables_of_a_configuration_on_the_system_partition(
    machine: Machine, first: str
) -> None:
    esp = {
        "EFI/redhat/grub.cfg": RHEL,
        "EFI/redhat/grubenv": "# GRUB Environment Block\nsaved_entry=id-4.18.0-1\n"
        "kernelopts=root=/dev/mapper/rhel-root ro\n####",
    }
    boot = {f"v{n}": "" for n in (1, 2)} | {f"i{n}": "" for n in (1, 2)}
    for number in (1, 2):
        boot[f"loader/entries/id-4.18.0-{number}.conf"] = (
            f"title RHEL 8.{number}\nversion 4.18.0-{number}\nlinux /v{number}\n"
            f"initrd /i{number} $tuned_initrd\noptions $kernelopts $tuned_params\n"
        )
    devices = {"sda1,uuid=ESP-01,fstype=vfat": esp, "sda2,uuid=BOOT-02": boot}
    if first == "sda2":
        devices = dict(reversed(devices.items()))
    answer = machine(devices)
    options = answer["options"]
    assert [each["title"] for each in options] == ["RHEL 8.2", "RHEL 8.1", "System setup"]
    assert {each["cmdline"] for each in options[:2]} == {"root=/dev/mapper/rhel-root ro quiet"}
    assert [each["isDefault"] for each in options] == [False, True, False]
    assert options[1]["linux"] == {"device": "sda2", "path": "/v1"}
    assert options[1]["initrd"] == [{"device": "sda2", "path": "/i1"}]
    assert options[1]["missing"] == []
    assert options[1]["source"] == "UUID=BOOT-02:/loader/entries/id-4.18.0-1.conf"
    assert answer["default"] == options[1]["id"]


def test_without_the_system_partition_the_entries_are_listed_as_they_are(machine: Machine) -> None:
    entry = "title RHEL\nlinux /v\noptions $kernelopts\n"
    (option,) = machine({"sda2,uuid=BOOT-02": {"loader/entries/a.conf": entry, "v": ""}})["options"]
    assert (option["title"], option["cmdline"]) == ("RHEL", "$kernelopts")
    assert "variable of GRUB" in option["notes"][0]
