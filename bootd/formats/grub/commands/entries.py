"""`menuentry` and `submenu`.

Source: GRUB grub-core/commands/menuentry.c. Not used: --class, --users, --hotkey, --unrestricted.
"""

from typing import Final

from bootd.errors import ConfigSyntaxError
from bootd.formats.grub.commands.arguments import split
from bootd.formats.grub.menu import Entry
from bootd.formats.grub.parser import parse
from bootd.formats.grub.session import OK, Call, Session

_VALUED: Final = frozenset(
    {"--class", "-c", "--users", "-u", "--hotkey", "-h", "--source", "-s", "--id"}
)


def menuentry(session: Session, call: Call) -> int:
    """`menuentry TITLE [ARGUMENT …] [--id ID] … { BODY }`.

    Raises:
        ConfigSyntaxError: There is no title or no body.
    """
    words, options = split(call.args, _VALUED)
    budget = session.budget
    body = call.block
    text = options.get("--source", options.get("-s", ""))
    if body is None and text:
        budget.step(len(text) // 8)
        body = parse(text, budget.source).script
    if not words or body is None:
        missing = "a title" if not words else "a block in braces"
        raise ConfigSyntaxError(f"{missing} is missing", source=budget.source, line=budget.line)
    session.add(
        Entry(
            title=words[0],
            id=options.get("--id") or words[0],
            arguments=tuple(words),
            body=body,
            source=budget.source,
            line=budget.line,
            frame=session.env.frame,
            outer=tuple(session.env.arguments),
            root=session.env.get("root"),
            is_submenu=call.name == "submenu",
        )
    )
    return OK
