"""What is remembered survives as text, and damaged text is nothing remembered, with a reason."""

import json
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootd.errors import SettingError
from bootd.model.remembered import MAX_BYTES, NOTHING, Remembered, SavedOverrides
from bootd.model.tries import Tries
from bootd.protocol import memory

FULL = Remembered(
    default="bls:aaaa:debian*",
    one_shot="grub:bbbb:rescue",
    last_chosen="bls:aaaa:debian-6.12",
    autoboot=False,
    timeout_s=-1,
    order=("UUID=aaaa", "nvme", "any"),
    saved=(SavedOverrides(option="bls:aaaa:debian", name="quiet", overrides='{"options":"q"}'),),
    tries=(Tries(id="bls:aaaa:debian", left=2, done=1),),
    last_good="bls:aaaa:debian",
)

texts = st.text(max_size=40)
numbers = st.integers(min_value=-1, max_value=1 << 40)
remembered = st.builds(
    Remembered,
    default=texts,
    one_shot=texts,
    last_chosen=texts,
    autoboot=st.none() | st.booleans(),
    timeout_s=st.none() | numbers,
    order=st.none() | st.lists(texts, max_size=8).map(tuple),
    saved=st.lists(
        st.builds(SavedOverrides, option=texts, name=texts, overrides=texts), max_size=4
    ).map(tuple),
    tries=st.lists(st.builds(Tries, id=texts, left=numbers, done=numbers), max_size=4).map(tuple),
    last_good=texts,
)


@given(remembered)
def test_what_is_written_is_read_again(value: Remembered) -> None:
    assert memory.read(memory.write(value)) == (value, "")


@given(remembered, st.data())
def test_a_flipped_bit_never_yields_something_else(value: Remembered, data: st.DataObject) -> None:
    text = bytearray(memory.write(value))
    text[data.draw(st.integers(0, len(text) - 2))] ^= 1 << data.draw(st.integers(0, 7))
    found, why = memory.read(bytes(text))
    assert found in (NOTHING, value)
    assert found == value or why


@given(st.binary(max_size=200))
def test_garbage_is_nothing_remembered(text: bytes) -> None:
    assert memory.read(text)[0] == NOTHING


@given(remembered, st.integers(min_value=0))
def test_a_text_that_was_cut_is_nothing_remembered(value: Remembered, cut: int) -> None:
    text = memory.write(value)
    found, why = memory.read(text[: cut % (len(text) - 1)])
    assert found == NOTHING
    assert why or not cut % (len(text) - 1)


@pytest.mark.parametrize("text", [None, b"", b"\0\0\0", b"\n"])
def test_nothing_written_is_no_problem(text: bytes | None) -> None:
    assert memory.read(text) == (NOTHING, "")


def test_zeros_behind_the_text_do_not_matter() -> None:
    assert memory.read(memory.write(FULL) + b"\0" * 512) == (FULL, "")


def test_a_later_version_is_ignored_and_says_so() -> None:
    document = json.loads(memory.write(FULL)) | {"version": 2}
    found, why = memory.read(json.dumps(document).encode())
    assert found == NOTHING
    assert "another version" in why


def test_deep_nesting_is_refused_like_any_garbage() -> None:
    assert memory.read(b"[" * 50_000)[0] == NOTHING


def test_a_text_that_is_too_large_is_ignored() -> None:
    found, why = memory.read(memory.write(FULL) + b" " * MAX_BYTES)
    assert found == NOTHING
    assert "64 KiB" in why


def test_too_much_is_refused_before_it_is_written() -> None:
    saved = tuple(
        SavedOverrides(option="bls:a:b", name=str(n), overrides="x" * 2000) for n in range(40)
    )
    with pytest.raises(SettingError, match="64 KiB"):
        memory.write(Remembered(saved=saved))
    with pytest.raises(SettingError, match="at most 64 saved changes"):
        memory.write(Remembered(saved=saved * 2))


def test_members_of_a_newer_bootd_are_ignored() -> None:
    members = json.loads(memory.write(FULL))["remembered"] | {"mood": "good"}
    body = json.dumps(members, separators=(",", ":"), sort_keys=True)
    text = f'{{"version":1,"crc32":"{crc32(body.encode()):08x}","remembered":{body}}}'
    assert memory.read(text.encode()) == (FULL, "")
