"""The systemd units: systemd itself reads them, and they agree with the code."""

import subprocess
from pathlib import Path

import pytest

from bootd import app, listening
from bootd.gateway import settings
from bootd.protocol.messages import SOCKET

UNITS = Path(__file__).parents[1] / "units"
NAMES = (
    *("bootd.service", "bootd.socket", "bootmenu@.service", "bootd.target"),
    *("bootd-remote.service", "bootd-remote.socket", "bootd-bless.service"),
    *("bootmenu.service", "bootmenu.socket", "bootshell@.service"),
)

EXPECTED = (
    "Failed to parse service type, ignoring: notify-reload",  # systemd before 253, on purpose
    "is not executable: No such file or directory",  # bootd is not installed where tests run
    "Command 'man ",  # nor are its man pages
)


@pytest.mark.parametrize("name", NAMES)
def test_systemd_has_nothing_to_say_about_a_unit(name: str) -> None:
    command = ["systemd-analyze", "verify", str(UNITS / name)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    said = [line for line in (done.stderr + done.stdout).split("\n") if line]
    ours = [line for line in said if "boot" in line]
    assert [line for line in ours if not any(known in line for known in EXPECTED)] == []


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("bootd.service", 45),
        ("bootmenu@.service", 10),
        ("bootmenu.service", 10),
        ("bootd-remote.service", 15),
        ("bootd-bless.service", 53),
    ],
)
def test_a_unit_is_exposed_no_more_than_its_work_needs(name: str, most: int) -> None:
    # Tenths of systemd's own measure, 100 for no protection at all.
    command = [
        "systemd-analyze", "security", "--offline=true", f"--threshold={most}", str(UNITS / name)
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout[-300:]


def test_socket_name_path_and_group_are_those_of_the_code() -> None:
    text = (UNITS / "bootd.socket").read_text()
    assert f"ListenStream={SOCKET}\n" in text
    assert f"FileDescriptorName={listening.SOCKET_NAME}\n" in text
    assert f"g {app.GROUP} -\n" in (UNITS / "bootd.sysusers").read_text()
    for name in ("bootmenu@.service", "bootmenu.service"):
        assert f"SupplementaryGroups={app.GROUP}\n" in (UNITS / name).read_text()


def test_consoles_ask_the_launcher_on_the_socket_that_it_has() -> None:
    (path,) = [
        line.partition("=")[2]
        for line in (UNITS / "bootmenu.socket").read_text().splitlines()
        if line.startswith("ListenSequentialPacket=")
    ]
    assert f" --launcher {path}\n" in (UNITS / "bootmenu@.service").read_text()
    assert f" --serve {path}\n" in (UNITS / "bootmenu.service").read_text()


def test_port_name_and_group_of_the_gateway_are_those_of_the_code() -> None:
    text = (UNITS / "bootd-remote.socket").read_text()
    assert f"ListenStream={settings.PORT}\n" in text
    assert f"ConditionPathExists={settings.Remote().key}\n" in text
    assert f"g {app.REMOTE_GROUP} -\n" in (UNITS / "bootd.sysusers").read_text()
    text = (UNITS / "bootd-remote.service").read_text()
    assert f"SupplementaryGroups={app.REMOTE_GROUP}\n" in text


def test_systemd_reads_group_and_directories() -> None:
    for command in (
        ["systemd-sysusers", "--dry-run", str(UNITS / "bootd.sysusers")],
        ["systemd-tmpfiles", "--create", "--dry-run", str(UNITS / "bootd.tmpfiles")],
    ):
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        unknown = "--dry-run" in done.stderr  # systemd-tmpfiles knows it since 256
        assert done.returncode == 0 or unknown, done.stderr
