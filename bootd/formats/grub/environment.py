"""Variables of a running script: contexts, exported names and positional parameters.

Source: GRUB grub-core/kern/env.c, grub-core/normal/context.c, grub-core/script/execute.c. A new
context (a submenu, `configfile`) starts with the exported variables only, as copies.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from bootd.record import dataclass

FEATURES = (
    "chainloader_bpb",
    "ntldr",
    "platform_search_hint",
    "default_font_path",
    "all_video_module",
    "menuentry_id",
    "menuentry_options",
    "200_final",
    "nativedisk_cmd",
    "timeout_style",
)
"""What GRUB 2.06 says it can do: `$feature_NAME` is `y` (grub-core/normal/main.c)."""


@dataclass(slots=True)
class Frame:
    """The variables of one context; kept by whoever has to come back to it."""

    values: dict[str, str]
    exported: set[str]

    def copy(self) -> "Frame":
        """Return the same variables, to be changed without effect on these."""
        return Frame(dict(self.values), set(self.exported))

    def inherited(self) -> "Frame":
        """Return what a new context starts with."""
        exported = self.exported
        return Frame({n: v for n, v in self.values.items() if n in exported}, set(exported))


class Environment:
    """Values by name. Unset and empty are the same, as in GRUB scripts.

    Attributes:
        frame: The current context.
        status: `$?`: 0 when the last command succeeded.
        arguments: `$1`, `$2` … of the running function or entry.
        outer: Those of the function that defined the entry, for numbers that the entry lacks.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        values = {f"feature_{name}": "y" for name in FEATURES}
        values.update(variables)
        self.frame = Frame(values, set(values))
        self.status = 0
        self.arguments: list[str] = []
        self.outer: tuple[str, ...] = ()

    def get(self, name: str) -> str:
        """Return a variable's value; "" when it is unset. `?`, `#`, `1` … work as well."""
        value = self.frame.values.get(name)
        if value is not None:
            return value
        if name == "?":
            return str(self.status)
        if name == "#":
            return str(len(self.arguments))
        if name in {"@", "*"}:
            return " ".join(self.arguments)
        if name.isdecimal() and name.isascii():
            number = int(name) if len(name) < 6 else 0
            given = (*self.arguments, *self.outer[len(self.arguments) :])
            return given[number - 1] if 0 < number <= len(given) else ""
        return ""

    def set(self, name: str, value: str) -> None:
        """Set a variable; `root` may be written with parentheses."""
        if name == "root":
            value = value.removeprefix("(").removesuffix(")")
        self.frame.values[name] = value

    def unset(self, name: str) -> None:
        """Forget a variable."""
        self.frame.values.pop(name, None)

    def export(self, name: str) -> None:
        """Let new contexts have it; an unset one becomes empty."""
        self.frame.exported.add(name)
        self.frame.values.setdefault(name, "")

    @contextmanager
    def within(self, frame: Frame) -> Iterator[None]:
        """Run the block in another context."""
        outer, self.frame = self.frame, frame
        try:
            yield
        finally:
            self.frame = outer

    @contextmanager
    def scope(self, arguments: list[str], outer: tuple[str, ...] = ()) -> Iterator[None]:
        """Run the block with positional parameters of its own."""
        before = self.arguments, self.outer
        self.arguments, self.outer = arguments, outer
        try:
            yield
        finally:
            self.arguments, self.outer = before
