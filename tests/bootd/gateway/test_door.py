"""How many may knock and be inside."""

import pytest

from bootd.gateway.door import MAX_INSIDE, MAX_KNOCKING, MAX_OF_ADDRESS, Door, origin, shown
from bootd.server.access import MAX_CLIENTS_PER_UID


def test_the_one_who_has_knocked_the_longest_gives_way() -> None:
    door: Door[int] = Door()
    assert [door.knock(guest, f"10.0.0.{guest}") for guest in range(MAX_KNOCKING)] == (
        [None] * MAX_KNOCKING
    )
    assert door.knock(99, "10.0.0.99") == 0
    door.leave(0)
    assert not door.enter(0)
    assert door.enter(99)


def test_so_many_are_inside_and_the_next_is_not_let_in() -> None:
    door: Door[int] = Door()
    for guest in range(MAX_INSIDE):
        door.knock(guest, f"10.0.0.{guest}")
        assert door.enter(guest)
    door.knock(99, "10.0.0.99")
    assert not door.enter(99)
    door.leave(3)
    assert door.enter(99)


def test_an_address_has_a_few_places_and_gets_them_back() -> None:
    door: Door[int] = Door()
    for guest in range(MAX_OF_ADDRESS):
        assert not door.full_for("10.0.0.1")
        door.knock(guest, "10.0.0.1")
    door.enter(0)
    assert door.full_for("10.0.0.1")
    assert not door.full_for("10.0.0.2")
    door.leave(0)
    door.leave(0)
    assert not door.full_for("10.0.0.1")


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("10.0.0.7", "10.0.0.7"),
        ("::ffff:10.0.0.7", "10.0.0.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_an_ipv6_host_counts_as_its_network(address: str, counted: str) -> None:
    assert origin(address) == counted


def test_an_address_is_shown_as_people_write_it() -> None:
    assert shown("::ffff:10.0.0.7") == "10.0.0.7"
    assert shown("2001:db8::1") == "2001:db8::1"


def test_the_daemon_has_room_for_all_that_are_inside() -> None:
    assert MAX_INSIDE < MAX_CLIENTS_PER_UID
