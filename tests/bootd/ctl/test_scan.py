"""`bootdctl scan`, as a person or program calls it."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bootd.ctl.main import main
from tests.support import golden
from tests.support.iso import make as make_iso

EXTLINUX = (
    "timeout 30\nlabel linux\nmenu label Board\nlinux /vmlinuz\nappend root=UUID={uuid} quiet\n"
)

UUID = "5c3d1c2e-6f0b-4f3e-9a68-8e0f2a7b1c11"


def tree(root: Path, text: str = EXTLINUX.format(uuid=UUID)) -> Path:
    (root / "extlinux").mkdir(parents=True)
    (root / "extlinux/extlinux.conf").write_text(text)
    (root / "vmlinuz").write_text("kernel")
    return root


def ext4(image: Path, root: Path) -> Path:
    argv = [
        "mke2fs",
        "-q",
        "-t",
        "ext4",
        "-U",
        UUID,
        "-L",
        "system",
        "-d",
        str(root),
        str(image),
        "16M",
    ]
    subprocess.run(argv, check=True, capture_output=True, timeout=30)
    return image


def vfat(image: Path, root: Path) -> Path:
    with image.open("wb") as file:
        file.truncate(16 << 20)
    subprocess.run(
        ["mkfs.vfat", "-i", "1234abcd", "-n", "ESP", str(image)],
        check=True,
        capture_output=True,
        timeout=30,
    )
    parts = [str(path) for path in root.iterdir()]
    subprocess.run(["mcopy", "-s", "-i", str(image), *parts, "::"], check=True, timeout=30)
    return image


def gpt(disk: Path, *parts: Path) -> Path:
    """Put images behind one another into a partitioned disk."""
    script = "label: gpt\n" + "".join(
        f'size={part.stat().st_size >> 9}, name="part{i}"\n' for i, part in enumerate(parts, 1)
    )
    with disk.open("wb") as file:
        file.truncate(sum(part.stat().st_size for part in parts) + (2 << 20))
    subprocess.run(
        ["sfdisk", "--quiet", str(disk)], input=script, text=True, check=True, timeout=30
    )
    with disk.open("r+b") as file:
        file.seek(1 << 20)
        for part in parts:
            file.write(part.read_bytes())
    return disk


class Scan:
    """Runs the command and keeps what it said."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.stderr = ""

    def __call__(self, *words: str | Path, status: int = 0) -> str:
        try:
            done = main(["scan", *map(str, words)])
        except SystemExit as stop:
            done = int(stop.code or 0)
        stdout, self.stderr = self._capsys.readouterr()
        assert done == status, self.stderr
        return stdout

    def json(self, *words: str | Path) -> Any:  # noqa: ANN401 - JSON of any shape
        return json.loads(self("--json", *words))


@pytest.fixture
def scan(capsys: pytest.CaptureFixture[str]) -> Scan:
    return Scan(capsys)


def test_a_directory_is_listed_as_promised(scan: Scan, tmp_path: Path) -> None:
    answer = scan.json("--device", f"sda1={tree(tmp_path / 'a')},uuid={UUID},label=L,fstype=ext4")
    (device,), (option,) = answer["devices"], answer["options"]
    assert (device["name"], device["uuid"], device["label"]) == ("sda1", UUID, "L")
    assert (device["fstype"], device["problems"]) == ("ext4", [])
    wanted: dict[str, object] = {
        "id": f"extlinux:{UUID}:linux",
        "device": "sda1",
        "format": "extlinux",
        "source": "/extlinux/extlinux.conf",
        "title": "Board",
        "version": "",
        "linux": {"device": "sda1", "path": "/vmlinuz"},
        "initrd": [],
        "cmdline": f"root=UUID={UUID} quiet",
        "devicetree": None,
        "devicetreeOverlay": [],
        "submenu": [],
        "isDefault": True,
        "bootable": True,
        "missing": [],
        "notes": [],
    }
    assert {key: option[key] for key in wanted} == wanted
    assert answer["default"] == wanted["id"]


def test_a_missing_kernel_is_listed_as_missing(scan: Scan, tmp_path: Path) -> None:
    root = tree(tmp_path / "a")
    (root / "vmlinuz").unlink()
    (option,) = scan.json("--device", f"sda1={root}")["options"]
    assert option["missing"] == [{"what": "linux", "device": "sda1", "path": "/vmlinuz"}]
    assert option["bootable"] is False


def test_problems_have_source_line_and_message(scan: Scan, tmp_path: Path) -> None:
    answer = scan.json(tree(tmp_path / "a", "label a\nlinux /vmlinuz\n\nwrong\n"))
    assert answer["devices"][0]["problems"] == [
        {
            "source": "/extlinux/extlinux.conf",
            "line": 4,
            "message": "unknown keyword wrong, ignored",
        }
    ]


def test_several_devices_describe_a_machine_and_know_each_other(scan: Scan, tmp_path: Path) -> None:
    boot = tree(tmp_path / "boot")
    (tmp_path / "root").mkdir()
    alone = scan.json("--device", f"sda1={boot}")["options"][0]
    assert alone["notes"] == [f"its root file system UUID={UUID} is on no device that is here now"]
    devices = [f"sda1={boot}", f"sda2={tmp_path / 'root'},uuid={UUID}"]
    together = scan.json("--device", devices[0], "--device", devices[1])["options"][0]
    assert together["notes"] == []


def test_the_menu_order_does_not_depend_on_the_order_of_the_devices(
    scan: Scan, tmp_path: Path
) -> None:
    a, b = f"nvme0n1p1={tree(tmp_path / 'a')}", f"sda1={tree(tmp_path / 'b')}"
    names = [o["device"] for o in scan.json("--device", b, "--device", a)["options"]]
    assert names == ["nvme0n1p1", "sda1"]


def test_an_ext4_image_is_read_with_its_uuid_and_label(scan: Scan, tmp_path: Path) -> None:
    answer = scan.json(ext4(tmp_path / "root.img", tree(tmp_path / "a")))
    (device,), (option,) = answer["devices"], answer["options"]
    assert (device["name"], device["fstype"]) == ("root.img", "ext4")
    assert (device["uuid"], device["label"]) == (UUID, "system")
    assert (option["bootable"], option["notes"]) == (True, [])


def test_the_partitions_of_a_disk_image_are_devices(scan: Scan, tmp_path: Path) -> None:
    esp = tmp_path / "esp"
    (esp / "loader/entries").mkdir(parents=True)
    (esp / "loader/entries/Arch.conf").write_text("title Arch\nlinux /LINUX\n")
    (esp / "linux").write_text("kernel")
    disk = gpt(
        tmp_path / "disk.img",
        vfat(tmp_path / "esp.img", esp),
        ext4(tmp_path / "root.img", tree(tmp_path / "a")),
    )
    answer = scan.json("--device", f"mmcblk0={disk}")
    assert [(d["name"], d["fstype"], d["partlabel"]) for d in answer["devices"]] == [
        ("mmcblk0p1", "vfat", "part1"),
        ("mmcblk0p2", "ext4", "part2"),
    ]
    assert [(o["title"], o["bootable"]) for o in answer["options"]] == [
        ("Arch", True),
        ("Board", True),
    ]
    assert answer["options"][0]["id"] == "bls:1234-ABCD:Arch.conf"


def test_an_image_without_a_file_system_is_a_device_with_a_problem(
    scan: Scan, tmp_path: Path
) -> None:
    image = tmp_path / "noise.img"
    image.write_bytes(b"\xaa" * (1 << 20))
    (device,) = scan.json(image)["devices"]
    assert "no partition table" in device["problems"][0]["message"]


@pytest.mark.root
def test_a_type_that_needs_mounting_is_mounted(scan: Scan, tmp_path: Path) -> None:
    image = tmp_path / "live.squashfs"
    argv = ["mksquashfs", str(tree(tmp_path / "a")), str(image), "-quiet", "-no-progress"]
    subprocess.run(argv, check=True, capture_output=True, timeout=30)
    (option,) = scan.json(image)["options"]
    assert option["bootable"]


@pytest.mark.root
def test_a_type_that_this_kernel_cannot_mount_says_so(scan: Scan, tmp_path: Path) -> None:
    image = tmp_path / "f2fs.img"
    data = bytearray(4 << 20)
    data[1024:1028] = b"\x10\x20\xf5\xf2"
    image.write_bytes(data)
    (device,) = scan.json(image)["devices"]
    assert device["problems"][0]["message"].startswith("f2fs cannot be read: ")


def test_nothing_found_is_no_failure(scan: Scan, tmp_path: Path) -> None:
    assert scan(tmp_path) == "No boot options.\n"


def test_explain_says_what_was_looked_at(scan: Scan, tmp_path: Path) -> None:
    scan("--explain", tree(tmp_path / "a"))
    assert "found      /extlinux/extlinux.conf" in scan.stderr
    assert "not there  /loader" in scan.stderr


def test_a_source_that_cannot_be_opened_costs_only_itself(scan: Scan, tmp_path: Path) -> None:
    out = scan(tmp_path / "gone", tree(tmp_path / "a"), status=1)
    assert "Board" in out
    assert "gone: No such file or directory" in scan.stderr


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--device", "sda1"],
        ["--device", "=x"],
        ["--device", "a=/,label=x,colour=red"],
        ["--device", "a=/tmp", "--device", "a=/tmp"],
    ],
)  # fmt: skip - rows
def test_wrong_usage_is_status_2(scan: Scan, words: list[str]) -> None:
    assert scan(*words, status=2) == ""


def test_a_comma_in_a_path_is_part_of_it(scan: Scan, tmp_path: Path) -> None:
    root = tree(tmp_path / "a,b")
    assert scan.json("--device", f"sda1={root},label=L")["devices"][0]["label"] == "L"


def test_two_directories_of_one_name_are_told_apart(scan: Scan, tmp_path: Path) -> None:
    answer = scan.json(tree(tmp_path / "1/root"), tree(tmp_path / "2/root"))
    assert [each["name"] for each in answer["devices"]] == ["root", "root-2"]


def test_a_link_out_of_the_directory_stays_inside(scan: Scan, tmp_path: Path) -> None:
    root = tmp_path / "a"
    (root / "extlinux").mkdir(parents=True)
    (root / "extlinux/extlinux.conf").symlink_to("/etc/hostname")
    assert scan.json(root)["options"] == []


def test_the_table_shows_titles_submenus_and_what_is_missing(scan: Scan, tmp_path: Path) -> None:
    text = "menu begin\nmenu title More\nlabel a\nmenu label \x1b[31mRed\nlinux /gone\nmenu end\n"
    out = scan(tree(tmp_path / "a", text))
    assert "More > \\x1b[31mRed" in out
    assert "missing linux: a /gone" in out
    assert "\x1b" not in out


@pytest.mark.parametrize("kind", ["bls", "extlinux", "grub"])
def test_golden_trees_are_listed_with_their_titles_and_defaults(scan: Scan, kind: str) -> None:
    for case in sorted((golden.ROOT / kind).iterdir()):
        wanted = json.loads((case / "expected.json").read_text()).get("options", [])
        found = scan.json(case / "tree")["options"]
        assert [(o["title"], o["isDefault"]) for o in found] == [
            (o["title"], o.get("is_default", False)) for o in wanted
        ]


PXE = {
    "boot/pxelinux.cfg/01-52-54-00-12-34-56": (
        "default a\nlabel a\nmenu label Board\nkernel k\ninitrd i\nfdt b.dtb\nappend q\n"
        "ipappend 2\n"
    ),
    "boot/menu.ipxe": "#!ipxe\nkernel http://h/k ${buildarch}\nboot\n",
}
LEASE = ",mac=52:54:00:12:34:56,ip=10.0.0.9,bootfile=boot/menu.ipxe"


def server(root: Path) -> Path:
    for name, text in PXE.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_a_directory_plays_a_boot_server(scan: Scan, tmp_path: Path) -> None:
    source = f"tftp://10.0.0.1={server(tmp_path)}{LEASE}"
    answer = scan.json("--architecture", "aarch64", "--tftp", source)
    assert [each["name"] for each in answer["devices"]] == ["10.0.0.1"]
    board, script = answer["options"]
    assert (board["format"], board["title"], board["cmdline"]) == (
        "pxe",
        "Board",
        "q BOOTIF=01-52-54-00-12-34-56",
    )
    assert board["linux"] == {"url": "tftp://10.0.0.1/boot/k"}
    assert board["initrd"] == [{"url": "tftp://10.0.0.1/boot/i"}]
    assert board["devicetree"] == {"url": "tftp://10.0.0.1/boot/b.dtb"}
    assert (board["missing"], board["bootable"]) == ([], False)
    assert script["linux"] == {"url": "http://h/k"}
    assert script["cmdline"] == "arm64"


def test_explain_says_what_was_asked_of_a_server(scan: Scan, tmp_path: Path) -> None:
    scan("--explain", "--tftp", f"tftp://10.0.0.1={server(tmp_path)}{LEASE}")
    assert "  pxe: 1 option" in scan.stderr
    assert "found      tftp://10.0.0.1/boot/pxelinux.cfg/01-52-54-00-12-34-56" in scan.stderr


def test_a_link_out_of_a_served_directory_is_not_followed(scan: Scan, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("label a\nkernel k\n")
    folder = tmp_path / "served" / "pxelinux.cfg"
    folder.mkdir(parents=True)
    (folder / "default").symlink_to(tmp_path / "secret")
    assert scan.json("--tftp", f"http://h/={tmp_path / 'served'}")["options"] == []


@pytest.mark.parametrize("word", ["nothing", "tftp://h", "tftp://=/x", "tftp://h/=/x,mac=1,b=2"])
def test_a_server_that_makes_no_sense_is_status_2(scan: Scan, word: str) -> None:
    assert scan("--tftp", word, status=2) == ""


def test_a_server_without_its_directory_is_status_1(scan: Scan, tmp_path: Path) -> None:
    scan("--tftp", f"tftp://h/={tmp_path / 'gone'}", status=1)
    assert "gone: No such file or directory" in scan.stderr


def test_explain_counts_the_options_of_each_format(scan: Scan, tmp_path: Path) -> None:
    scan("--explain", tree(tmp_path / "a"))
    assert "  extlinux: 1 option\n" in scan.stderr
    assert "  grub: 0 options\n" in scan.stderr


def test_bytes_that_are_no_utf8_are_visible_in_json(scan: Scan, tmp_path: Path) -> None:
    root = tree(tmp_path / "a")
    (root / "extlinux" / "extlinux.conf").write_bytes(b"label a\nlinux /k\nappend x=\xe9\n")
    assert scan.json(root)["options"][0]["cmdline"] == "x=\\udce9"


def test_an_iso_image_is_read_without_a_mount(scan: Scan, tmp_path: Path) -> None:
    image = tmp_path / "live.iso"
    files = {"/boot/grub/grub.cfg": "menuentry Live { linux /k }\n", "/k": "kernel"}
    image.write_bytes(make_iso(tmp_path, dict(files), "-R", label="LIVE"))
    answer = scan.json(image)
    assert (answer["devices"][0]["fstype"], answer["devices"][0]["label"]) == ("iso9660", "LIVE")
    assert answer["options"][0]["title"] == "Live"
    assert answer["options"][0]["missing"] == []
