"""The whole line on an emulated board: power on, find, list, choose, merge, kexec."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from image import firmware
from image.build import Products
from tests.support import boardattacks
from tests.support.board import Board, booted
from tests.support.second import Second

pytestmark = [pytest.mark.board, pytest.mark.timeout(150)]

TITLES = (
    "Fjord OS 12",
    "Fjord OS 12 rescue",
    "Larch Linux 6.1",
    "Larch Linux 6.1 with an overlay",
    "Larch Linux 5.10 (its kernel is gone)",
    "Larch Linux 6.1 with a corrupt device tree",
    "Larch Linux 6.1 with another board's device tree",
)


@pytest.fixture(scope="module", params=["virt", "virt-gicv3"])
def board(
    request: pytest.FixtureRequest,
    products: Products,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Board]:
    """A board in its menu; tests that end that state come last in this file."""
    folder = tmp_path_factory.mktemp(request.param)
    # The countdown has a test of its own: here it must not run out between two others.
    with booted(products, folder, board=request.param, words="bootd.timeout=600") as running:
        wait_for_options(running, len(TITLES))
        yield running


@pytest.fixture(scope="module")
def second(board: Board) -> Second:
    """The default entry, booted over the socket."""
    board.check(f"bootdctl boot {option(board, 'Larch Linux 6.1')['id']} >/dev/null", 60)
    return board.second(60)


SECOND = """\
import os, subprocess, time
here, there = os.openpty()
subprocess.Popen(
    ["bootmenu", "--ui", "plain", "--console", "ttyGS0", "--tty", os.ttyname(there)],
    stdin=subprocess.DEVNULL,
)
typed = False
while True:
    text = os.read(here, 4096)
    os.write(1, text)
    if b"overlay" in text and not typed:
        typed = True
        time.sleep(1)
        os.write(here, b"t 490\\n")
"""
"""A second terminal in the board with the plain face on it, on which somebody types."""


def other(board: Board) -> str:
    """Return what the second terminal has shown."""
    return board.run("cat /run/second.log; echo")[1]


def options(board: Board) -> list[dict[str, Any]]:
    status, output = board.run("bootdctl list --json")
    if status != 0:
        return []
    listed: list[dict[str, Any]] = json.loads(output)
    return listed


def option(board: Board, title: str) -> dict[str, Any]:
    return next(listed for listed in options(board) if listed["title"] == title)


def titles(board: Board) -> set[str]:
    return {listed["title"] for listed in options(board)}


def wait_for_options(board: Board, count: int) -> None:
    board.wait(f"{count} options", lambda: len(options(board)) >= count or None, 60)


def test_both_disks_options_are_listed_over_the_socket_with_their_exact_titles(
    board: Board,
) -> None:
    assert titles(board) == set(TITLES)


@pytest.mark.parametrize("title", TITLES)
def test_the_serial_screen_shows_the_title(board: Board, title: str) -> None:
    board.wait_screen(re.escape(title) + r"(?!\w)", 30)


def test_a_disk_that_is_plugged_in_brings_its_option_and_takes_it_along_when_pulled(
    board: Board, products: Products
) -> None:
    board.plug("stick", products.disk("stick"))
    board.wait("the stick's option", lambda: "Stick Linux" in titles(board) or None, 20)
    board.wait_screen("Stick Linux", 10)
    board.pull("stick")
    board.wait("its end", lambda: "Stick Linux" not in titles(board) or None, 20)
    board.wait("its end on the screen", lambda: "Stick" not in board.screen.text() or None, 10)


def test_two_consoles_show_the_same_and_each_says_who_acted(board: Board) -> None:
    board.check(f"cat > /run/second.py <<'EOF'\n{SECOND}EOF")
    board.check("python3 /run/second.py >/run/second.log 2>&1 &")
    board.wait(
        "the other menu", lambda: "Larch Linux 6.1 with an overlay" in other(board) or None, 60
    )
    board.wait_screen(r"Booting in 4\d\d s", 30)
    board.type("j")
    words = "Countdown stopped by console ttyAMA0"
    board.wait("what was done here", lambda: words in other(board) or None, 30)
    board.wait_screen("Countdown stopped by console ttyAMA0", 10)


@pytest.mark.parametrize(
    ("title", "reason"),
    [
        ("Larch Linux 5.10 (its kernel is gone)", "/boot/vmlinuz-5.10"),
        ("Larch Linux 6.1 with a corrupt device tree", "/boot/dtb/corrupt.dtb"),
        ("Larch Linux 6.1 with another board's device tree", "rk3399-rockpro64"),
    ],
)
def test_a_broken_entry_says_why_it_cannot_boot_and_the_board_stays(
    board: Board, title: str, reason: str
) -> None:
    broken = option(board, title)
    status, output = board.run(f"bootdctl boot {broken['id']} 2>&1", 60)
    assert status != 0
    assert reason in output
    assert titles(board) == set(TITLES)


def test_the_explanation_names_the_tree_and_where_values_come_from(board: Board) -> None:
    output = board.check(f"bootdctl explain {option(board, 'Larch Linux 6.1')['id']} --json", 60)
    tree = json.loads(output)["tree"]
    compatible = firmware.BOARDS["virt-gicv3" if "gicv3" in output else "virt"].compatible
    assert tree["origin"] == "merged"
    assert compatible.partition(",")[2] in tree["summary"]
    assert {fact["source"] for fact in tree["facts"]} >= {"live", "boot-option"}


def test_a_worker_that_was_taken_over_is_stopped_on_this_processor_too(board: Board) -> None:
    came = boardattacks.outcomes(board)
    assert came.pop("missing") == "", "this kernel has everything"
    assert len(came) == boardattacks.ATTACKS
    assert set(came.values()) <= {"refused", "ended"}, came
    assert came["exec"] == "ended"


def test_the_second_kernel_runs_its_own_initrd(second: Second) -> None:
    assert second.system == "Larch Linux"


def test_its_cmdline_is_the_entrys_to_the_letter(second: Second) -> None:
    wanted = "console=ttyAMA0 panic=-1 entry=larch demo"
    assert second.cmdline == wanted
    assert second.tree["/chosen/bootargs"] == wanted.encode() + b"\0"


def test_it_has_what_only_the_shipped_tree_has(second: Second) -> None:
    assert second.tree["/bootd-demo/greeting"] == firmware.GREETING.encode() + b"\0"
    assert second.tree["/pl011@9000000/bootd,shipped"] == b"yes\0"


def test_it_has_the_memory_that_only_the_live_tree_has(second: Second) -> None:
    size = firmware.MEMORY_MIB << 20
    assert second.tree["/memory@40000000/reg"] == (0x40000000 << 64 | size).to_bytes(16, "big")
    assert second.memory_kib > 400 << 10


def test_it_has_the_mac_address_and_serial_number_of_this_board(second: Second) -> None:
    mac = bytes.fromhex(firmware.MAC.replace(":", ""))
    assert second.tree[f"{firmware.ETHERNET}/local-mac-address"] == mac
    assert second.tree["/serial-number"] == firmware.SERIAL.encode() + b"\0"


def test_it_starts_every_processor_through_psci(second: Second) -> None:
    assert second.processors == firmware.PROCESSORS
    assert second.tree["/cpus/cpu@1/enable-method"] == b"psci\0"


@pytest.mark.usefixtures("second")
def test_no_interrupt_table_of_the_first_kernel_writes_into_the_second(board: Board) -> None:
    assert "memory probably corrupted" not in board.text()


def test_nothing_of_the_first_kernels_chosen_is_left(second: Second) -> None:
    chosen = {path for path in second.tree if path.startswith("/chosen/")}
    known = {"bootargs", "linux,initrd-start", "linux,initrd-end", "linux,booted-from-kexec"}
    known |= {"stdout-path", "kaslr-seed", "rng-seed", "name"}
    left = {path.removeprefix("/chosen/") for path in chosen} - known
    assert all(name.startswith("bootd,") for name in left)
    start = int.from_bytes(second.tree["/chosen/linux,initrd-start"], "big")
    end = int.from_bytes(second.tree["/chosen/linux,initrd-end"], "big")
    assert 0 < end - start < 4 << 20, "the first kernel's initrd is larger than that"
