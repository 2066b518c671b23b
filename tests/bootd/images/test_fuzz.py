"""A few thousand damaged images; `make fuzz` runs 100,000."""

from tests.fuzz.images import fuzz_images


def test_three_thousand_damaged_images_are_described_or_refused() -> None:
    outcome = fuzz_images(3000, seed=5)
    assert outcome.mistakes == []
    assert 0 < outcome.accepted < outcome.runs
