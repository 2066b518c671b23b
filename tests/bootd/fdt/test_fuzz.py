"""A taste of `make fuzz`: the same code, fewer damaged blobs."""

import random

from bootd.errors import FdtError
from bootd.fdt import read
from tests.fuzz.trees import fuzz_blobs, fuzz_merges, fuzz_overlays, mutate
from tests.support.trees import blob, board


def test_damaged_blobs_are_refused_or_are_what_libfdt_accepts_too() -> None:
    outcome = fuzz_blobs(5000, seed=7)
    assert outcome.mistakes == []
    assert 100 < outcome.accepted < 4000


def test_damaged_overlays_are_refused_or_applied_as_libfdt_does() -> None:
    outcome = fuzz_overlays(3000, seed=7)
    assert outcome.mistakes == []
    assert 20 < outcome.accepted < 2500


def test_the_damage_is_done_everywhere_in_a_blob() -> None:
    rng = random.Random(1)  # noqa: S311 - repeatable on purpose
    sound = blob(board())
    reasons: set[str] = set()
    for _ in range(2000):
        try:
            read(mutate(rng, sound))
        except FdtError as error:
            reasons.add(error.reason.split("(")[0][:24])
    assert len(reasons) > 25


def test_damaged_trees_are_refused_by_a_merge_or_come_out_sound() -> None:
    outcome = fuzz_merges(1000, seed=7)
    assert outcome.mistakes == []
    assert 20 < outcome.accepted < 800
