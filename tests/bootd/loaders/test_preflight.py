"""What is said before the jump."""

from bootd.linux.watchdog import Watchdog
from bootd.loaders.preflight import watchdog_notes


def test_a_watchdog_that_fires_soon_is_a_sentence() -> None:
    (note,) = watchdog_notes((Watchdog(name="watchdog0", timeout_s=16, left_s=11),))
    assert note.startswith("watchdog0 resets the machine in 11 s")


def test_without_the_time_that_is_left_its_timeout_counts() -> None:
    assert watchdog_notes((Watchdog(name="watchdog0", timeout_s=16, left_s=None),))


def test_a_patient_watchdog_is_not_mentioned() -> None:
    assert watchdog_notes((Watchdog(name="watchdog0", timeout_s=120, left_s=100),)) == ()
