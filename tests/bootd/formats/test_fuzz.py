"""A short run of what `make fuzz` does with configurations."""

from tests.fuzz.formats import fuzz_formats


def test_damaged_configurations_are_answered() -> None:
    outcome = fuzz_formats(600, seed=7)
    assert outcome.mistakes == []
    assert outcome.accepted > 300
