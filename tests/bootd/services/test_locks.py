"""Opening encrypted disks, with a helper that knows one passphrase."""

import logging

import pytest

from bootd.errors import CallError
from bootd.model.device import LUKS, BlockDevice
from bootd.protocol.messages import ErrorName, Status
from bootd.services import locks
from bootd.services.locks import Locks
from bootd.services.store import Store
from tests.support.services import FakeHelpers

SECRET = "let me in"  # noqa: S105 - of a fake


def bench(fstype: str = LUKS) -> tuple[Store, FakeHelpers, Locks]:
    store, helpers = Store(Status(architecture="aarch64")), FakeHelpers(SECRET)
    store.device_found(
        BlockDevice(name="sda2", node="/dev/sda2", uuid="6b1c-0a52", fstype=fstype, disk="sda")
    )
    return store, helpers, Locks(store, helpers)


async def test_the_right_passphrase_opens_the_disk_under_a_name_of_bootds() -> None:
    store, helpers, lock = bench()
    await lock.unlock("sda2", SECRET, "a test")
    assert helpers.asked == [("unlock", {"name": "bootd-luks-6b1c-0a52", "node": "/dev/sda2"})]
    assert store.state.status.message == "sda2 unlocked by a test"


async def test_a_wrong_passphrase_is_a_sentence() -> None:
    _, _, lock = bench()
    with pytest.raises(CallError, match=r"sda2 was not unlocked: the passphrase is wrong\.") as it:
        await lock.unlock("sda2", "guess", "a test")
    assert it.value.name == ErrorName.REFUSED


async def test_no_passphrase_reaches_the_log_or_the_state(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    store, helpers, lock = bench()
    with pytest.raises(CallError):
        await lock.unlock("sda2", "hunter2-wrong", "a test")
    await lock.unlock("sda2", SECRET, "a test")
    assert "unlocked by a test" in caplog.text
    for text in (caplog.text, repr(store.state), repr(helpers.asked)):
        assert "hunter2-wrong" not in text
        assert SECRET not in text


async def test_who_guesses_has_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    _, helpers, lock = bench()
    for _ in range(locks.MAX_WRONG):
        with pytest.raises(CallError, match="is wrong"):
            await lock.unlock("sda2", "guess", "a test")
    with pytest.raises(CallError, match=r"try again in (30|29) s") as it:
        await lock.unlock("sda2", SECRET, "a test")
    assert it.value.name == ErrorName.BUSY
    assert len(helpers.asked) == locks.MAX_WRONG
    monkeypatch.setattr(lock, "_free_at", 0.0)  # half a minute later
    await lock.unlock("sda2", SECRET, "a test")


@pytest.mark.parametrize(("name", "fstype"), [("sdb9", LUKS), ("sda2", "ext4")])
async def test_only_a_locked_disk_that_is_there_can_be_opened(name: str, fstype: str) -> None:
    _, helpers, lock = bench(fstype)
    with pytest.raises(CallError, match="no locked device") as it:
        await lock.unlock(name, SECRET, "a test")
    assert it.value.name == ErrorName.INVALID_PARAMETER
    assert helpers.asked == []


@pytest.mark.parametrize("passphrase", ["", "x" * (locks.MAX_PASSPHRASE + 1), "é" * 257])
async def test_a_passphrase_has_a_length(passphrase: str) -> None:
    _, helpers, lock = bench()
    with pytest.raises(CallError, match="1 to 512 bytes"):
        await lock.unlock("sda2", passphrase, "a test")
    assert helpers.asked == []
