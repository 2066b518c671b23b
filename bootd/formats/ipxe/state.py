"""What a way through an iPXE script has set and loaded so far, and the commands that only do that.

Source: src/hci/commands/{image,menu,nvo}_cmd.c and src/core/settings.c of iPXE.
"""

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote

from bootd.fetch import Lease
from bootd.formats.ipxe.syntax import options
from bootd.model.text import clean
from bootd.record import dataclass, field, replace

MAX_ITEMS: Final = 256
"""Of one menu."""

MAX_NOTES: Final = 32

_FAILING: Final = frozenset({"prompt", "shell", "ping", "nslookup", "pxebs", "false"})
"""Commands that wait for a person, or ask the network."""

_ARCHITECTURES: Final = {"aa64": "arm64", "x64": "x86_64", "ia32": "i386", "arm": "arm32"}

_OF_MACHINES: Final = frozenset(
    {
        *("asset", "board-serial", "busid", "chip", "dns", "domain", "gateway", "hostname"),
        *("ip", "mac", "manufacturer", "memsize", "netmask", "product", "serial", "user-class"),
        *("uuid",),
    }
)
"""Settings that only a machine knows (ipxe.org/cfg)."""


@dataclass(slots=True, kw_only=True)
class State:
    """Where one way stands."""

    settings: dict[str, str]
    kernel: tuple[str, str, str] | None = None
    initrds: dict[str, str] = field(default_factory=dict)
    items: tuple[tuple[str, str, bool], ...] = ()
    labels: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    is_default: bool = True
    notes: tuple[str, ...] = ()
    menus: tuple[tuple[str, int], ...] = ()

    def note(self, text: str) -> None:
        """Remember what a person should see; foreign text in it is cleaned."""
        cleaned = clean(text)
        if cleaned not in self.notes and len(self.notes) < MAX_NOTES:
            self.notes = (*self.notes, cleaned)

    def copy(self) -> "State":
        """Return another way that starts where this one is."""
        return replace(self, settings=dict(self.settings), initrds=dict(self.initrds))


def known(lease: Lease) -> dict[str, str]:
    """Return the settings that are known before anything ran."""
    known = {
        "mac": lease.mac.casefold(),
        "ip": lease.address,
        "uuid": lease.uuid.casefold(),
        "filename": lease.bootfile,
        "next-server": lease.server.partition("://")[2].partition("/")[0],
        "buildarch": _ARCHITECTURES.get(lease.architecture, lease.architecture),
        "cwduri": lease.server,
        "platform": "efi",
        "version": "1.21.1",
    }
    known |= {f"net0/{name}": known[name] for name in ("mac", "ip", "filename", "next-server")}
    return {name: value for name, value in known.items() if value}


def value(name: str, state: State) -> str:
    """Return a setting, in the form that its type asks for; unknown ones are empty."""
    plain, _, kind = name.partition(":")
    found = state.settings.get(plain)
    if found is None:
        if "/" in plain or plain in _OF_MACHINES:
            state.note(f"{plain:.40} is a setting of the machine, which is not known here")
        return ""
    if kind == "hexhyp":
        return found.replace(":", "-")
    return quote(found, errors="surrogateescape") if kind in {"uristring", "uri"} else found


def run(name: str, arguments: list[str], state: State) -> bool:
    """Run a command that changes nothing but the state; unknown ones succeed."""
    command = _COMMANDS.get(name)
    return name not in _FAILING if command is None else command(arguments, state)


def _set(arguments: list[str], state: State) -> bool:
    if arguments:
        state.settings[arguments[0].partition(":")[0]] = " ".join(arguments[1:])
    return bool(arguments)


def _clear(arguments: list[str], state: State) -> bool:
    for name in arguments:
        state.settings.pop(name, None)
    return True


def _isset(arguments: list[str], _state: State) -> bool:
    return bool(arguments)


def _iseq(arguments: list[str], _state: State) -> bool:
    return len(arguments) == 2 and arguments[0] == arguments[1]


def _imgfree(arguments: list[str], state: State) -> bool:
    if not arguments:
        state.kernel = None
        state.initrds.clear()
    for name in arguments:
        state.initrds.pop(name, None)
    return True


def _imgargs(arguments: list[str], state: State) -> bool:
    if state.kernel is None or not arguments:
        return False
    state.kernel = (*state.kernel[:2], " ".join(arguments[1:]))
    return True


def _menu(_arguments: list[str], state: State) -> bool:
    state.items = ()
    return True


def _item(arguments: list[str], state: State) -> bool:
    """Add a line to the menu; gaps and items without a label choose nothing."""
    flags = {"-d", "--default"} & set(arguments[:4])
    found, rest = options([word for word in arguments if word not in {"-d", "--default"}])
    if rest and "gap" not in found and len(state.items) < MAX_ITEMS:
        state.items = (*state.items, (rest[0], " ".join(rest[1:]), bool(flags)))
    return True


_COMMANDS: Final[Mapping[str, Callable[[list[str], State], bool]]] = {
    "set": _set,
    "clear": _clear,
    "isset": _isset,
    "iseq": _iseq,
    "imgfree": _imgfree,
    "imgargs": _imgargs,
    "menu": _menu,
    "item": _item,
}
