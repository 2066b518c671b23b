"""Hooks before a load: real programs in the real sandbox, with real workers around them."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bootd.errors import LoadError
from bootd.fdt import read
from bootd.loaders import task
from bootd.model.board import Board, HookPolicy, Tier
from bootd.model.device import BlockDevice, DeviceKind
from bootd.model.load import LoadReport
from bootd.model.machine import Machine
from bootd.model.option import BootOption, FileRef
from bootd.model.tree import TreeOrigin
from bootd.policy.resolve import resolve
from bootd.probe.hooked import hooked
from bootd.probe.prober import Prober
from bootd.probe.task import Context, Tables
from bootd.probe.tasks import TASKS
from bootd.protocol.codec import Json, from_json, to_json
from bootd.protocol.messages import NO_OVERRIDES, Overrides
from bootd.services import hooks
from bootd.services.booting import Booting
from tests.support import trees
from tests.support.daemon import EXTLINUX, Daemon, running_daemon, write_tree
from tests.support.images import arm64_image

pytestmark = pytest.mark.root

LIVE = trees.blob(trees.live_board())
SHIPPED = trees.blob(trees.board())
CMDLINE = "root=/dev/vda1 quiet console=ttyS0,115200"
ADD = 'cat > answer; echo \'{"cmdline": "changed"}\''


def load(_context: Context, params: Json, fds: list[int]) -> tuple[Json, list[int]]:
    """Play the helper that loads: tell in `why` what there was to load."""
    from bootd.loaders.request import LoadJob  # noqa: PLC0415 - runs in a helper

    job = from_json(LoadJob, params)
    contents = [os.pread(fd, 4 << 20, 0) for fd in fds]
    tree = read(contents.pop()) if job.has_tree else None
    told: dict[str, Json] = {
        "cmdline": job.request.cmdline,
        "initrds": [content.decode() for content in contents[1:]],
        "offsets": [os.lseek(fd, 0, os.SEEK_CUR) for fd in fds],
        "bootargs": (tree.get("/chosen", "bootargs") or b"").decode() if tree else "",
        "mark": (tree.get("/chosen", "mark") or b"").decode() if tree else "",
    }
    return to_json(LoadReport(loader="test", tree=TreeOrigin.MERGED, why=json.dumps(told))), []


@dataclass
class Place:
    """A device with an option, a folder of hooks, and what boots it."""

    root: Path
    prober: Prober
    tier: Tier = Tier.OPEN
    policy: HookPolicy = HookPolicy.REQUIRE
    live: bytes | None = LIVE
    said: list[str] = field(default_factory=list)
    announced: str = ""

    def hook(self, name: str, script: str, mode: int = 0o755) -> Path:
        """Write a shell script as a hook."""
        path = self.root / "etc/bootd/hooks.d" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n" if script else "")
        path.chmod(mode)
        return path

    async def boot(self, overrides: Overrides = NO_OVERRIDES) -> tuple[dict[str, Any], str]:
        """Boot and return what was to be loaded, and all notes."""
        device = BlockDevice(
            name="vda1", node=str(self.root / "disk"), kind=DeviceKind.DIRECTORY, uuid="1"
        )
        option = BootOption(
            entry="debian",
            format="extlinux",
            source="/extlinux.conf",
            title="Debian 12",
            linux=FileRef("/vmlinuz"),
            initrds=(FileRef("/initrd.img"),),
            cmdline=CMDLINE,
            devicetree=FileRef("/board.dtb"),
        )
        booting = Booting(
            self.prober,
            lambda: Machine(architecture="aarch64", kexec_load=True),
            find_device={"vda1": device}.get,
            board=lambda: Board(live=self.live, tier=self.tier),
            rehearsal=True,
        )
        booting.hooks, booting.root = self.policy, str(self.root)
        resolved = resolve(option, device, {"vda1": device}, "aarch64")
        tree, _, _ = await booting.explain(resolved, overrides)
        self.announced = "" if tree is None else "\n".join(tree.notes)
        report = await booting.boot(resolved, overrides, lambda doing, _: self.said.append(doing))
        return json.loads(report.why), "\n".join(report.notes)


@pytest.fixture
def root() -> Iterator[Path]:
    # Not below pytest's own folder, where nobody may look.
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="bootd-hooks-") as folder:
        Path(folder).chmod(0o755)
        disk = Path(folder) / "disk"
        disk.mkdir()
        (disk / "vmlinuz").write_bytes(arm64_image())
        (disk / "initrd.img").write_bytes(b"the entry's own")
        (disk / "board.dtb").write_bytes(SHIPPED)
        yield Path(folder)


@pytest.fixture
async def place(root: Path) -> AsyncIterator[Place]:
    helpers = {"load": load, "unload": task.unload, "hook": task.hook}
    tables = Tables(tasks={**TASKS, **task.CONFINED, "hooked": hooked}, helpers=helpers)
    prober = Prober.start(tables)
    yield Place(root, prober)
    await prober.close()


# What a hook is told and may change


async def test_no_hooks_change_nothing(place: Place) -> None:
    loaded, notes = await place.boot()
    assert (loaded["cmdline"], loaded["bootargs"]) == (CMDLINE, f"{CMDLINE}\0")
    assert "hook" not in notes.lower()


async def test_a_person_sees_which_hook_runs_and_what_it_notes(place: Place) -> None:
    place.hook("10-look", 'echo \'{"notes": ["the lid is open"]}\'')
    _, notes = await place.boot()
    assert "Hook 10-look: the lid is open." in notes
    assert "Running the hook 10-look" in place.said
    assert "Before a load these hooks run, and may change it: 10-look." in place.announced


async def test_the_question_has_what_the_manual_says(place: Place) -> None:
    place.hook("10-look", 'cat > told; echo \'{"initrd": ["told"]}\'')
    loaded, _ = await place.boot()
    told = json.loads(loaded["initrds"][1])
    assert told["option"]["id"] == "extlinux:1:debian"
    assert told["cmdline"] == CMDLINE
    assert told["mayChange"] == ["cmdline", "initrd", "devicetree"]
    assert (told["version"], told["crash"]) == (1, False)
    assert told["linux"]["bytes"] == len(arm64_image())
    assert told["initrd"][0]["bytes"] == 15
    assert told["devicetree"]["origin"] == "merged"
    assert told["devicetree"]["summary"].startswith("merged: board.dtb")


async def test_a_hook_reads_kernel_initrd_and_tree_through_the_paths_it_is_told(
    place: Place,
) -> None:
    paths = r"""sed 's/"path": "/\n/g' | sed -n 's/^\(\/proc[^"]*\).*/\1/p'"""
    script = f"for path in $({paths}); do wc -c < $path >> sizes; done"
    place.hook("10-look", f'{script}; echo \'{{"initrd": ["sizes"]}}\'')
    loaded, _ = await place.boot()
    kernel, initrd, tree = map(int, loaded["initrds"][1].split())
    assert (kernel, initrd) == (len(arm64_image()), 15)
    assert tree > 200
    assert set(loaded["offsets"]) == {0}, "what a hook reads must not move what the loader reads"


async def test_a_changed_command_line_reaches_the_kernel_and_its_tree(place: Place) -> None:
    place.hook("10-first", 'echo \'{"cmdline": "one"}\'')
    place.hook("20-second", 'sed \'s/.*"cmdline": "\\([^"]*\\).*/{"cmdline": "\\1 two"}/\'')
    loaded, notes = await place.boot()
    assert (loaded["cmdline"], loaded["bootargs"]) == ("one two", "one two\0")
    assert "Hook 10-first: command line is now one." in notes
    assert "Hook 20-second: command line is now one two." in notes


async def test_a_command_line_is_told_to_who_boots_and_not_to_the_log(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    place.hook("10-key", 'echo \'{"cmdline": "password=xyzzy"}\'')
    _, notes = await place.boot()
    assert "command line is now password=xyzzy" in notes
    logged = [each.message for each in caplog.records if each.name == "bootd.services.hooks"]
    assert logged == ["hook 10-key: changes the command line"]


async def test_an_extra_initrd_comes_behind_the_entry_s_own(place: Place) -> None:
    place.hook("10-keys", 'echo -n secrets > x.cpio; echo \'{"initrd": ["x.cpio"]}\'')
    loaded, notes = await place.boot()
    assert loaded["initrds"] == ["the entry's own", "secrets"]
    assert "Hook 10-keys: gives an initrd of 7 bytes." in notes


TREE = 'dtc -q -I dtb -O dts -o t.dts "$(sed \'s/.*"file": {"path": "\\([^"]*\\).*/\\1/\')"'
MARK = f"{TREE}; echo '/ {{ chosen {{ mark = \"x\"; }}; }};' >> t.dts; dtc -q -o t.dtb t.dts"
GIVE = 'echo \'{"devicetree": "t.dtb"}\''


async def test_a_changed_tree_is_checked_and_every_change_is_listed(place: Place) -> None:
    place.hook("10-mark", f"{MARK}; {GIVE}")
    loaded, notes = await place.boot()
    assert loaded["mark"] == "x\0"
    assert "Hook 10-mark: changes the device tree: /chosen:mark." in notes


async def test_a_changed_tree_says_the_command_line_of_a_later_hook(place: Place) -> None:
    place.hook("10-mark", f"{MARK}; {GIVE}")
    place.hook("20-words", 'echo \'{"cmdline": "later"}\'')
    loaded, _ = await place.boot()
    assert (loaded["mark"], loaded["bootargs"], loaded["cmdline"]) == ("x\0", "later\0", "later")


@pytest.mark.parametrize(
    "change",
    [
        'sed -i \'s/device_type = "memory"/device_type = "x"/\' t.dts',
        "echo '/dts-v1/; / { };' > t.dts",
        'sed -i \'s/device_type = "cpu"/device_type = "x"/\' t.dts',
    ],
)
async def test_a_tree_that_the_board_would_not_survive_is_refused(
    place: Place, change: str
) -> None:
    place.hook("10-bad", f"{TREE}; {change}; dtc -q -o t.dtb t.dts; {GIVE}")
    with pytest.raises(LoadError, match="The hook 10-bad failed: after a hook: "):
        await place.boot()


async def test_a_damaged_tree_is_refused(place: Place) -> None:
    place.hook("10-bad", f"head -c 300 /dev/urandom > t.dtb; {GIVE}")
    with pytest.raises(LoadError, match="The hook 10-bad failed: "):
        await place.boot()


@pytest.mark.parametrize("tier", [Tier.SIGNED, Tier.LOCKED])
async def test_where_trees_of_disks_are_not_trusted_a_hook_may_not_change_one(
    place: Place, tier: Tier
) -> None:
    place.tier = tier
    place.policy = HookPolicy.TRY
    place.hook("10-mark", f"cat > told; cp told t.dtb; {GIVE}")
    place.hook("20-words", ADD)
    loaded, notes = await place.boot(Overrides(devicetree_mode="running"))
    assert loaded["mark"] == ""
    assert loaded["cmdline"] == "changed"
    assert f"it may not change the device tree, which is {tier.value}; it changes nothing." in notes


async def test_a_hook_can_refuse_with_a_sentence_whatever_the_setting(place: Place) -> None:
    place.policy = HookPolicy.TRY
    place.hook("10-no", 'echo \'{"refuse": "the lid is open"}\'')
    with pytest.raises(LoadError, match=r"^cannot boot Debian 12: the hook 10-no refuses: the lid"):
        await place.boot()


# Failures


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("exit 3", "it ended with status 3"),
        ("exec python3 -c 'import ctypes; ctypes.string_at(0)'", "signal 11 ended it"),
        ("echo nonsense", "its answer is no JSON"),
        ("echo '[1]'", "its answer makes no sense"),
        ("echo '{\"cmdline\": 7}'", "its answer makes no sense"),
        ('echo \'{"initrd": ["none"]}\'', "none: No such file or directory"),
        ('echo \'{"initrd": ["../../etc/passwd"]}\'', "No such file or directory"),
        ('echo \'{"initrd": ["/etc/passwd"]}\'', "No such file or directory"),
        ('ln -s /etc/passwd x; echo \'{"initrd": ["x"]}\'', "x: "),
        ('mkfifo x; echo \'{"initrd": ["x"]}\'', "x: it is no plain file"),
        ('ln -s x x; echo \'{"initrd": ["x"]}\'', "x: "),
        ("head -c 70000 /dev/zero", "it wrote more than 65536 bytes"),
        ('truncate -s 3M t; echo \'{"devicetree": "t"}\'', "it has more than 2097152 bytes"),
        ("yes", ""),
        ("printf '%s' '{\"cmdline\": \"a\\nb\"}'", "more than one line"),
    ],
)
async def test_a_failure_is_told_and_changes_nothing_or_stops_the_boot(
    place: Place, script: str, why: str
) -> None:
    place.hook("10-bad", script)
    place.policy = HookPolicy.TRY
    loaded, notes = await place.boot()
    assert loaded["cmdline"] == CMDLINE
    assert loaded["initrds"] == ["the entry's own"]
    assert "The hook 10-bad failed: " in notes
    assert why in notes
    place.policy = HookPolicy.REQUIRE
    with pytest.raises(LoadError, match="The hook 10-bad failed: "):
        await place.boot()


async def test_a_hook_that_hangs_is_killed_with_all_that_it_started(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "HOOK_S", 1.0)
    place.policy = HookPolicy.TRY
    place.hook("10-hangs", "trap '' TERM; setsid sleep 98765 & sleep 98765")
    _, notes = await place.boot()
    assert "The hook 10-hangs failed: it had not ended after 1 s; it changes nothing." in notes
    assert not processes_with(b"98765")


async def test_a_hook_ends_when_the_boot_is_cancelled(place: Place) -> None:
    place.hook("10-hangs", "setsid sleep 98762 & sleep 98762")
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        boot = tasks.create_task(place.boot())
        while processes_with(b"98762") < 2:  # noqa: ASYNC110 - other processes set no event
            await asyncio.sleep(0.05)
        boot.cancel()
    for _ in range(100):
        if not processes_with(b"98762"):
            return
        await asyncio.sleep(0.05)
    pytest.fail("the hook still runs")


async def test_a_hook_dies_first_when_memory_runs_out(place: Place) -> None:
    place.hook("10-look", "cat /proc/self/oom_score_adj >&2; read -r x < /proc/self/oom_score_adj;"
               ' echo "{\\"notes\\": [\\"$x\\"]}"')  # fmt: skip
    _, notes = await place.boot()
    assert "Hook 10-look: 1000." in notes


def processes_with(word: bytes) -> int:
    """Count the processes of this machine that have a word on their command line."""
    count = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # some end meanwhile
            count += word in path.read_bytes()
    return count


async def test_hooks_can_be_switched_off(place: Place) -> None:
    place.hook("10-bad", "exit 1")
    place.policy = HookPolicy.OFF
    loaded, _ = await place.boot()
    assert loaded["cmdline"] == CMDLINE


async def test_a_file_that_others_can_write_is_no_hook(place: Place) -> None:
    place.policy = HookPolicy.TRY
    place.hook("10-open", ADD, 0o777)
    place.hook("20-plain", ADD, 0o644)
    place.hook("30-old.dpkg-old", ADD)
    place.hook("40-empty", "")
    loaded, notes = await place.boot()
    assert loaded["cmdline"] == CMDLINE
    assert "10-open does not run as a hook: others than root can write to it" in notes
    assert "20-plain does not run as a hook: it is not executable for everybody" in notes
    assert "30-old" not in notes
    assert "40-empty" not in notes


async def test_what_a_hook_says_is_in_the_log_without_control_characters(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    place.hook("10-chatty", "printf 'look \\033[2J here\\n' >&2")
    await place.boot()
    assert r"hook 10-chatty: look \x1b[2J here" in caplog.text


# The sandbox


PROBES = {
    "write /etc": "touch /etc/x",
    "write where it lies": 'touch "$(dirname "$0")/x"',
    "write a device": "dd if=/dev/zero of=/dev/loop0 count=1 2>/dev/null",
    "write sysfs": "echo 1 > /proc/sys/kernel/printk",
    "reach others' processes": f"kill -0 {os.getpid()}",
    "use the network": "ip -o link | grep -v ' lo: '",
    "mount": "mount -t tmpfs x /mnt",
    "be root": "test $(id -u) = 0",
    "write the tree": 'echo x >> "$(cat p)" || echo x > "$(cat p)"',
}


@pytest.mark.parametrize("what", PROBES)
async def test_a_hook_cannot(place: Place, what: str) -> None:
    script = (
        'sed \'s/.*"file": {"path": "\\([^"]*\\).*/\\1/\' > p\n'
        f"if ( {PROBES[what]} ) 2>/dev/null; then exit 1; fi; exit 0"
    )
    place.hook("10-tries", script)
    loaded, _ = await place.boot()
    assert loaded["cmdline"] == CMDLINE


async def test_what_a_hook_writes_is_gone_for_the_next_and_for_the_machine(place: Place) -> None:
    place.hook("10-writes", "touch left-behind-by-a-hook")
    place.hook("20-looks", 'test -z "$(ls)"')
    await place.boot()
    assert not left_behind()


def left_behind() -> list[Path]:
    """Return what hooks have written where everybody may."""
    places = [Path(folder) for folder in ("/tmp", "/run", "/var/tmp")]  # noqa: S108 - looked at only
    return [path for place in places for path in place.glob("left-behind-by-a-hook")]


def test_without_root_there_is_a_folder_and_a_time_limit_and_that_is_said(root: Path) -> None:
    script = root / "hook"
    script.write_text("#!/bin/sh\ntouch here; ls; sleep 98764 & sleep 98764\n")
    script.chmod(0o755)
    code = (
        "import sys; from bootd.linux import hook\n"
        f"with hook.cell({str(script)!r}) as place:\n"
        f"    print(hook.run({str(script)!r}, {{}}, b'', (), place, 1.0), place.missing)\n"
    )
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable]
    done = subprocess.run(
        [*command, "-c", code], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Ended(status=None, output=b'here\\n', said=b'')" in done.stdout
    assert "without root" in done.stdout
    assert not processes_with(b"98764")


# petitboot's own


async def test_a_hook_of_petitboot_s_gets_its_environment_and_replaces_the_arguments(
    place: Place,
) -> None:
    script = 'test -r "$boot_image" -a -r "$boot_initrd" -a -w "$boot_dtb" || exit 1\n'
    script += 'echo "boot_args=$boot_args from $boot_console"; exit 2'
    place.hook("10-args.petitboot", script)
    loaded, _ = await place.boot()
    assert loaded["cmdline"] == f"{CMDLINE} from /dev/ttyS0"


async def test_a_hook_of_petitboot_s_edits_the_tree_in_place(place: Place) -> None:
    assert shutil.which("fdtput")
    place.hook("30-dtb-updates.petitboot", 'fdtput -t s "$boot_dtb" /chosen mark x')
    loaded, notes = await place.boot()
    assert loaded["mark"] == "x\0"
    assert "Hook 30-dtb-updates.petitboot: changes the device tree: /chosen:mark." in notes


async def test_a_hook_of_petitboot_s_gives_files_of_its_own(place: Place) -> None:
    script = (
        "t=$(mktemp); dtc -q -I dtb -O dtb -p 64 -o $t $boot_dtb; fdtput -t s $t /chosen mark y;"
        ' i=$(mktemp); echo -n mine > $i; echo "boot_dtb=$t"; echo "boot_initrd=$i"; exit 2'
    )
    place.hook("20-files.petitboot", script)
    loaded, _ = await place.boot()
    assert (loaded["mark"], loaded["initrds"]) == ("y\0", ["mine"])


async def test_other_statuses_of_petitboot_s_hooks_are_ignored(place: Place) -> None:
    place.hook("10-fails.petitboot", "echo boot_args=x; exit 1")
    loaded, _ = await place.boot()
    assert loaded["cmdline"] == CMDLINE


async def test_a_hook_of_petitboot_s_gives_no_other_kernel(place: Place) -> None:
    place.hook("10-kernel.petitboot", "echo boot_image=/etc/passwd; exit 2")
    with pytest.raises(LoadError, match="it gives another kernel"):
        await place.boot()


async def test_a_machine_without_tree_has_hooks_too(place: Place) -> None:
    place.live = None
    place.hook("10-words", 'echo \'{"cmdline": "other"}\'')
    loaded, _ = await place.boot()
    assert (loaded["cmdline"], loaded["bootargs"]) == ("other", "")
    place.hook("20-tree", f"touch t.dtb; {GIVE}")
    with pytest.raises(LoadError, match="this machine has none"):
        await place.boot()


# The whole


def test_bootdctl_shows_what_the_hooks_of_a_daemon_have_done(root: Path) -> None:
    machine = root / "machine"
    write_tree(machine / "vda1", EXTLINUX)
    write_tree(
        machine / ".machine/etc/bootd/hooks.d",
        {
            "10-words": '#!/bin/sh\necho \'{"cmdline": "ro asset=4711"}\'\n',
            "20-no": '#!/bin/sh\ngrep -q single && echo \'{"refuse": "not alone"}\'; exit 0\n',
        },
    )
    for hook_file in (machine / ".machine/etc/bootd/hooks.d").iterdir():
        hook_file.chmod(0o755)
    with running_daemon(machine, settings="Timeout=never\nHooks=require") as daemon:
        done = bootdctl(daemon, "boot", "debian")
        assert "note: Hook 10-words: command line is now ro asset=4711.\n" in done.stdout
        assert done.returncode == 0
        explained = bootdctl(daemon, "explain", "debian")
        assert "these hooks run, and may change it: 10-words, 20-no." in explained.stdout
        (machine / ".machine/etc/bootd/hooks.d/10-words").unlink()
        wait_for_menu(daemon)
        refused = bootdctl(daemon, "boot", "debian", "--options", "single")
        assert refused.returncode == 1
        assert "the hook 20-no refuses: not alone" in refused.stderr


def wait_for_menu(daemon: Daemon) -> None:
    """Wait until the boot that was asked for is over: a rehearsal stays."""
    deadline = time.monotonic() + 20
    while "phase: menu\n" not in bootdctl(daemon, "status").stdout:
        assert time.monotonic() < deadline, "the boot does not end"


def bootdctl(daemon: Daemon, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "bootd.ctl.main", *words, "--socket", daemon.socket]
    return subprocess.run(command, capture_output=True, text=True, timeout=40, check=False)
