"""A few thousand damaged disks; `make fuzz` runs 400,000."""

from tests.fuzz.disks import fuzz_disks


def test_damaged_disks_are_read_or_refused() -> None:
    outcome = fuzz_disks(6000, seed=3)
    assert outcome.mistakes == []
    assert outcome.accepted > 1000
    assert outcome.runs - outcome.accepted > 1000
