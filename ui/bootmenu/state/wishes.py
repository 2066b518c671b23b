"""What a person decides for later boots, as rows of the settings page. Pure.

To add a row: its member of `Choice`, and a line in `ROWS`.
"""

from collections.abc import Callable
from enum import Enum
from typing import Final

from bootd.protocol.messages import Status
from bootd.record import dataclass
from bootmenu.state.requests import Configure, SetDefault, SetOneShot, Wish

MAX_TIMEOUT_S: Final = 86_400

FOREVER: Final = -1
"""As a timeout on the wire: nothing boots by itself."""

_POWER_ON: Final = "powerOn"

_SWITCH: Final = {"yes": True, "no": False}


class Choice(Enum):
    """What a row is about; the value is how it is called."""

    AUTOBOOT = "autoboot"
    TIMEOUT = "timeout"
    ORDER = "order"
    DEFAULT = "default"
    UNTIL_POWER_ON = "for now"
    ONCE = "once"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the settings; `text` is foreign text as it came.

    Attributes:
        text: As one would write it; "" when nothing is set.
        unset: What is shown then.
        hint: What may be written.
    """

    choice: Choice
    text: str
    unset: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """How a choice is read and written; `write` returns a sentence when a text makes no sense."""

    read: Callable[[Status], str]
    write: Callable[[str], Wish | str]
    unset: str
    hint: str


def rows(status: Status) -> tuple[Row, ...]:
    """Return the rows in order."""
    return tuple(
        Row(choice=choice, text=kind.read(status), unset=kind.unset, hint=kind.hint)
        for choice, kind in ROWS.items()
    )


def written(choice: Choice, text: str) -> Wish | str:
    """Return what to ask for after a person wrote a text, or why it makes no sense."""
    return ROWS[choice].write(text.strip())


def chosen(choice: Choice, status: Status) -> Wish | None:
    """Return what Enter asks for on a row that is chosen, not written; None for other rows."""
    if choice is Choice.AUTOBOOT:
        return Configure(autoboot=not status.autoboot)
    return None


def _timeout_text(status: Status) -> str:
    seconds = status.timeout_seconds
    if seconds is None:
        return ""
    return "never" if seconds == FOREVER else str(seconds)


def _timeout(text: str) -> Wish | str:
    word = text.lower().removesuffix("s").strip()
    if not word:
        return Configure(reset=("timeoutSeconds",))
    if word == "never":
        return Configure(timeout_seconds=FOREVER)
    if word.isascii() and word.isdecimal() and int(word[:9]) <= MAX_TIMEOUT_S:
        return Configure(timeout_seconds=int(word))
    return f"Type seconds (at most {MAX_TIMEOUT_S}), never, or nothing for what bootd.conf says."


def _autoboot(text: str) -> Wish | str:
    if not text:
        return Configure(reset=("autoboot",))
    switch = _SWITCH.get(text.lower())
    return "Type yes or no." if switch is None else Configure(autoboot=switch)


def _order(text: str) -> Wish:
    words = tuple(text.replace(",", " ").split())
    return Configure(order=words) if words else Configure(reset=("order",))


def _default(text: str) -> Wish:
    return SetDefault(id=text)


def _until_power_on(text: str) -> Wish:
    return SetDefault(id=text, until=_POWER_ON)


def _once(text: str) -> Wish:
    return SetOneShot(id=text)


def _autoboot_text(status: Status) -> str:
    return "yes" if status.autoboot else "no"


def _order_text(status: Status) -> str:
    return " ".join(status.order)


def _default_text(status: Status) -> str:
    return status.default_wish


def _until_text(status: Status) -> str:
    return status.default_until_power_on


def _once_text(status: Status) -> str:
    return status.one_shot_id or ""


_AN_OPTION: Final = "an id, a pattern such as bls:*, @saved for what was booted last, or nothing"

ROWS: Final = {
    Choice.AUTOBOOT: _Kind(
        read=_autoboot_text,
        write=_autoboot,
        unset="",
        hint="whether anything boots by itself: yes or no",
    ),
    Choice.TIMEOUT: _Kind(
        read=_timeout_text,
        write=_timeout,
        unset="as the boot configuration says",
        hint="seconds, never, or nothing for what bootd.conf says",
    ),
    Choice.ORDER: _Kind(
        read=_order_text,
        write=_order,
        unset="newest first, on disks that stay",
        hint="first to last: nvme, usb, UUID=..., format:bls, any; nothing for bootd.conf's",
    ),
    Choice.DEFAULT: _Kind(
        read=_default_text,
        write=_default,
        unset="as the boot configuration says",
        hint=f"{_AN_OPTION}; D in the menu sets it, too",
    ),
    Choice.UNTIL_POWER_ON: _Kind(
        read=_until_text,
        write=_until_power_on,
        unset="nothing else until the next power-on",
        hint=f"{_AN_OPTION}; forgotten at the next power-on",
    ),
    Choice.ONCE: _Kind(
        read=_once_text,
        write=_once,
        unset="nothing",
        hint="an id for the next boot only, or nothing; o in the menu sets it, too",
    ),
}
"""In the order of the page."""
