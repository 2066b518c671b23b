"""A patched kernel that is locked down: what it takes, and what a person is told."""

from pathlib import Path

import pytest

from image import kernel_series
from image.build import Products
from image.kernel_series import SERIES
from tests.support import signed_trees
from tests.support.board import booted
from tests.support.patched import load, option

pytestmark = [pytest.mark.patched, pytest.mark.timeout(900)]

WORDS = "bootd.timeout=600 lockdown=integrity"
NAMES_FILES = "Larch Linux 6.1 with an overlay"
"""An option that names the parts of its tree; one with a folder of DTBs gets the running tree."""


@pytest.fixture(scope="module")
def kernel() -> Path:
    return kernel_series.build(SERIES["6.12"])


def test_a_locked_down_kernel_takes_no_unsigned_tree_and_a_person_is_told_what_to_do(
    products: Products, kernel: Path, tmp_path: Path
) -> None:
    with booted(products, tmp_path, words=WORDS, kernel=kernel) as board:
        chosen = board.wait("the option", lambda: option(board, NAMES_FILES), 120)
        status, output = board.run(f"bootdctl boot {chosen} 2>&1", 60)
        assert status != 0
        assert "locked and takes only its own running device tree" in output
        assert "choose the running device tree for this boot" in output
        assert load(board, "live") == {"live": "EPERM"}
        assert "KEXEC_DTB_CHECK" in board.check("dmesg | grep 'must be signed'")


def test_imas_policy_measures_trees_and_takes_those_that_are_signed_and_change_no_facts(
    products: Products, kernel: Path, tmp_path: Path
) -> None:
    with booted(products, tmp_path, words=WORDS, kernel=kernel) as board:
        board.wait("the option", lambda: option(board), 120)
        signed_trees.trust(board)
        signed_trees.put_trees(board, tmp_path)
        assert load(board, "live", "signed", "signed-for-another", "signed-memory") == {
            "live": "EACCES",
            "signed": "loaded",
            "signed-for-another": "EACCES",
            "signed-memory": "EACCES",
        }
        assert "must not change node memory@40000000" in board.check("dmesg | grep 'OF: kexec'")
        # Where the file system keeps no attributes the signature follows the tree.
        told = load(board, "appended", "appended-memory")
        assert told == {"appended": "loaded", "appended-memory": "EACCES"}
        ima = "/sys/kernel/security/ima"
        measured = board.check(f"cat {ima}/ascii_runtime_measurements")
        assert len(measured.splitlines()) >= 4, measured
