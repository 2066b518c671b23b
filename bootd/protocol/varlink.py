"""Varlink's framing and its three message forms: bytes to checked values and back. Pure.

A message is one JSON object in UTF-8, ended by a NUL byte (UAPI.20 "Varlink IPC"; varlink.org).
Not supported: `upgrade`, which turns a connection into a raw pipe.
"""

import json
import re
from typing import Final

from bootd.errors import ProtocolError
from bootd.protocol.codec import Json
from bootd.record import dataclass, field

MAX_MESSAGE_BYTES: Final = 1 << 20
"""A message with its NUL may have this many bytes (DESIGN.md, limits)."""

MAX_DEPTH: Final = 32
"""Objects and lists may be nested this deep; the interface itself needs seven."""

_SURROGATE: Final = "\\udc"
"""How `json.dumps` begins what stands for a byte that is no UTF-8 (also other characters)."""

_LONE: Final = re.compile("[\ud800-\udfff]")

END: Final = b"\0"
"""Ends each message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a client asks.

    Attributes:
        method: Full name, such as `org.bootd.Boot.ListOptions`.
        more: The client accepts several replies.
        oneway: The client wants no reply, not even an error.
    """

    method: str
    parameters: dict[str, Json] = field(default_factory=dict)
    more: bool = False
    oneway: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the daemon answers.

    Attributes:
        parameters: Of the method, or of the error.
        continues: Another reply to the same call follows.
        error: Full name of an error, or "".
    """

    parameters: dict[str, Json] = field(default_factory=dict)
    continues: bool = False
    error: str = ""


def encode_call(call: Call) -> bytes:
    """Return a call as it goes on the wire, NUL included."""
    message: dict[str, Json] = {"method": call.method, "parameters": call.parameters}
    if call.more:
        message["more"] = True
    if call.oneway:
        message["oneway"] = True
    return _encode(message)


def encode_reply(reply: Reply) -> bytes:
    """Return a reply as it goes on the wire, NUL included."""
    message: dict[str, Json] = {"parameters": reply.parameters}
    if reply.error:
        message["error"] = reply.error
    if reply.continues:
        message["continues"] = True
    return _encode(message)


def decode_call(frame: bytes) -> Call:
    """Read a client's message.

    Args:
        frame: Without or with its NUL.

    Raises:
        ProtocolError: Not a call, too long, or nested too deep.
    """
    message = _decode(frame)
    if _flag(message, "upgrade"):
        raise ProtocolError("$.upgrade: is not supported")
    return Call(
        method=_text(message, "method"),
        parameters=_members(message),
        more=_flag(message, "more"),
        oneway=_flag(message, "oneway"),
    )


def decode_reply(frame: bytes) -> Reply:
    """Read the daemon's message.

    Args:
        frame: Without or with its NUL.

    Raises:
        ProtocolError: Not a reply, too long, or nested too deep.
    """
    message = _decode(frame)
    return Reply(
        parameters=_members(message),
        continues=_flag(message, "continues"),
        error=_text(message, "error") if message.get("error") is not None else "",
    )


def visible(value: Json) -> Json:
    """Return a value whose texts are all valid Unicode; see `_as_unicode`."""
    if isinstance(value, str):
        return _as_unicode(value)
    if isinstance(value, list):
        return [visible(each) for each in value]
    if isinstance(value, dict):
        return {_as_unicode(name): visible(each) for name, each in value.items()}
    return value


def _encode(message: dict[str, Json]) -> bytes:
    text = json.dumps(message, separators=(",", ":"))
    if _SURROGATE in text:
        # Names and command lines that are no UTF-8: foreign clients refuse lone surrogates.
        text = json.dumps(visible(message), separators=(",", ":"))
    frame = text.encode() + END
    if len(frame) > MAX_MESSAGE_BYTES:
        raise ProtocolError(f"a message of {len(frame)} bytes is too long to send")
    return frame


def _decode(frame: bytes) -> dict[str, Json]:
    if len(frame) > MAX_MESSAGE_BYTES:
        raise ProtocolError(f"a message has more than {MAX_MESSAGE_BYTES} bytes")
    try:
        message: Json = json.loads(frame.removesuffix(END).decode())
    except UnicodeDecodeError as error:
        raise ProtocolError(f"a message is not UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise ProtocolError(f"a message is nested deeper than {MAX_DEPTH}") from error
    except ValueError as error:
        raise ProtocolError(f"a message is not JSON: {error}") from error
    if not isinstance(message, dict):
        raise ProtocolError("$: a message must be an object")
    _check_depth(message)
    return message


def _check_depth(message: Json) -> None:
    level: list[Json] = [message]
    for _ in range(MAX_DEPTH):
        level = [item for value in level for item in _children(value)]
        if not level:
            return
    raise ProtocolError(f"a message is nested deeper than {MAX_DEPTH}")


def _children(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return [item for item in value.values() if isinstance(item, dict | list)]
    if isinstance(value, list):
        return [item for item in value if isinstance(item, dict | list)]
    return []


def _members(message: dict[str, Json]) -> dict[str, Json]:
    value = message.get("parameters")
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ProtocolError("$.parameters: expected an object")
    return value


def _text(message: dict[str, Json], name: str) -> str:
    value = message.get(name)
    if not isinstance(value, str):
        raise ProtocolError(f"$.{name}: expected a string")
    return value


def _flag(message: dict[str, Json], name: str) -> bool:
    value = message.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise ProtocolError(f"$.{name}: expected true or false")
    return value


def _as_unicode(text: str) -> str:
    """Return `text` with lone surrogates as visible escapes, all else as it is.

    They stand for bytes that are no UTF-8 (`os.fsdecode`); strict readers of JSON refuse them.
    """
    return _LONE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)
