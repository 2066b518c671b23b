"""Verbs whose effect lasts: set-default and the like, save, forget, and leave."""

from argparse import ArgumentTypeError, Namespace
from typing import TYPE_CHECKING, Final

from bootd.ctl.asking import add_overrides, add_verb, find_option, overrides, who

if TYPE_CHECKING:
    from bootd.client import Client
    from bootd.ctl.asking import Commands

_SAVED: Final = "@saved"

_LEAVES: Final = {"reboot": "reboot", "poweroff": "powerOff"}
"""As a person writes it, and as the interface does."""

_AS_CONFIGURED: Final = "default"
"""For a setting that is no longer to be remembered."""


def register(commands: "Commands") -> None:
    """Add the verbs."""
    default = add_verb(commands, "set-default", "Make an option the default.", _set_default)
    default.add_argument(
        "id",
        metavar="ID",
        help="id, the entry's name, a pattern of ids, @saved for what was booted last, or '' to "
        "forget",
    )
    default.add_argument(
        "--until-power-on",
        action="store_true",
        help="only until the machine is switched off or restarted",
    )
    once = add_verb(commands, "set-oneshot", "Boot an option once, next time.", _set_one_shot)
    once.add_argument("id", metavar="ID", help="id, the entry's name, or '' to forget")
    timeout = add_verb(commands, "set-timeout", "Set how long the countdown runs.", _set_timeout)
    timeout.add_argument(
        "seconds",
        metavar="SECONDS",
        type=_seconds,
        help="0 to 86400, never, or default for what bootd.conf says",
    )
    autoboot = add_verb(
        commands, "set-autoboot", "Set whether anything boots by itself.", _set_autoboot
    )
    autoboot.add_argument("switch", choices=("yes", "no", _AS_CONFIGURED))
    order = add_verb(commands, "set-order", "Set which device boots by itself.", _set_order)
    order.add_argument(
        "words",
        metavar="WORD",
        nargs="*",
        help="first to last: a kind of device such as nvme, UUID=…, format:…, any; none for what "
        "bootd.conf says",
    )
    save = add_verb(commands, "save", "Keep changes of an option as an option.", _save)
    save.add_argument("id", metavar="ID", help="id, or the entry's name where it is unique")
    save.add_argument("name", metavar="NAME", help="what to call it")
    add_overrides(save)
    forget = add_verb(commands, "forget", "Forget an option that was saved.", _forget)
    forget.add_argument("id", metavar="ID", help="id, or the entry's name where it is unique")
    leave = add_verb(commands, "leave", "Restart the machine or switch it off.", _leave)
    leave.add_argument("action", choices=tuple(_LEAVES))


def _seconds(text: str) -> int | None:
    """Return seconds, -1 for never, None for what the configuration says."""
    if text in {"never", "infinity"}:
        return -1
    if text == _AS_CONFIGURED:
        return None
    if not (text.isascii() and text.isdecimal()):
        raise ArgumentTypeError(f"expected seconds, never or {_AS_CONFIGURED}, not {text!r}")
    return int(text)


async def _set_default(client: "Client", given: Namespace) -> int:
    wish = given.id
    if wish not in {"", _SAVED} and not {"*", "?"} & set(wish):
        wish = (await find_option(client, wish)).id
    until = "powerOn" if given.until_power_on else ""
    await client.set_default(wish, who(), until=until)
    return 0


async def _set_one_shot(client: "Client", given: Namespace) -> int:
    option_id = (await find_option(client, given.id)).id if given.id else ""
    await client.set_one_shot(option_id, who())
    return 0


async def _set_timeout(client: "Client", given: Namespace) -> int:
    reset = () if given.seconds is not None else ("timeoutSeconds",)
    return await _configure(client, timeout_seconds=given.seconds, reset=reset)


async def _set_autoboot(client: "Client", given: Namespace) -> int:
    if given.switch == _AS_CONFIGURED:
        return await _configure(client, reset=("autoboot",))
    return await _configure(client, autoboot=given.switch == "yes")


async def _set_order(client: "Client", given: Namespace) -> int:
    if not given.words:
        return await _configure(client, reset=("order",))
    return await _configure(client, order=tuple(given.words))


async def _configure(client: "Client", **changes: object) -> int:
    from bootd.protocol.methods import Configuring  # noqa: PLC0415 - see bootd.ctl.asking

    asked = Configuring(**changes, by=who())  # type: ignore[arg-type] # named by the callers above
    await client.configure(asked)
    return 0


async def _save(client: "Client", given: Namespace) -> int:
    option = await find_option(client, given.id)
    print(await client.save_overrides(option.id, given.name, overrides(given), who()))
    return 0


async def _forget(client: "Client", given: Namespace) -> int:
    await client.forget_overrides((await find_option(client, given.id)).id, who())
    return 0


async def _leave(client: "Client", given: Namespace) -> int:
    await client.leave(_LEAVES[given.action], who())
    return 0
