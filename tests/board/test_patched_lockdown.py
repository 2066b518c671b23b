"""A patched kernel that is locked down: what it takes, and what a person is told."""

from pathlib import Path

import pytest

from image import kernel_series
from image.build import Products
from image.kernel_series import SERIES
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


def test_imas_policy_measures_trees_and_refuses_unsigned_ones(
    products: Products, kernel: Path, tmp_path: Path
) -> None:
    policy = "measure func=KEXEC_DTB_CHECK\\nappraise func=KEXEC_DTB_CHECK appraise_type=imasig"
    ima = "/sys/kernel/security/ima"
    with booted(products, tmp_path, words=WORDS, kernel=kernel) as board:
        board.wait("the option", lambda: option(board), 120)
        board.check(f"printf '{policy}\\n' > {ima}/policy")
        assert load(board, "live") == {"live": "EACCES"}
        measured = board.check(f"cat {ima}/ascii_runtime_measurements")
        assert len(measured.splitlines()) >= 2, measured
