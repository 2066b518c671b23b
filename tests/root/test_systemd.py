"""The units under a real systemd as PID 1, in a container (package systemd-container)."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.root

PROJECT = Path(__file__).parents[2]

WATCHDOG_S = 2

# Where the scripts and the result are in the container. The project lies there where it lies on
# this machine, so no top-level name that a checkout may have is free for a file.
INSIDE = "/bootd-under-test"

STATE = "/var/lib/bootd-state"
ENTRY = "extlinux:b007d000-0001:debian"

CHECK = f"""\
show() {{ systemctl show bootd.service -p ActiveState,StatusText,NRestarts,Result; }}
show
ls -l /run/bootd /run/varlink/registry
{INSIDE}/ctl status
{INSIDE}/ctl cancel
systemctl reload bootd.service && echo reloaded
kill -STOP $(systemctl show -p MainPID --value bootd.service)
for second in $(seq 25); do
    sleep 1
    case "$(systemctl show -p NRestarts -p ActiveState bootd.service | tr '\\n' ' ')" in
        *NRestarts=1*ActiveState=active*) break;;
    esac
done
show
{INSIDE}/ctl status
systemctl stop bootd.service
ls /run/bootd
{INSIDE}/ctl status
show
exec > {INSIDE}/out/blessed 2>&1
for time in first second; do
    systemctl start bootd-bless.service || systemctl status bootd-bless.service
    cat {STATE}/state.json
    systemctl stop bootd-bless.service
done
journalctl --sync
journalctl -u bootd-bless.service -o cat
exec > {INSIDE}/out/consoles 2>&1
count() {{
    launcher=$(systemctl show -p MainPID --value bootmenu.service)
    echo menus=$(cat /proc/$launcher/task/$launcher/children | wc -w)
}}
systemctl start bootmenu.socket bootmenu@console.service
for second in $(seq 20); do
    sleep 1
    count | grep -q =1 && break
done
echo forked; count
systemctl show bootmenu@console.service -p ActiveState
cat /proc/$(systemctl show -p MainPID --value bootmenu@console.service)/comm
which() {{ systemctl is-active bootmenu@console.service bootshell@console.service | tr '\\n' ' '; }}
await() {{
    for second in $(seq 10); do [ "$(which)" = "$1" ] && break; sleep 1; done
    which; echo
}}
systemctl start --no-block bootshell@console.service
await 'inactive active '
cat /proc/$(systemctl show -p MainPID --value bootshell@console.service)/status | grep Uid
kill -HUP $(systemctl show -p MainPID --value bootshell@console.service)
await 'active inactive '
systemctl stop bootmenu@console.service
sleep 1
echo stopped; count
mkdir -p /run/systemd/system/bootmenu@console.service.d
printf '[Service]\nExecStart=\nExecStart=/bin/false\n' \
    > /run/systemd/system/bootmenu@console.service.d/zz-broken.conf
systemctl daemon-reload
systemctl start bootmenu@console.service
for second in $(seq 15); do
    sleep 1
    systemctl is-active --quiet serial-getty@console.service && break
done
echo broken
systemctl show bootmenu@console.service -p ActiveState,Result
systemctl show serial-getty@console.service -p ActiveState
journalctl -b -o cat -u bootmenu.service -u bootmenu@console.service
exec >> {INSIDE}/out/blessed 2>&1
cd {PROJECT}
{sys.executable} -P -c 'from bootd.linux import reboot; reboot.set_kexec_watchdog(90)'
systemctl show -p KExecWatchdogUSec
"""

UNIT = f"""\
[Unit]
Description=Look at bootd from outside
Wants=bootd.service
After=bootd.service
[Service]
Type=oneshot
StandardOutput=file:{INSIDE}/out/said
StandardError=inherit
ExecStart=/bin/sh {INSIDE}/check
ExecStopPost=/bin/systemctl poweroff --force
"""


@pytest.fixture(scope="module")
def said(printed: Path) -> str:
    """What the check has printed about the daemon."""
    return (printed / "said").read_text()


@pytest.fixture(scope="module")
def blessed(printed: Path) -> str:
    """What it has printed about `bootd-bless.service`."""
    return (printed / "blessed").read_text()


@pytest.fixture(scope="module")
def consoles(printed: Path) -> str:
    """What it has printed about the menus on /dev/console."""
    return (printed / "consoles").read_text()


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Boot a container with the units as shipped and return where the check has printed to."""
    root, out = tmp_path_factory.mktemp("container"), tmp_path_factory.mktemp("out")
    lay_out(root)
    places = ("/usr", PROJECT, sys.base_prefix)
    command = [
        *("systemd-nspawn", "-D", str(root), "--register=no", "--keep-unit", "-b"),
        *("--machine=bootd-test", "--console=read-only"),
        *(f"--bind-ro={place}" for place in dict.fromkeys(map(str, places))),
        *(f"--bind={out}:{INSIDE}/out", "systemd.unit=check.service"),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=100, check=False, stdin=subprocess.DEVNULL
    )
    assert (out / "said").exists(), done.stdout + done.stderr
    return out


def lay_out(root: Path) -> None:
    """Make the root directory: everything but the units comes from this machine, read-only."""
    root.chmod(0o755)  # services with a user of their own must get in, also to this Python
    for place in (PROJECT, sys.base_prefix):
        (root / str(place).removeprefix("/")).mkdir(parents=True, exist_ok=True)
    for name in ("etc/systemd/system", "var/tmp", "usr", "run", "proc", "sys", "dev", "tmp"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    (root / "etc/machine-id").touch()
    (root / "etc/os-release").write_text("ID=test\n")
    (root / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n")
    (root / "etc/group").write_text("root:x:0:\nbootd:x:990:\nnogroup:x:65534:\n")
    units = root / "etc/systemd/system"
    for name in ("bootd.service", "bootd.socket", "bootd-bless.service"):
        text = (PROJECT / "units" / name).read_text()
        (units / name).write_text(text)
    drop_in = units / "bootd.service.d/test.conf"
    drop_in.parent.mkdir()
    drop_in.write_text(
        f"[Service]\nWatchdogSec={WATCHDOG_S}\nProtectHome=no\nExecStart=\n"
        f"ExecStart={INSIDE}/bootd --machine {INSIDE}/machine\n"
    )
    entries = root / INSIDE.removeprefix("/") / "machine/disk/loader/entries"
    entries.mkdir(parents=True)
    (entries / "a.conf").write_text("title A\nlinux /vmlinuz\n")
    drop_in = units / "bootd-bless.service.d/test.conf"
    drop_in.parent.mkdir()
    # A container is not booted by anything, so it has to be told what it is.
    start = f"ExecStart=\nExecStart={INSIDE}/ctl bless --entry {ENTRY}"
    drop_in.write_text(f"[Service]\nProtectHome=no\n{start}\n")
    (root / "etc/bootd.conf").write_text(f"[Boot]\nState={STATE}\n")
    _lay_out_consoles(units)
    (units / "check.service").write_text(UNIT)
    inside = root / INSIDE.removeprefix("/")
    (inside / "out").mkdir(parents=True)
    (inside / "check").write_text(CHECK)
    for name, module in (("bootd", "bootd"), ("ctl", "bootd.ctl.main"), ("menu", "bootmenu")):
        script = inside / name
        script.write_text(
            f"#!/bin/sh\ncd {PROJECT}\nexport PYTHONPATH={PROJECT}:{PROJECT}/ui\n"
            f'exec {sys.executable} -P -m {module} "$@"\n'
        )
        script.chmod(0o755)


def _lay_out_consoles(units: Path) -> None:
    """Add the menu's units; the login is played: that of systemd waits for a device of udev."""
    for name, arguments in (
        ("bootmenu@", "--console %I --launcher /run/bootd/menus --ui plain"),
        ("bootmenu", "--serve /run/bootd/menus"),
    ):
        text = (PROJECT / f"units/{name}.service").read_text()
        (units / f"{name}.service").write_text(text)
        drop_in = units / f"{name}.service.d/test.conf"
        drop_in.parent.mkdir()
        start = f"ExecStart=\nExecStart={INSIDE}/menu {arguments}"
        drop_in.write_text(f"[Service]\nProtectHome=no\n{start}\n")
    for name in ("bootmenu.socket", "bootshell@.service"):
        (units / name).write_text((PROJECT / "units" / name).read_text())
    (units / "serial-getty@.service").write_text(
        "[Service]\nExecStart=/bin/sleep 60\nStandardInput=tty\nTTYPath=/dev/%I\n"
    )


def test_the_daemon_gets_ready_with_its_status_and_socket(said: str) -> None:
    first = said.split("reloaded", maxsplit=1)[0]
    assert "disk: 1 boot option\n" in first, "its worker, confined twice, has read it"
    assert "ActiveState=active\n" in first
    assert "/run/varlink/registry:" in first
    assert "org.bootd.Boot -> /run/bootd/org.bootd.Boot" in first
    assert "architecture: " in first


def test_a_reload_ends(said: str) -> None:
    assert "\nreloaded\n" in said


def test_a_daemon_that_hangs_is_killed_by_the_watchdog_and_comes_back(said: str) -> None:
    after = said.split("\nreloaded\n")[1]
    assert "NRestarts=1\n" in after
    assert "ActiveState=active\n" in after


def test_it_then_still_knows_that_somebody_stopped_the_countdown(said: str) -> None:
    after = said.split("\nreloaded\n")[1]
    assert "countdown: stopped by bootdctl of " in after


def test_a_stopped_daemon_is_started_by_the_next_client(said: str) -> None:
    last = said.rpartition("architecture: ")[2]
    assert "countdown: stopped by bootdctl of " in last
    assert "ActiveState=active\n" in last


def test_a_system_that_came_up_confirms_its_boot_and_again_changes_nothing(blessed: str) -> None:
    first, second = (line for line in blessed.splitlines() if line.startswith("{"))
    assert f'"lastGood":"{ENTRY}"' in first
    assert second == first
    assert f"{ENTRY} is confirmed, in {STATE}" in blessed
    assert f"{ENTRY} is confirmed already, in {STATE}" in blessed


def test_systemd_takes_the_time_of_the_watchdog_over_the_jump(blessed: str) -> None:
    assert blessed.rstrip().endswith("KExecWatchdogUSec=1min 30s")


def test_the_launcher_forks_the_menu_of_a_console_and_its_unit_only_waits(consoles: str) -> None:
    forked = consoles.partition("forked\n")[2].partition("stopped\n")[0].split("\n")
    assert forked[:2] == ["menus=1", "ActiveState=active"]
    assert not forked[2].startswith("python")


def test_a_shell_takes_the_console_over_and_then_the_menu_comes_back(consoles: str) -> None:
    shell = consoles.partition("forked\n")[2].partition("stopped\n")[0]
    assert "\ninactive active \nUid:\t0\t0\t0\t0\nactive inactive \n" in shell


def test_a_console_that_is_stopped_takes_its_menu_along(consoles: str) -> None:
    assert consoles.partition("stopped\n")[2].startswith("menus=0\n")


def test_a_menu_that_cannot_run_gives_its_console_to_a_login(consoles: str) -> None:
    broken = consoles.partition("broken\n")[2]
    assert "ActiveState=failed\n" in broken
    assert "bootmenu@console.service: Triggering OnFailure= dependencies.\n" in broken
    assert "\nActiveState=active\n" in broken
