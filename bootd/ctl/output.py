"""JSON for programs: the views as they are on the wire, one document or one line an event."""

import json

from bootd.protocol.codec import to_json


def print_json(value: object, *, one_line: bool = False) -> None:
    """Print a view, or a tuple of them, in ASCII: it may hold any text, and no terminal minds it.

    Args:
        value: A message of `bootd.protocol.messages`, or a tuple or dict of such.
        one_line: Compact, and flushed at once.
    """
    text = json.dumps(to_json(value), indent=None if one_line else 2)
    print(text, flush=one_line)
