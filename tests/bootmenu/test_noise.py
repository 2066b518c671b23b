import random

import pytest

from bootmenu.noise import is_noise


@pytest.mark.parametrize(
    "data",
    [b"\r", b"j", b"jjjj\r", b"\x1b[B\x1b[B\r", b"\x1bOA", b"?", b" ", b"\x1b[24;80R", b"12"],
)
def test_what_keys_send_is_no_noise(data: bytes) -> None:
    assert not is_noise(data)


@pytest.mark.parametrize("data", [b"\xff\x00\xfe\r", b"\x00", b"\x80\r", b"~}{zq\r", b"\x9b1\r"])
def test_bytes_that_no_person_sends_at_once_are_noise(data: bytes) -> None:
    assert is_noise(data)


def test_random_bytes_with_a_carriage_return_are_told_almost_always() -> None:
    source = random.Random(37)  # noqa: S311 - the same bytes each time
    bursts = [source.randbytes(15) + b"\r" for _ in range(2000)]
    assert all(map(is_noise, bursts))
