"""The countdown, on a clock of the test's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.model.option import WAIT_FOREVER, OptionId
from bootd.policy import autoboot
from bootd.policy.autoboot import Autoboot

A, B = OptionId("bls:1:a"), OptionId("bls:2:b")


def counting(timeout_s: int = 10) -> Autoboot:
    return autoboot.offer(Autoboot(), A, timeout_s, 100.0)


def test_the_first_default_starts_the_countdown() -> None:
    assert autoboot.seconds_left(Autoboot(), 100.0) is None
    assert autoboot.seconds_left(counting(), 100.0) == 10


def test_seconds_are_shown_rounded_up_so_that_zero_means_now() -> None:
    assert autoboot.seconds_left(counting(), 109.1) == 1
    assert autoboot.seconds_left(counting(), 110.0) == 0


def test_it_fires_once() -> None:
    state, early = autoboot.tick(counting(), 109.9)
    state, fired = autoboot.tick(state, 110.0)
    state, again = autoboot.tick(state, 200.0)
    assert (early, fired, again) == (None, A, None)


def test_a_timeout_of_nothing_fires_at_once() -> None:
    assert autoboot.tick(counting(0), 100.0)[1] == A


def test_it_does_not_fire_while_a_better_default_may_still_be_found() -> None:
    state, fired = autoboot.tick(counting(0), 100.0, probing=True)
    assert fired is None
    assert autoboot.tick(state, 100.1)[1] == A


def test_waiting_for_ever_counts_nothing_but_keeps_the_target() -> None:
    state = counting(WAIT_FOREVER)
    assert state.target == A
    assert autoboot.tick(state, 1e9)[1] is None
    assert autoboot.next_wake(state, 1e9) is None


def test_somebody_stops_it_for_good_and_is_named() -> None:
    state = autoboot.stop(counting(), "console ttyAMA0")
    state = autoboot.stop(state, "bootdctl of uid 0")
    state = autoboot.offer(state, B, 0, 101.0)
    assert state.stopped_by == "console ttyAMA0"
    assert autoboot.tick(state, 1e9)[1] is None
    assert autoboot.seconds_left(state, 101.0) is None


def test_a_better_default_takes_over_and_grants_two_seconds() -> None:
    state = autoboot.offer(counting(), B, 10, 105.0)
    assert autoboot.seconds_left(state, 105.0) == 7
    assert autoboot.tick(state, 112.0)[1] == B


def test_the_same_default_again_changes_nothing() -> None:
    assert autoboot.offer(counting(), A, 10, 105.0) == counting()


def test_a_default_that_goes_away_takes_the_countdown_with_it() -> None:
    state = autoboot.offer(counting(), None, 10, 105.0)
    assert autoboot.tick(state, 1e9)[1] is None
    assert autoboot.seconds_left(autoboot.offer(state, B, 10, 200.0), 200.0) == 10


def test_after_a_failed_boot_it_stays_off() -> None:
    state, _ = autoboot.tick(counting(0), 100.0)
    state = autoboot.fail(state)
    assert autoboot.tick(autoboot.offer(state, B, 0, 101.0), 1e9)[1] is None
    assert state.stopped_by == "failed boot"


@pytest.mark.parametrize(
    ("setting", "configuration", "chosen"),
    [
        (5, 30, 5),
        (None, 30, 30),
        (None, None, 10),
        (0, 30, 0),
        (-1, 3, WAIT_FOREVER),
        (None, 10**9, autoboot.MAX_TIMEOUT_S),
    ],
)  # fmt: skip - rows
def test_the_setting_wins_over_the_configuration(
    setting: int | None, configuration: int | None, chosen: int
) -> None:
    assert autoboot.choose_timeout(setting, configuration) == chosen


@given(st.floats(0, 1e6), st.integers(0, 100))
def test_waking_as_told_always_ends_in_firing(start: float, timeout_s: int) -> None:
    state, now, fired = autoboot.offer(Autoboot(), A, timeout_s, start), start, None
    for _ in range(timeout_s + 3):
        now += autoboot.next_wake(state, now) or 0.0
        state, fired = autoboot.tick(state, now)
        if fired:
            break
    assert fired == A


def test_something_better_is_waited_for_although_the_time_is_over() -> None:
    state = autoboot.expect(counting(2), 115.0)
    assert autoboot.tick(state, 114.9)[1] is None
    assert autoboot.seconds_left(state, 103.0) == 12
    assert autoboot.tick(state, 115.0)[1] == A


def test_waiting_ends_where_nothing_is_expected_any_more() -> None:
    state = autoboot.expect(autoboot.expect(counting(2), 115.0), None)
    assert autoboot.tick(state, 102.0)[1] == A


def test_what_was_waited_for_gets_its_two_seconds() -> None:
    state = autoboot.expect(counting(2), 115.0)
    state = autoboot.expect(autoboot.offer(state, B, 2, 108.0), None)
    assert autoboot.tick(state, 109.9)[1] is None
    assert autoboot.tick(state, 110.0)[1] == B


def test_patience_never_makes_a_countdown_shorter() -> None:
    state = autoboot.expect(counting(10), 101.0)
    assert autoboot.tick(state, 109.9)[1] is None
    assert autoboot.tick(state, 110.0)[1] == A


def test_a_menu_that_waits_for_a_person_waits_for_no_disk() -> None:
    state = autoboot.expect(counting(WAIT_FOREVER), 115.0)
    assert autoboot.seconds_left(state, 100.0) is None
    assert autoboot.tick(state, 1e9)[1] is None


steps = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "none", "stop", "expect", "tick", "probing"]),
        st.floats(min_value=0, max_value=20),
    ),
    max_size=30,
)


@given(st.sampled_from([WAIT_FOREVER, 0, 1, 10]), steps)
def test_it_fires_at_most_once_never_early_and_never_after_a_stop(
    timeout_s: int, steps: list[tuple[str, float]]
) -> None:
    state, now, started, stopped, fired = Autoboot(), 0.0, None, False, 0
    for what, pause in steps:
        now += pause
        match what:
            case "a" | "b" | "none":
                target = {"a": A, "b": B, "none": None}[what]
                if state.target is None and target is not None:
                    started = now
                state = autoboot.offer(state, target, timeout_s, now)
            case "stop":
                state, stopped = autoboot.stop(state, "a test"), True
            case "expect":
                state = autoboot.expect(state, now + pause)
            case _:
                state, target = autoboot.tick(state, now, probing=what == "probing")
                if target is not None:
                    fired += 1
                    assert not stopped
                    assert what == "tick"
                    assert timeout_s != WAIT_FOREVER
                    assert started is not None
                    assert now >= started + timeout_s
    assert fired <= 1


@given(st.floats(min_value=0, max_value=100), st.floats(min_value=0, max_value=100))
def test_waking_up_as_told_reaches_the_end(patience: float, timeout_s: float) -> None:
    state, now = autoboot.expect(counting(int(timeout_s)), 100.0 + patience), 100.0
    for _ in range(300):
        state, target = autoboot.tick(state, now)
        if target is not None:
            break
        wake = autoboot.next_wake(state, now)
        assert wake is not None
        assert wake <= 1.0
        now += max(wake, 1e-6)
    assert state.fired
    assert now == pytest.approx(max(100.0 + patience, 100.0 + int(timeout_s)), abs=0.01)
