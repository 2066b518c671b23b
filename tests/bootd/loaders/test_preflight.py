"""What is said before the jump."""

from bootd.linux.watchdog import Watchdog
from bootd.loaders.preflight import Plan, watchdog_notes


def test_a_watchdog_that_fires_soon_is_a_sentence() -> None:
    (note,) = watchdog_notes((Watchdog(name="watchdog0", timeout_s=16, left_s=11),))
    assert note.startswith("watchdog0 resets the machine in 11 s")


def test_without_the_time_that_is_left_its_timeout_counts() -> None:
    assert watchdog_notes((Watchdog(name="watchdog0", timeout_s=16, left_s=None),))


def test_a_patient_watchdog_is_not_mentioned() -> None:
    assert watchdog_notes((Watchdog(name="watchdog0", timeout_s=120, left_s=100),)) == ()


def test_a_watchdog_that_will_be_armed_is_judged_by_its_new_time() -> None:
    running = (Watchdog(name="watchdog0", timeout_s=16, left_s=11),)
    plan = Plan(seconds=120, names=("watchdog0",), lasts=True)
    assert watchdog_notes(running, plan) == ()
    (note,) = watchdog_notes(running, Plan(seconds=20, names=("watchdog0",), lasts=True))
    assert note.startswith("watchdog0 resets the machine in 20 s")
    assert "RebootWatchdogSec" in note


def test_another_one_that_fires_soon_is_still_a_sentence() -> None:
    running = (Watchdog(name="watchdog1", timeout_s=16, left_s=11),)
    (note,) = watchdog_notes(running, Plan(seconds=120, names=("watchdog0",), lasts=True))
    assert note.startswith("watchdog1 resets the machine in 11 s")


def test_one_that_may_be_stopped_on_the_way_is_said_with_what_helps() -> None:
    (note,) = watchdog_notes((), Plan(seconds=60, names=("watchdog0",), lasts=False))
    assert "watchdog.stop_on_reboot=0" in note


def test_a_machine_without_a_watchdog_is_said() -> None:
    (note,) = watchdog_notes((), Plan(seconds=60, names=(), lasts=True))
    assert "has no watchdog" in note
