"""A boot is confirmed by the system that was booted; its root is a folder here."""

from pathlib import Path
from zlib import crc32

import pytest

from bootd.model.remembered import Remembered
from bootd.model.tries import Tries
from bootd.protocol import memory
from bootd.services import blessing
from bootd.services.blessing import Verdict

ID = "extlinux:b007d000-0001:debian"
TRIED = Remembered(default=ID, tries=(Tries(id=ID, left=1, done=2),))


class System:
    """A booted system's root, whose bootd keeps its state in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.state = root / "state" / "state.json"
        self.state.parent.mkdir(parents=True)
        self.write("etc/bootd.conf", f"[Boot]\nState={self.state.parent}\n")

    def write(self, name: str, text: str | bytes) -> None:
        place = self.root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode() if isinstance(text, str) else text)

    async def bless(self, verdict: Verdict = Verdict.GOOD) -> blessing.Outcome:
        return await blessing.bless(ID, verdict, str(self.root))

    @property
    def remembered(self) -> Remembered:
        return memory.read(self.state.read_bytes())[0]


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path)


def test_the_tree_says_which_option_it_was(system: System) -> None:
    system.write("proc/device-tree/chosen/bootd,option", f"{ID}\0")
    system.write("proc/cmdline", "ro quiet\n")
    assert blessing.started_from(str(system.root)) == ID


def test_without_a_tree_the_command_line_does(system: System) -> None:
    system.write("proc/cmdline", f"ro bootd.entry={ID} quiet\n")
    assert blessing.started_from(str(system.root)) == ID


def test_a_system_that_something_else_has_started_is_no_option(system: System) -> None:
    system.write("proc/cmdline", "ro quiet\n")
    assert blessing.started_from(str(system.root)) == ""


async def test_a_confirmation_gives_the_tries_back_and_is_the_last_good_one(
    system: System,
) -> None:
    system.state.write_bytes(memory.write(TRIED))
    outcome = await system.bless()
    assert not outcome.failed
    assert outcome.said == (f"{ID} is confirmed, in {system.state.parent}",)
    assert system.remembered.tries == (Tries(id=ID, left=3, done=0),)
    assert (system.remembered.last_good, system.remembered.default) == (ID, ID)


async def test_a_second_confirmation_writes_nothing(system: System) -> None:
    await system.bless()
    before = system.state.stat()
    outcome = await system.bless()
    assert outcome.said == (f"{ID} is confirmed already, in {system.state.parent}",)
    assert system.state.stat().st_mtime_ns == before.st_mtime_ns


async def test_the_first_confirmation_of_all_begins_the_state(system: System) -> None:
    outcome = await system.bless()
    assert not outcome.failed
    assert system.remembered.last_good == ID


async def test_a_bad_boot_is_marked_so(system: System) -> None:
    system.state.write_bytes(memory.write(TRIED))
    outcome = await system.bless(Verdict.BAD)
    assert outcome.said == (f"{ID} is marked as bad, in {system.state.parent}",)
    assert system.remembered.tries == (Tries(id=ID, left=0, done=3),)
    assert system.remembered.last_good == ""


@pytest.mark.parametrize("text", [b"", b"\0\0", b'{"version": 1, "crc', b"\xff" * 99])
async def test_a_damaged_state_is_told_and_written_anew(system: System, text: bytes) -> None:
    system.state.write_bytes(text)
    outcome = await system.bless()
    assert not outcome.failed
    assert system.remembered.last_good == ID
    assert len(outcome.said) == (2 if text.strip(b"\0") else 1)


async def test_a_state_that_cannot_be_written_is_a_failure(system: System) -> None:
    system.state.mkdir()
    outcome = await system.bless()
    assert outcome.failed
    assert f"in {system.state.parent}" in outcome.said[0]


async def test_without_any_place_nothing_is_counted_and_nothing_fails(system: System) -> None:
    system.write("etc/bootd.conf", "[Boot]\nState=none\n")
    outcome = await system.bless()
    assert not outcome.failed
    assert outcome.said == (f"{ID}: its boots are counted nowhere that this system can reach",)


async def test_u_boots_environment_is_reached_from_the_booted_system(system: System) -> None:
    size = 0x4000
    body = (b"bootdelay=2\0bootd=" + memory.write(TRIED).strip() + b"\0\0").ljust(size - 5, b"\0")
    for name, flag in (("env0", 1), ("env1", 0)):
        system.write(name, crc32(body).to_bytes(4, "little") + bytes([flag]) + body)
    config = "".join(f"/env{number} 0x0 {size:#x}\n" for number in range(2))
    system.write("etc/fw_env.config", config)
    system.write("etc/bootd.conf", "[Boot]\nState=uboot\n")
    outcome = await system.bless()
    assert outcome.said == (f"{ID} is confirmed, in U-Boot's environment",)
    again = await system.bless()
    assert again.said == (f"{ID} is confirmed already, in U-Boot's environment",)
    assert b"bootdelay=2\0" in (system.root / "env1").read_bytes()


async def test_how_an_option_stands_is_said(system: System) -> None:
    root = str(system.root)
    assert await blessing.describe(ID, root) == f"{ID} has no counter"
    system.state.write_bytes(memory.write(TRIED))
    assert "was tried twice without a confirmation" in await blessing.describe(ID, root)
    await system.bless()
    assert await blessing.describe(ID, root) == f"{ID} is confirmed (in {system.state.parent})"
