"""A real daemon process on a directory that plays the machine."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bootd.client import Client
from bootd.errors import CallError
from bootd.model.remembered import Remembered
from bootd.protocol import memory
from bootd.protocol.messages import (
    DeviceRemoved,
    Event,
    OptionChanged,
    OptionRemoved,
    Overrides,
    Phase,
    Snapshot,
)
from tests.support.daemon import BLS, EXTLINUX, Daemon, running_daemon, write_tree
from tests.support.waiting import eventually

DEBIAN = "extlinux:vda1:debian"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    write_tree(tmp_path / "machine/vda1", EXTLINUX)
    return tmp_path / "machine"


@pytest.fixture
def daemon(machine: Path) -> Iterator[Daemon]:
    with running_daemon(machine) as daemon:
        yield daemon


@pytest.fixture
async def client(daemon: Daemon) -> AsyncIterator[Client]:
    async with await Client.connect(daemon.socket) as client:
        await settled(client)
        yield client


async def settled(client: Client) -> None:
    """Return when no device is being looked at."""

    async def is_settled() -> bool:
        snapshot = await client.snapshot()
        return bool(snapshot.devices) and not snapshot.status.probing

    await eventually(is_settled)


async def rehearsed(client: Client) -> bool:
    return "Dry run" in (await client.describe()).message


async def until(client: Client, wanted: type[Event], needle: str) -> Event:
    """Return the first event of a kind whose text has `needle`."""
    async with asyncio.timeout(10):
        async for event in client.events():
            if isinstance(event, wanted) and needle in repr(event):
                return event
    raise AssertionError


async def test_the_options_of_the_directories_are_listed(client: Client) -> None:
    good, broken = await client.list_options()
    assert (good.id, good.title) == (DEBIAN, "Debian GNU/Linux 12 (bookworm)")
    assert (good.bootable, good.is_default) == (True, True)
    assert not broken.bootable
    assert [missing.path for missing in broken.missing] == ["/boot/vmlinuz-5.10.0"]


async def test_the_status_says_what_is_played(client: Client) -> None:
    status = await client.describe()
    assert (status.board, status.architecture) == ("Radxa ROCK 5B", "aarch64")
    assert status.dry_run
    assert status.seconds_left is None


async def test_a_directory_that_comes_is_a_device_and_one_that_goes_is_none(
    daemon: Daemon, client: Client
) -> None:
    daemon.plug("sda1", BLS)
    event = await until(client, OptionChanged, "bls:sda1:fedora")
    assert isinstance(event, OptionChanged)
    assert event.option.title == "Fedora Linux 41 (Forty One)"
    async with asyncio.TaskGroup() as tasks:
        gone = tasks.create_task(until(client, OptionRemoved, "bls:sda1:fedora"))
        removed = tasks.create_task(until(client, DeviceRemoved, "sda1"))
        await asyncio.sleep(0.1)
        daemon.unplug("sda1")
    assert gone.done()
    assert removed.done()


async def test_a_boot_is_rehearsed_and_the_menu_is_back(client: Client) -> None:
    reply = await client.boot(DEBIAN, by="a test")
    assert (reply.loader, reply.executed) == ("dry_run", False)
    await eventually(lambda: rehearsed(client))


async def test_a_broken_option_is_refused_with_the_missing_file(client: Client) -> None:
    with pytest.raises(CallError, match=r"linux /boot/vmlinuz-5\.10\.0 is not on vda1"):
        await client.boot("extlinux:vda1:broken")


async def test_an_explanation_names_the_loader(client: Client) -> None:
    explanation = await client.explain(DEBIAN)
    assert (explanation.loader, explanation.refused) == ("dry_run", None)


async def test_rescan_finds_a_file_that_was_missing(daemon: Daemon, client: Client) -> None:
    kernel = EXTLINUX["boot/vmlinuz-6.1.0-18-arm64"]
    write_tree(daemon.machine / "vda1", {"boot/vmlinuz-5.10.0": kernel})
    await client.rescan()

    async def is_bootable() -> bool:
        return (await client.list_options())[1].bootable

    await eventually(is_bootable)


async def test_nobody_there_boots_the_default(machine: Path) -> None:
    with running_daemon(machine, settings="Timeout=1") as daemon:
        async with await Client.connect(daemon.socket) as client:
            await eventually(lambda: rehearsed(client))
            assert (await client.describe()).selected_id == DEBIAN


async def test_a_killed_daemon_does_not_count_again_what_somebody_stopped(machine: Path) -> None:
    with running_daemon(machine, settings="Timeout=2") as first:
        async with await Client.connect(first.socket) as client:
            await client.cancel(by="console ttyAMA0")
        first.process.kill()
        first.process.wait(5)
        with running_daemon(machine, settings="Timeout=2", socket_path=first.socket) as second:
            async with await Client.connect(second.socket) as client:
                status = await client.describe()
    assert status.countdown_stopped_by == "console ttyAMA0"
    assert status.seconds_left is None


def test_sigterm_ends_it_cleanly_with_no_socket_and_no_process_left(machine: Path) -> None:
    with running_daemon(machine) as daemon:
        children = Path(f"/proc/{daemon.process.pid}/task/{daemon.process.pid}/children")
        zygotes = [int(pid) for pid in children.read_text().split()]
        assert len(zygotes) == 1
        assert daemon.stop() == 0
        assert not Path(daemon.socket).exists()
        assert not any(Path(f"/proc/{pid}").exists() for pid in zygotes)


def test_a_second_daemon_on_the_same_socket_gives_up_with_a_sentence(daemon: Daemon) -> None:
    command = [sys.executable, "-m", "bootd", "--machine", str(daemon.machine)]
    second = subprocess.run(
        [*command, "--socket", daemon.socket], capture_output=True, text=True, timeout=20,
        check=False,
    )  # fmt: skip
    assert second.returncode == 1
    assert "bootd ends:" in second.stderr
    assert f"cannot listen on {daemon.socket}: another bootd listens there" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_machine_that_is_no_directory_is_a_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bootd", "--machine", str(tmp_path / "none")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        f"bootd: bootd ends: {tmp_path}/none is no directory, so it cannot play a machine.\n"
    )


def test_the_death_of_the_zygote_ends_the_daemon_with_a_sentence(daemon: Daemon) -> None:
    children = Path(f"/proc/{daemon.process.pid}/task/{daemon.process.pid}/children")
    os.kill(int(children.read_text().split()[0]), signal.SIGKILL)
    assert daemon.process.wait(10) == 1
    assert "the process that starts probes has died" in daemon.output()


def test_a_wrong_setting_is_logged_and_its_default_stays(machine: Path) -> None:
    with running_daemon(machine, settings="Timeout=soon") as daemon:
        assert "Timeout: 'soon' is ignored" in daemon.output()


def test_systemd_hears_ready_reload_and_stop(machine: Path, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"{tmp_path}/notify")
        manager.settimeout(10)
        environment = {"NOTIFY_SOCKET": f"{tmp_path}/notify", "WATCHDOG_USEC": "1000000"}
        with running_daemon(machine, environment=environment) as daemon:
            assert "WATCHDOG=1" in heard(manager, until="READY=1")
            assert "STATUS=" in heard(manager, until="WATCHDOG=1") + heard(manager, until="STATUS")
            write_tree(machine / ".machine", {"etc/bootd.conf": "[Boot]\nTimeout=soon\n"})
            daemon.process.send_signal(signal.SIGHUP)
            assert "RELOADING=1\nMONOTONIC_USEC=" in heard(manager, until="READY=1")
            assert "Timeout: 'soon' is ignored" in daemon.output()
            daemon.stop()
            assert heard(manager, until="STOPPING=1")


def heard(manager: socket.socket, *, until: str) -> str:
    """Return what was told to the service manager up to a message that has `until`."""
    told = ""
    while until not in told:
        told += manager.recv(4096).decode() + "\n"
    return told


def test_a_socket_from_systemd_is_used_and_stays(machine: Path, tmp_path: Path) -> None:
    path = f"{tmp_path}/activated"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        code = (
            "import os, sys; os.environ['LISTEN_PID'] = str(os.getpid());"
            f"os.dup2({listening.fileno()}, 3); sys.argv[1:] = ['--machine', {str(machine)!r}];"
            "from bootd.__main__ import main; sys.exit(main())"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            pass_fds=[listening.fileno(), 3],
            env=os.environ | {"LISTEN_FDS": "1", "LISTEN_FDNAMES": "varlink"},
            cwd=Path(__file__).parents[2],
        )
        try:
            snapshot = asyncio.run(first_event(path))
        finally:
            process.terminate()
            assert process.wait(10) == 0
    assert isinstance(snapshot, Snapshot)
    assert Path(path).exists()


async def first_event(path: str) -> Event:
    async with await Client.connect(path) as client, asyncio.timeout(15):
        return await anext(aiter(client.events()))


@pytest.mark.parametrize(
    ("word", "expected"), [("--help", "--machine DIR"), ("--version", "bootd ")]
)
def test_help_and_version_need_no_machine(word: str, expected: str) -> None:
    command = [sys.executable, "-m", "bootd", word]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    assert expected in done.stdout


def test_a_wrong_word_on_the_command_line_is_status_2() -> None:
    command = [sys.executable, "-m", "bootd", "--frob"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2


def choices(machine: Path) -> Path:
    return machine / ".machine/var/lib/bootd/state.json"


async def test_choices_outlive_the_daemon_in_a_folder_that_lasts(machine: Path) -> None:
    choices(machine).parent.mkdir(parents=True)
    with running_daemon(machine) as daemon:
        async with await Client.connect(daemon.socket) as client:
            await settled(client)
            saved = await client.save_overrides(DEBIAN, "quiet", Overrides(options="quiet"))
            await client.set_default(saved)
            assert (await client.describe()).kept == f"kept in {choices(machine).parent}"
        daemon.process.kill()
        daemon.process.wait(10)
    with running_daemon(machine) as daemon:
        async with await Client.connect(daemon.socket) as client:
            await settled(client)

            async def is_default() -> bool:
                return (await client.describe()).default_id == saved

            await eventually(is_default)
            listed = await client.list_options()
    assert [(each.id, each.options) for each in listed if each.base_id] == [(saved, "quiet")]


async def test_damaged_choices_are_told_and_forgotten(machine: Path) -> None:
    choices(machine).parent.mkdir(parents=True)
    choices(machine).write_bytes(b"\xff garbage")
    with running_daemon(machine) as daemon:
        async with await Client.connect(daemon.socket) as client:
            await settled(client)
            assert (await client.describe()).default_id == DEBIAN

            async def is_told() -> bool:
                return "damaged" in daemon.output()

            await eventually(is_told)


async def test_a_one_shot_is_forgotten_on_the_disk_before_it_boots(machine: Path) -> None:
    choices(machine).parent.mkdir(parents=True)
    choices(machine).write_bytes(memory.write(Remembered(one_shot=DEBIAN)))
    with running_daemon(machine, settings="Timeout=0") as daemon:
        async with await Client.connect(daemon.socket) as client:
            await eventually(lambda: rehearsed(client))
    assert memory.read(choices(machine).read_bytes())[0] == Remembered()


async def test_a_menu_that_is_killed_a_hundred_times_in_a_countdown_stops_nothing(
    machine: Path,
) -> None:
    call = b'{"method":"org.bootd.Boot.Subscribe","more":true}\0'
    with running_daemon(machine, settings="Timeout=5") as daemon:
        for number in range(100):
            with socket.socket(socket.AF_UNIX) as menu:
                menu.connect(daemon.socket)
                menu.sendall(call[: number % len(call)] if number % 3 else call)
                await asyncio.sleep(0.02)  # in the middle of a question, or of the answer

        async def has_booted() -> bool:
            with suppress(CallError):  # the last of them may still be counted
                async with await Client.connect(daemon.socket) as client:
                    return await rehearsed(client)
            return False

        await eventually(has_booted, within_s=20)


async def test_a_preferred_disk_that_is_late_is_waited_for_and_boots(machine: Path) -> None:
    settings = "Timeout=1\nWaitFor=60\nOrder=UUID=sda1 any"
    with running_daemon(machine, settings=settings) as daemon:
        async with await Client.connect(daemon.socket) as client:
            await settled(client)

            async def is_waiting() -> bool:
                return (await client.describe()).waiting_for == "UUID=sda1"

            await eventually(is_waiting)
            await asyncio.sleep(3)
            status = await client.describe()
            assert (status.default_id, status.phase) == (DEBIAN, Phase.MENU)
            daemon.plug("sda1", EXTLINUX)
            await eventually(lambda: rehearsed(client), within_s=20)
            status = await client.describe()
    assert (status.selected_id, status.waiting_for) == ("extlinux:sda1:debian", "")
