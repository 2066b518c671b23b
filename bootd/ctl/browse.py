"""`bootdctl tree`: looks into the device tree that an option would get."""

from argparse import Namespace
from typing import TYPE_CHECKING

from bootd.ctl.asking import add_overrides, add_verb, find_option, overrides

if TYPE_CHECKING:
    from bootd.client import Client
    from bootd.ctl.asking import Commands
    from bootd.protocol.messages import TreePageView, TreeRowView


def register(commands: "Commands") -> None:
    """Add the verb."""
    verb = add_verb(commands, "tree", "Look into the tree that an option would get.", _tree)
    verb.add_argument("id", metavar="ID", help="id, or the entry's name where it is unique")
    verb.add_argument("path", metavar="NODE", nargs="?", default="/", help="node to show")
    verb.add_argument("--find", metavar="TEXT", default="", help="show what has TEXT in it instead")
    verb.add_argument(
        "--against", choices=("shipped", "live"), default="", help="show all differences instead"
    )
    add_overrides(verb)
    verb.add_argument("--json", action="store_true", help="print JSON")


async def _tree(client: "Client", given: Namespace) -> int:
    from bootd.ctl.output import print_json  # noqa: PLC0415 - see bootd.ctl.asking
    from bootd.protocol.methods import Browsing  # noqa: PLC0415 - ditto
    from bootd.record import replace  # noqa: PLC0415 - ditto

    option = await find_option(client, given.id)
    asked = Browsing(
        id=option.id,
        overrides=overrides(given),
        path=given.path,
        find=given.find,
        against=given.against,
    )
    page = await client.browse_tree(asked)
    while len(page.rows) < page.total:
        more = await client.browse_tree(replace(asked, offset=len(page.rows)))
        if not more.rows:
            break
        page = replace(page, rows=page.rows + more.rows)
    if given.json:
        print_json(page)
    else:
        _print(page)
    return 0


def _print(page: "TreePageView") -> None:
    from bootd.model.text import escape  # noqa: PLC0415 - see bootd.ctl.asking

    print(escape(page.summary))
    for row in page.rows:
        print(escape(_line(row)))


def _line(row: "TreeRowView") -> str:
    name = f"{row.path.rstrip('/')}/{row.property}" if row.property else row.path
    value = "(not there)" if row.value is None else row.value
    text = name if not row.property or not value else f"{name} = {value}"
    return f"{text}\t{row.source}: {row.reason}" if row.reason else text
