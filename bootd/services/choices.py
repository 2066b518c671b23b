"""What people decide for later boots: default, one-shot, countdown, order, saved changes.

It is remembered by `bootd.services.settings`, and put in force here: the store chooses the default
by it, the countdown counts by it, and the status shows it.
"""

from collections.abc import Collection
from typing import Final

from bootd.errors import LoadError, SettingError
from bootd.model.option import WAIT_FOREVER, ResolvedOption
from bootd.model.order import UUID, parse, uuid
from bootd.model.remembered import SAVED, Remembered
from bootd.model.text import clean
from bootd.policy import order as boot_order
from bootd.policy.autoboot import MAX_TIMEOUT_S
from bootd.policy.menu import Preference, is_pattern
from bootd.protocol.messages import ErrorName, Level, Overrides
from bootd.protocol.methods import Configuring
from bootd.record import dataclass, replace
from bootd.services.countdown import Countdown
from bootd.services.lifeline import Note
from bootd.services.refusal import about, invalid, plain
from bootd.services.settings import Settings
from bootd.services.store import Store

MAX_ID: Final = 512

POWER_ON: Final = "powerOn"
"""As `until`: only until the machine is switched off or restarted."""

RESET: Final = {"timeoutSeconds": "timeout_s", "autoboot": "autoboot", "order": "order"}
"""What Configure can forget, as on the wire and as it is remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """What the configuration files say; what is remembered is stronger.

    Attributes:
        counts: Boots are counted, so that what failed is no default.
        fixed: Names of settings that the kernel command line gives, which is stronger than both.
    """

    timeout_s: int | None = 10
    autoboot: bool = True
    order: tuple[str, ...] = ()
    wait_for_s: int = 0
    counts: bool = True
    fixed: Collection[str] = ()


class Choices:
    """Changes what is remembered, checked against the menu of this moment.

    Args:
        store: Whose options are meant.
        countdown: Counts as is decided here.
        settings: Remembers.
        temporary: Keeps the default until the next power-on.
    """

    def __init__(
        self, store: Store, countdown: Countdown, settings: Settings, temporary: Note
    ) -> None:
        self._store = store
        self._countdown = countdown
        self._settings = settings
        self._note = temporary
        self._temporary = temporary.read()
        self._configured = Configured()
        settings.changed = self.apply

    def configure(self, configured: Configured) -> None:
        """Take what the configuration files say now."""
        self._configured = configured
        self.apply()

    def apply(self) -> None:
        """Put in force what is remembered."""
        kept, files = self._settings.remembered, self._configured
        timeout_s = self._strongest("timeout_s", kept.timeout_s, files.timeout_s)
        autoboot = bool(self._strongest("autoboot", kept.autoboot, files.autoboot))
        self._countdown.timeout_s = timeout_s if autoboot else WAIT_FOREVER
        self._countdown.wait_for_s = files.wait_for_s
        self._store.prefer(self._preference(kept), kept.saved)
        self._store.update_status(
            replace(
                self._store.state.status,
                default_wish=kept.default,
                default_until_power_on=self._temporary,
                one_shot_id=kept.one_shot or None,
                order=self._order(kept),
                autoboot=autoboot,
                timeout_seconds=timeout_s,
                kept=self._settings.where,
            )
        )

    def _preference(self, kept: Remembered) -> Preference:
        return Preference(
            one_shot=kept.one_shot,
            temporary=self._temporary,
            default=kept.default,
            last_chosen=kept.last_chosen,
            order=self._order(kept),
            tries=kept.tries if self._configured.counts else (),
            last_good=kept.last_good if self._configured.counts else "",
        )

    def _order(self, kept: Remembered) -> tuple[str, ...]:
        fixed = kept.order is None or "order" in self._configured.fixed
        return self._configured.order if fixed or kept.order is None else kept.order

    def _strongest(self, name: str, kept: int | None, files: int | None) -> int | None:
        return files if kept is None or name in self._configured.fixed else kept

    # What people do -------------------------------------------------------------------------------

    def set_default(self, wish: str, until: str, by: str) -> None:
        """Make an option the default; raises CallError."""
        if until not in {"", POWER_ON}:
            raise invalid("until", f"A default is kept for good, or until {POWER_ON}.")
        self._check_wish(wish)
        if until:
            self._temporary = wish
            self._note.write(wish)
            self.apply()
        else:
            self._change(wish, default=wish)
        lasting = " until the next power-on" if until else ""
        what = f"is {self._title(wish)}" if wish else "is no longer a certain one"
        self._store.say(f"The default{lasting} {what}, set by {by}")

    def set_one_shot(self, option_id: str, by: str) -> None:
        """Boot an option once; raises CallError."""
        if option_id:
            self._existing(option_id)
        self._change(option_id, one_shot=option_id)
        what = f"{self._title(option_id)} boots once" if option_id else "Nothing boots once"
        self._store.say(f"{what}, set by {by}")

    def change_settings(self, asked: Configuring, by: str) -> None:
        """Remember settings; raises CallError."""
        self._change("", **_changes(asked))
        if self._countdown.timeout_s == WAIT_FOREVER:
            self._countdown.stop(by)
        self._store.say(f"Settings changed by {by}")

    def save_overrides(self, option_id: str, name: str, changes: Overrides, by: str) -> str:
        """Keep changes as an option of its own and return its id; raises CallError."""
        from bootd.services import saved  # noqa: PLC0415 - when somebody wants it
        from bootd.services.overriding import laid  # noqa: PLC0415 - ditto

        option = self._existing(option_id)
        entry = next(each for each in self._store.state.menu if each.resolved.id == option.id)
        if entry.base:
            option, changes = self._existing(entry.base), laid(entry.changes, changes)
        devices = {key: it.device for key, it in self._store.state.devices.items()}
        try:
            new = saved.write(option, name, changes, devices)
        except LoadError as error:
            raise about(ErrorName.REFUSED, option_id, str(error)) from error
        new_id = saved.id_of(option.id, new.name)
        self._drop_saved(new_id, then=(new,))
        self._store.say(f"{option.option.title} ({new.name}) saved by {by}")
        return new_id

    def forget_overrides(self, option_id: str, by: str) -> None:
        """Forget an option that somebody saved; raises CallError."""
        title = self._title(option_id)
        if not self._drop_saved(option_id):
            words = "There is no such saved option (any more)."
            raise about(ErrorName.NO_SUCH_OPTION, option_id, words)
        self._store.say(f"{title} forgotten by {by}")

    async def settle(self) -> None:
        """Wait until what was decided is written; raises CallError where it could not be."""
        try:
            await self._settings.saved()
        except SettingError as error:
            message = f"It holds until the next power-on only: {error}."
            raise plain(ErrorName.FORBIDDEN, message) from error

    def _drop_saved(self, option_id: str, then: tuple[object, ...] = ()) -> bool:
        from bootd.services.saved import id_of  # noqa: PLC0415 - when somebody wants it

        before = self._settings.remembered.saved
        kept = tuple(each for each in before if id_of(each.option, each.name) != option_id)
        self._change(option_id, saved=(*kept, *then))
        return len(kept) < len(before)

    async def depart(self, option: ResolvedOption, *, by_itself: bool) -> None:
        """Remember, before an option is loaded, that it boots: one-shot is used up by any boot.

        What was decided a moment ago is written as well before the machine leaves.

        Raises:
            SettingError: The one-shot could not be forgotten, so that it might boot for ever. It is
                no longer the default.
        """
        kept = self._settings.remembered
        changes: dict[str, object] = {}
        if kept.one_shot:
            changes["one_shot"] = ""
        wants_last = SAVED in {kept.default, self._temporary}
        if wants_last and not by_itself and self._store.state.find(option.id) is not None:
            changes["last_chosen"] = option.id
        self._settings.replace(**changes)
        try:
            await self._settings.saved()
        except SettingError as error:
            self._store.say(str(error), Level.WARNING)
            if kept.one_shot == option.id and by_itself:
                raise

    # Checks ---------------------------------------------------------------------------------------

    def _check_wish(self, wish: str) -> None:
        if len(wish) > MAX_ID or not wish.isprintable():
            raise invalid("id", f"An id has at most {MAX_ID} printable characters.")
        if wish in {"", SAVED} or is_pattern(wish):
            return
        option = self._existing(wish)
        if not boot_order.allows(self._order(self._settings.remembered), option):
            words = (
                f"{option.option.title} is on a medium that anybody can plug in; the boot order "
                f"has to name it first ({UUID}{uuid(option.id)} or "
                f"{option.kind.value})."
            )
            raise about(ErrorName.REFUSED, wish, words)

    def _existing(self, option_id: str) -> ResolvedOption:
        found = self._store.state.find(option_id)
        if found is None:
            words = "There is no such boot option (any more)."
            raise about(ErrorName.NO_SUCH_OPTION, option_id, words)
        return found

    def _change(self, option_id: str, **changes: object) -> None:
        try:
            self._settings.replace(**changes)
        except SettingError as error:
            raise about(ErrorName.REFUSED, option_id, f"{error}.") from error

    def _title(self, option_id: str) -> str:
        found = self._store.state.find(option_id)
        return clean(option_id) if found is None else found.option.title


def _changes(asked: Configuring) -> dict[str, object]:
    changes: dict[str, object] = {}
    for name in asked.reset:
        if name not in RESET:
            raise invalid("reset", f"There is no setting {clean(name, 40)!r} to reset.")
        changes[RESET[name]] = None
    if asked.timeout_seconds is not None:
        if not WAIT_FOREVER <= asked.timeout_seconds <= MAX_TIMEOUT_S:
            words = f"The timeout must be 0 to {MAX_TIMEOUT_S} seconds, or -1 for none."
            raise invalid("timeoutSeconds", words)
        changes["timeout_s"] = asked.timeout_seconds
    if asked.autoboot is not None:
        changes["autoboot"] = asked.autoboot
    if asked.order is not None:
        try:
            changes["order"] = parse(asked.order)
        except ValueError as error:
            raise invalid("order", f"The boot order: {error}.") from None
    return changes
