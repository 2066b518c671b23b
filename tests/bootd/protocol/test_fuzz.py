"""A few thousand damaged messages; `make fuzz` runs 300,000."""

from tests.fuzz.messages import fuzz_messages


def test_damaged_messages_are_read_or_refused() -> None:
    outcome = fuzz_messages(3000, seed=3)
    assert outcome.mistakes == []
    assert outcome.accepted > 500
    assert outcome.runs - outcome.accepted > 500
