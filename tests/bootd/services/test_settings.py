"""What is remembered is changed at once, written soon, and never lost or mixed up."""

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bootd.errors import SettingError
from bootd.model.remembered import NOTHING, Remembered, SavedOverrides
from bootd.protocol import memory
from bootd.services import settings as settings_module
from bootd.services.settings import NOT_PERSISTED, Settings, close
from tests.support.keepers import MemoryKeeper
from tests.support.waiting import eventually


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(settings.run())
        try:
            yield
        finally:
            task.cancel()


async def loaded(settings: Settings) -> None:
    async def done() -> bool:
        return not settings.loading

    await eventually(done)


async def test_without_a_place_everything_works_until_the_power_goes() -> None:
    settings = Settings()
    async with running(settings), asyncio.timeout(5):
        settings.replace(default="a")
        await settings.saved()
    assert settings.remembered == Remembered(default="a")
    assert settings.where == NOT_PERSISTED


async def test_what_a_place_has_is_remembered() -> None:
    keeper = MemoryKeeper(memory.write(Remembered(default="a")))
    settings = Settings()
    changes = []
    settings.changed = lambda: changes.append(settings.remembered.default)
    async with running(settings):
        settings.use(keeper)
        assert settings.loading
        await loaded(settings)
    assert settings.remembered.default == "a"
    assert settings.where == "kept in memory of a test"
    assert changes[-1] == "a"
    assert keeper.written == []


async def test_changes_are_written_and_those_that_come_together_once() -> None:
    keeper, settings = MemoryKeeper(), Settings()
    async with running(settings):
        settings.use(keeper)
        await loaded(settings)
        for name in "abc":
            settings.replace(default=name)
        await settings.saved()
    assert [memory.read(text)[0].default for text in keeper.written] == ["c"]


async def test_a_change_during_a_write_is_written_next() -> None:
    keeper, settings = MemoryKeeper(), Settings()
    async with running(settings):
        settings.use(keeper)
        await loaded(settings)
        keeper.hold = asyncio.Event()
        settings.replace(default="a")
        await asyncio.sleep(0.01)
        settings.replace(default="b")
        keeper.hold.set()
        await settings.saved()
    assert [memory.read(text)[0].default for text in keeper.written] == ["a", "b"]


async def test_the_same_again_is_not_written() -> None:
    keeper, settings = MemoryKeeper(), Settings()
    async with running(settings):
        settings.use(keeper)
        await loaded(settings)
        for _ in range(3):
            settings.replace(default="a")
            await settings.saved()
    assert len(keeper.written) == 1


async def test_what_was_changed_before_a_place_was_found_is_written_there() -> None:
    keeper, settings = MemoryKeeper(), Settings()
    async with running(settings):
        settings.replace(default="a")
        settings.use(keeper)
        await settings.saved()
    assert memory.read(keeper.text)[0].default == "a"


async def test_a_better_place_with_something_in_it_wins() -> None:
    settings = Settings()
    async with running(settings):
        settings.use(MemoryKeeper(memory.write(Remembered(default="first"))))
        await loaded(settings)
        settings.use(MemoryKeeper(memory.write(Remembered(default="better")), where="elsewhere"))
        await loaded(settings)
    assert settings.remembered.default == "better"
    assert settings.where == "kept elsewhere"


async def test_a_better_place_with_nothing_in_it_gets_what_is_remembered() -> None:
    settings, better = Settings(), MemoryKeeper(where="elsewhere")
    async with running(settings):
        settings.use(MemoryKeeper(memory.write(Remembered(default="first"))))
        await loaded(settings)
        settings.use(better)
        await loaded(settings)
        await settings.saved()
    assert memory.read(better.text)[0].default == "first"


@pytest.mark.parametrize("text", [b"garbage", b"{}", b"\xff" * 100])
async def test_a_damaged_text_is_nothing_remembered_and_can_be_replaced(text: bytes) -> None:
    keeper, settings = MemoryKeeper(text), Settings()
    async with running(settings):
        settings.use(keeper)
        await loaded(settings)
        assert settings.remembered == NOTHING
        assert "ignored" in settings.problem
        assert keeper.text == text, "nothing is written before somebody changes something"
        settings.replace(default="a")
        await settings.saved()
    assert memory.read(keeper.text)[0].default == "a"


async def test_a_place_that_cannot_be_read_is_not_written_either() -> None:
    keeper, settings = MemoryKeeper(error=OSError(errno.EIO, "the medium failed")), Settings()
    async with running(settings):
        settings.use(keeper)
        await loaded(settings)
        assert settings.where.startswith("not persisted; ")
        assert "the medium failed" in settings.where
        keeper.error = None
        settings.replace(default="a")
        await settings.saved()
    assert keeper.written == []


async def test_a_write_that_fails_is_told_and_the_next_one_may_work() -> None:
    keeper, settings = MemoryKeeper(), Settings()
    async with running(settings):
        settings.use(keeper)
        await loaded(settings)
        keeper.error = OSError(errno.ENOSPC, "no room")
        settings.replace(default="a")
        with pytest.raises(SettingError, match="no room"):
            await settings.saved()
        assert "no room" in settings.where
        keeper.error = None
        settings.replace(default="b")
        await settings.saved()
        assert settings.where == "kept in memory of a test"


async def test_a_place_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_module, "SAVE_S", 0.05)
    keeper, settings = MemoryKeeper(), Settings()
    async with running(settings):
        settings.use(keeper)
        await loaded(settings)
        keeper.hold = asyncio.Event()
        settings.replace(default="a")
        with pytest.raises(SettingError, match="does not answer"):
            await settings.saved()


async def test_too_much_is_refused_and_changes_nothing() -> None:
    settings = Settings()
    saved = tuple(
        SavedOverrides(option="bls:a:b", name=str(n), overrides="x" * 3000) for n in range(30)
    )
    with pytest.raises(SettingError, match="64 KiB"):
        settings.replace(saved=saved)
    assert settings.remembered == NOTHING


async def test_closing_writes_what_is_left_and_waits_for_no_dead_medium() -> None:
    keeper, settings = MemoryKeeper(), Settings()
    async with running(settings):
        settings.use(keeper)
        settings.replace(default="a")
        await close(settings)
        assert memory.read(keeper.text)[0].default == "a"
        keeper.hold = asyncio.Event()
        settings.replace(default="b")
        await close(settings, timeout_s=0.05)
