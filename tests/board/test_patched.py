"""The whole line on a kernel with bootd's patches: the merged tree goes through kexec_file_load."""

import errno
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from image import firmware, kernel_series
from image.build import Products
from image.kernel_series import SERIES
from tests.support.board import Board, booted
from tests.support.patched import load, option
from tests.support.second import Second

pytestmark = [pytest.mark.patched, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def kernel() -> Path:
    return kernel_series.build(SERIES["6.12"])


@pytest.fixture(scope="module", params=["virt", "virt-gicv3"])
def board(
    request: pytest.FixtureRequest,
    products: Products,
    kernel: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Board]:
    """A board in its menu, which also ran the patches' own tests; booting it comes last."""
    folder = tmp_path_factory.mktemp(request.param)
    words = "bootd.timeout=600 kunit.enable=1"
    with booted(products, folder, board=request.param, words=words, kernel=kernel) as running:
        running.wait("the option", lambda: option(running), 120)
        yield running


@pytest.fixture(scope="module")
def second(board: Board) -> Second:
    board.check(f"bootdctl boot {option(board)} >/dev/null", 90)
    return board.second(120)


def test_the_kernels_own_tests_of_good_hostile_and_mutated_trees_pass(board: Board) -> None:
    output = board.check("dmesg | grep 'kexec_dtb: '")
    assert "pass:9 fail:0 skip:0 total:9" in output


def test_malformed_oversize_and_foreign_trees_are_refused_and_nothing_is_loaded(
    board: Board,
) -> None:
    told = load(board, "garbage", "truncated", "no-end", "oversize", "foreign", "empty")
    assert told == {
        "garbage": "EUCLEAN",
        "truncated": "EUCLEAN",
        "no-end": "EUCLEAN",
        "oversize": "EFBIG",
        "foreign": "ENODEV",
        "empty": "EINVAL",
    }
    assert "not one for qemu,virt" in board.check("dmesg | grep 'OF: kexec'")


def test_the_tables_of_the_interrupt_controller_are_shown_as_reserved(board: Board) -> None:
    described = json.loads(board.check("bootdctl status --json"))
    assert described, "the daemon answers"
    output = board.check("dmesg | grep 'LPI property table' || true")
    for line in output.splitlines():
        address = int(line.rpartition("@0x")[2], 16)
        iomem = board.check("cat /proc/iomem")
        assert f"{address:08x}-" in iomem


def test_the_merged_tree_goes_through_kexec_file_load(board: Board) -> None:
    told = json.loads(board.check(f"bootdctl explain {option(board)} --json", 60))
    assert told["loader"] == "kexec_file_dtb"
    assert told["tree"]["origin"] == "merged"


def test_the_second_kernel_sees_it(second: Second) -> None:
    assert second.tree["/chosen/bootd,loader"] == b"kexec_file_dtb\0"
    assert second.tree["/bootd-demo/greeting"] == firmware.GREETING.encode() + b"\0"
    assert second.tree["/serial-number"] == firmware.SERIAL.encode() + b"\0"
    assert second.cmdline == "console=ttyAMA0 panic=-1 entry=larch demo"
    assert second.processors == firmware.PROCESSORS


@pytest.mark.usefixtures("second")
def test_no_interrupt_table_of_the_first_kernel_writes_into_the_second(board: Board) -> None:
    assert "memory probably corrupted" not in board.text()
    assert "not found" not in board.text().rpartition("Expected reserved range")[2][:100]


def test_what_the_errors_are_called_is_what_the_kernel_says() -> None:
    # The kernel's text of them stands in kernel/*/0006*.patch, and bootd's in loaders/failure.py.
    codes = ("EFBIG", "EUCLEAN", "ENODEV", "EPERM", "EACCES")
    text = next((kernel_series.KERNEL / "6.12").glob("0006-*.patch")).read_text()
    assert all(hasattr(errno, code) and f"  {code}\t" in text for code in codes)
