"""Profiles and trees of the administrator, read when something is booted."""

from pathlib import Path
from zlib import crc32

from bootd.model.board import Base, LiveChoice, Tier
from bootd.services.board import BoardReader
from tests.support.trees import blob, live_board

LIVE = blob(live_board())
PROFILE = '[match]\ncompatible = ["acme,*"]\n'


def reader(root: Path, live: bytes | None = LIVE) -> BoardReader:
    return BoardReader(root=str(root), live=lambda choice: (live, (f"read {choice.value}",)))


def put(root: Path, place: str, text: str) -> None:
    (root / place).parent.mkdir(parents=True, exist_ok=True)
    (root / place).write_text(text)


def test_without_profiles_only_the_running_tree_is_known(tmp_path: Path) -> None:
    board = reader(tmp_path).read(LiveChoice.BOOT, Tier.SIGNED)
    assert board.live == LIVE
    assert board.notes == ("read boot",)
    assert board.tier is Tier.SIGNED
    assert board.profile.names == ()


def test_a_profile_in_etc_hides_one_of_the_same_name(tmp_path: Path) -> None:
    put(tmp_path, "usr/lib/bootd/boards.d/a.toml", f'base = "live"\nreason = "x"\n{PROFILE}')
    put(tmp_path, "etc/bootd/boards.d/a.toml", PROFILE)
    profile = reader(tmp_path).read(LiveChoice.RUNTIME, Tier.OPEN).profile
    assert profile.names == ("a",)
    assert profile.base is Base.MERGE


def test_a_profile_of_another_board_does_not_count(tmp_path: Path) -> None:
    put(tmp_path, "etc/bootd/boards.d/a.toml", '[match]\ncompatible = ["other,*"]\n')
    assert reader(tmp_path).read(LiveChoice.RUNTIME, Tier.OPEN).profile.names == ()


def test_a_mistake_becomes_a_note_and_the_others_count(tmp_path: Path) -> None:
    put(tmp_path, "etc/bootd/boards.d/a.toml", "oops")
    put(tmp_path, "etc/bootd/boards.d/b.toml", PROFILE)
    board = reader(tmp_path).read(LiveChoice.RUNTIME, Tier.OPEN)
    assert board.profile.names == ("b",)
    assert "a.toml:1: " in board.notes[1]


def test_the_firmwares_own_tree_and_a_whole_tree_are_read(tmp_path: Path) -> None:
    put(
        tmp_path, "etc/bootd/boards.d/a.toml", f'original = "/fw.dtb"\ntree = "/all.dtb"\n{PROFILE}'
    )
    (tmp_path / "fw.dtb").write_bytes(b"firmware")
    (tmp_path / "all.dtb").write_bytes(LIVE + b"x")
    board = reader(tmp_path).read(LiveChoice.RUNTIME, Tier.OPEN)
    assert (board.live, board.original) == (LIVE + b"x", b"firmware")


def test_a_machine_without_tree_gets_the_one_of_a_profile_for_such_machines(
    tmp_path: Path,
) -> None:
    put(
        tmp_path,
        "etc/bootd/boards.d/a.toml",
        'tree = "/all.dtb"\n[match]\nnode = "/"\nwithout-board = true\n',
    )
    (tmp_path / "all.dtb").write_bytes(LIVE)
    assert reader(tmp_path, None).read(LiveChoice.RUNTIME, Tier.OPEN).live == LIVE


def test_a_tree_that_is_not_there_becomes_a_note(tmp_path: Path) -> None:
    put(tmp_path, "etc/bootd/boards.d/a.toml", f'original = "/fw.dtb"\n{PROFILE}')
    board = reader(tmp_path).read(LiveChoice.RUNTIME, Tier.OPEN)
    assert board.original is None
    assert (
        board.notes[-1] == "/fw.dtb of the board profile cannot be read: No such file or directory"
    )


def test_what_u_boot_calls_the_dtb_is_read_from_its_environment(tmp_path: Path) -> None:
    put(tmp_path, "etc/fw_env.config", "/flash 0 0x100\n")
    body = b"fdtfile=acme/board.dtb\0\0".ljust(0xFC, b"\0")
    (tmp_path / "flash").write_bytes(crc32(body).to_bytes(4, "little") + body)
    assert reader(tmp_path).read(LiveChoice.RUNTIME, Tier.OPEN).fdtfile == "acme/board.dtb"


def test_an_environment_that_cannot_be_read_becomes_a_note(tmp_path: Path) -> None:
    put(tmp_path, "etc/fw_env.config", "/flash 0 0x100\n")
    board = reader(tmp_path).read(LiveChoice.RUNTIME, Tier.OPEN)
    assert board.fdtfile == ""
    assert "/flash, named in" in board.notes[-1]
