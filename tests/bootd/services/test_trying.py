"""Boot counting in force: tries are written before the machine leaves, and fallbacks boot."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from bootd.errors import LoadError, ProbeError
from bootd.model.device import BlockDevice
from bootd.model.load import LoadReport
from bootd.model.option import BootOption, OptionId, ResolvedOption, ScanResult
from bootd.model.remembered import Remembered
from bootd.model.tries import Tries
from bootd.policy import counting
from bootd.policy.counting import Rules
from bootd.protocol import memory
from bootd.protocol.codec import Json
from bootd.protocol.messages import NO_OVERRIDES, Level, Overrides, Phase
from bootd.services.booter import Progress
from bootd.services.trying import Trying
from tests.support.services import Bench, device, make_bench, option, running
from tests.support.waiting import eventually

MAIN = "extlinux:uuid-vda1:main"
SPARE = "extlinux:uuid-vdb1:spare"
COUNTED = "bls:uuid-vda1:counted"


@dataclass
class Text:
    """Keeps what is remembered in a variable (`Keeper`)."""

    where: str = "in a test"
    lasts: bool = True
    text: bytes | None = None
    fails: bool = False

    async def read(self) -> bytes | None:
        return self.text

    async def write(self, text: bytes, /) -> None:
        if self.fails:
            raise OSError(28, "No space left on device")
        self.text = text

    @property
    def tries(self) -> tuple[Tries, ...]:
        """What a restart would find."""
        return memory.read(self.text)[0].tries


@dataclass
class Medium:
    """Writes down what is to be renamed; may refuse."""

    asked: list[dict[str, Json]] = field(default_factory=list)
    error: OSError | ProbeError | None = None

    async def rename(self, params: dict[str, Json]) -> None:
        self.asked.append(params)
        if self.error is not None:
            raise self.error


@dataclass
class Counting:
    """A bench that counts."""

    bench: Bench
    keeper: Text
    medium: Medium
    trying: Trying

    @property
    def tries(self) -> tuple[Tries, ...]:
        return self.bench.settings.remembered.tries


def counted_entry(left: int = 3, done: int = 0) -> BootOption:
    counter = f"+{left}-{done}" if done else f"+{left}"
    return replace(
        option("counted"),
        format="bls",
        source=f"/loader/entries/counted{counter}.conf",
        tries_left=left,
        tries_done=done,
    )


def make(timeout_s: int = -1, remembered: Remembered | None = None) -> Counting:
    bench = make_bench(timeout_s)
    keeper, medium = Text(), Medium()
    if remembered is not None:
        keeper.text = memory.write(remembered)
    bench.settings.use(keeper)
    trying = Trying(bench.store, bench.settings, medium.rename)
    trying.rules = Rules(tries=3, every=True)
    bench.control.tries = trying
    disk = device("vda1")
    spare = device("vdb1")
    options = (option("main", is_default=True), counted_entry())
    bench.store.device_scanned(disk, ScanResult(options=options))
    found = ScanResult(options=(option("spare", is_default=True),))
    bench.store.device_scanned(spare, found)
    return Counting(bench, keeper, medium, trying)


async def boot(it: Counting, option_id: str, overrides: Overrides = NO_OVERRIDES) -> None:
    """Boot, and let the machine 'leave'."""
    await it.bench.control.boot(option_id, overrides, "a test")
    await until(lambda: it.bench.control._load is None)


async def until(ready: Callable[[], bool]) -> None:
    async def ask() -> bool:
        return ready()

    await eventually(ask)


async def test_a_try_is_written_before_the_machine_leaves() -> None:
    it = make()
    written: list[tuple[Tries, ...]] = []
    execute = it.bench.booter.execute

    async def look(report: LoadReport) -> None:
        written.append(it.keeper.tries)
        await execute(report)

    it.bench.booter.execute = look  # type: ignore[method-assign] # looks at the right moment
    async with running(it.bench):
        await boot(it, MAIN)
    assert written == [(Tries(id=MAIN, left=2, done=1),)]


async def test_three_tries_that_nobody_confirms_demote_the_default() -> None:
    it = make()
    async with running(it.bench):
        await until(lambda: not it.bench.settings.loading)
        defaults = []
        for _ in range(3):
            defaults.append(it.bench.store.state.status.default_id)
            await boot(it, MAIN)
        assert defaults == [MAIN, MAIN, MAIN]
        state = it.bench.store.state
    assert state.status.default_id == SPARE
    entry = next(entry for entry in state.menu if entry.resolved.id == MAIN)
    assert entry.tries is not None
    assert (entry.tries.left, entry.tries.done) == (0, 3)


async def test_the_last_good_one_boots_by_itself_when_the_default_has_failed() -> None:
    good = "bls:uuid-vda1:counted"
    kept = Remembered(
        tries=(Tries(id=good, left=3, done=0, own=True), Tries(id=MAIN, left=0, done=3)),
        last_good=good,
    )
    it = make(timeout_s=0, remembered=kept)
    async with running(it.bench):
        await until(lambda: bool(it.bench.booter.booted))
    assert it.bench.booter.booted == [good]


async def test_nobody_boots_when_everything_has_failed_and_the_menu_stays() -> None:
    kept = Remembered(tries=(Tries(id=MAIN, left=0, done=3), Tries(id=SPARE, left=0, done=3)))
    it = make(timeout_s=0, remembered=kept)
    async with running(it.bench):
        await until(lambda: not it.bench.settings.loading)
        await asyncio.sleep(0.3)
        assert it.bench.store.state.status.default_id is None
    assert it.bench.booter.booted == []


@pytest.mark.parametrize("text", [b"", b"\0" * 100, b'{"version":1', b"\xff" * 4096])
async def test_damaged_counters_mean_that_all_is_well(text: bytes) -> None:
    it = make(timeout_s=0)
    it.keeper.text = text
    async with running(it.bench):
        await until(lambda: bool(it.bench.booter.booted))
    assert it.bench.booter.booted == [MAIN]


async def test_a_load_that_fails_boots_what_is_next() -> None:
    it = make(timeout_s=0)
    load = it.bench.booter.boot

    async def fail(
        resolved: ResolvedOption, overrides: Overrides, progress: Progress
    ) -> LoadReport:
        if resolved.id == MAIN:
            raise LoadError("its kernel is damaged")
        return await load(resolved, overrides, progress)

    it.bench.booter.boot = fail  # type: ignore[method-assign] # one option is damaged
    async with running(it.bench):
        await until(lambda: bool(it.bench.booter.booted))
    assert it.bench.booter.booted == [SPARE]
    assert all(each.id != MAIN for each in it.tries), "what was never started has not failed"


async def test_a_load_that_a_person_cancels_boots_nothing_else() -> None:
    it = make(timeout_s=0)
    it.bench.booter.hold = asyncio.Event()
    async with running(it.bench):
        await until(lambda: it.bench.store.state.status.phase is Phase.LOADING)
        await it.bench.control.cancel("a test")
        await asyncio.sleep(0.1)
        assert it.bench.store.state.status.phase is Phase.MENU
    assert it.bench.booter.booted == []


async def test_a_boot_that_is_cancelled_before_the_jump_was_no_try() -> None:
    it = make(remembered=Remembered(tries=(Tries(id=MAIN, left=1, done=2),)))
    async with running(it.bench):
        await until(lambda: not it.bench.settings.loading)
        await it.bench.control.boot(MAIN, NO_OVERRIDES, "a test")
        await until(lambda: it.keeper.tries == (Tries(id=MAIN, left=0, done=3),))
        await it.bench.control.cancel("a test")
        await it.bench.settings.saved()
    assert it.keeper.tries == (Tries(id=MAIN, left=1, done=2),)
    assert it.bench.booter.executed == []


async def test_a_machine_that_does_not_leave_was_no_try() -> None:
    it = make()

    async def stay(report: LoadReport) -> None:
        raise LoadError(f"cannot start what {report.loader} has loaded")

    it.bench.booter.execute = stay  # type: ignore[method-assign] # plays a jump that fails
    async with running(it.bench):
        await boot(it, MAIN)
        await it.bench.settings.saved()
    assert it.tries == ()


async def test_a_try_stays_counted_when_systemd_ends_the_daemon_on_its_way() -> None:
    it = make()

    async def accepted(report: LoadReport) -> None:
        assert report.executed
        it.bench.booter.is_left = True
        await asyncio.sleep(60)

    it.bench.booter.execute = accepted  # type: ignore[method-assign] # plays systemd
    async with running(it.bench):
        await it.bench.control.boot(MAIN, NO_OVERRIDES, "a test")
        await until(lambda: it.bench.booter.is_left)
    assert it.keeper.tries == (Tries(id=MAIN, left=2, done=1),)


async def test_what_a_person_changed_for_one_boot_is_not_counted() -> None:
    it = make()
    async with running(it.bench):
        await boot(it, MAIN, Overrides(options="init=/bin/sh"))
    assert it.tries == ()


@pytest.mark.parametrize(
    ("fails", "lasts", "sentence"),
    [(True, True, "this try is not counted: "), (False, False, "this try is forgotten at a reset")],
)
async def test_a_state_that_cannot_be_kept_is_said_and_keeps_nothing_from_booting(
    sentence: str, *, fails: bool, lasts: bool
) -> None:
    it = make()
    it.keeper.fails, it.keeper.lasts = fails, lasts
    said: list[str] = []
    say = it.bench.store.say

    def keep(message: str, level: Level = Level.INFO) -> None:
        said.append(message)
        say(message, level)

    it.bench.store.say = keep  # type: ignore[method-assign] # keeps what is said
    async with running(it.bench):
        await until(lambda: not it.bench.settings.loading)
        await boot(it, MAIN)
    assert it.bench.booter.booted == [MAIN]
    assert any(text.startswith(sentence) for text in said)


def is_asked(disk: BlockDevice, path: str, name: str) -> dict[str, Json]:
    return {"node": disk.node, "fstype": disk.fstype, "path": path, "name": name}


async def test_an_entry_with_a_counter_is_renamed_where_that_is_allowed() -> None:
    it = make()
    it.trying.on_medium = True
    async with running(it.bench):
        await boot(it, COUNTED)
    old = "/loader/entries/counted+3.conf"
    assert it.medium.asked == [is_asked(device(), old, "counted+2-1.conf")]
    assert it.tries == ()


async def test_it_is_counted_in_the_state_where_that_is_not_allowed_or_fails() -> None:
    counted = (Tries(id=COUNTED, left=2, done=1, own=True),)
    it = make()
    async with running(it.bench):
        await boot(it, COUNTED)
    assert (it.tries, it.medium.asked) == (counted, [])
    it = make()
    it.trying.on_medium = True
    it.medium.error = OSError(30, "btrfs file systems are never written")
    async with running(it.bench):
        await boot(it, COUNTED)
    assert it.tries == counted


async def test_it_gets_its_old_name_when_the_machine_stays() -> None:
    it = make()
    it.trying.on_medium = True

    async def stay(report: LoadReport) -> None:
        raise LoadError(f"cannot start what {report.loader} has loaded")

    it.bench.booter.execute = stay  # type: ignore[method-assign] # plays a jump that fails
    async with running(it.bench):
        await boot(it, COUNTED)
    new = "/loader/entries/counted+2-1.conf"
    assert it.medium.asked[1:] == [is_asked(device(), new, "counted+3.conf")]


async def test_an_option_of_an_installation_that_never_confirmed_is_not_counted() -> None:
    it = make()
    it.trying.rules = Rules(tries=3)
    async with running(it.bench):
        for _ in range(4):
            await boot(it, MAIN)
    assert it.tries == ()
    assert it.bench.store.state.status.default_id == MAIN


async def test_a_loop_of_boots_ends_in_the_menu_and_a_confirmation_ends_that() -> None:
    it = make()
    async with running(it.bench):
        await until(lambda: not it.bench.settings.loading)
        begun: list[str] = []
        for _ in range(100):
            default = it.bench.store.state.status.default_id
            found = it.bench.store.state.find(default or "")
            if found is None:
                break
            await it.trying.begin(found)
            begun.append(found.id)
        assert begun == [MAIN] * 3 + [SPARE] * 3
        assert it.bench.store.state.status.default_id is None
        it.bench.settings.change(
            lambda now: replace(now, tries=counting.confirm(OptionId(MAIN), now.tries))
        )
        assert it.bench.store.state.status.default_id == MAIN
