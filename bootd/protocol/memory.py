"""What is remembered, as text: one line of JSON with a version and a checksum. Pure.

    {"version": 1, "crc32": "89abcdef", "remembered": {"default": "bls:…", …}}

The checksum is that of the member `remembered`, written as here: no spaces, members sorted, ASCII.
Members that are not known are ignored, so that an older bootd reads what a newer one wrote as long
as the version is the same.
"""

import json
from typing import Final
from zlib import crc32

from bootd.errors import ProtocolError, SettingError
from bootd.model.remembered import MAX_BYTES, MAX_ORDER, MAX_SAVED, MAX_TRIES, NOTHING, Remembered
from bootd.protocol.codec import Json, from_json, to_json

VERSION: Final = 1


def write(remembered: Remembered) -> bytes:
    """Return the text, with a newline at its end.

    Raises:
        SettingError: It would be larger than `MAX_BYTES`, or hold more than is allowed.
    """
    limits = (
        ("saved changes", remembered.saved, MAX_SAVED),
        ("options with counted attempts", remembered.tries, MAX_TRIES),
        ("words of the boot order", remembered.order or (), MAX_ORDER),
    )
    for what, there, limit in limits:
        if len(there) > limit:
            raise SettingError(f"at most {limit} {what} can be remembered; forget one first")
    body = _body(to_json(remembered))
    text = f'{{"version":{VERSION},"crc32":"{crc32(body):08x}","remembered":'.encode()
    text += body + b"}\n"
    if len(text) > MAX_BYTES:
        raise SettingError(
            f"that is more than bootd remembers ({MAX_BYTES >> 10} KiB); forget something first"
        )
    return text


def read(text: bytes | None) -> tuple[Remembered, str]:
    """Return what a text says, and a sentence on why it says nothing or ""; never raises.

    Args:
        text: None when nothing was ever written.
    """
    if text is None or not text.strip(b"\0 \n"):
        return NOTHING, ""
    if len(text) > MAX_BYTES:
        return NOTHING, f"what was remembered is larger than {MAX_BYTES >> 10} KiB; it is ignored"
    try:
        document = json.loads(text.rstrip(b"\0"))
    except (ValueError, RecursionError):
        return NOTHING, "what was remembered is damaged: it is no JSON; it is ignored"
    if not isinstance(document, dict):
        return NOTHING, "what was remembered is damaged: it is no object; it is ignored"
    return _checked(document)


def _checked(document: dict[str, Json]) -> tuple[Remembered, str]:
    if document.get("version") != VERSION:
        words = "what was remembered was written by another version of bootd; it is ignored"
        return NOTHING, words
    members = document.get("remembered")
    if document.get("crc32") != f"{crc32(_body(members)):08x}":
        return NOTHING, "what was remembered is damaged: its checksum is wrong; it is ignored"
    try:
        return from_json(Remembered, members), ""
    except ProtocolError as error:
        return NOTHING, f"what was remembered makes no sense ({error}); it is ignored"


def _body(members: Json) -> bytes:
    return json.dumps(members, separators=(",", ":"), sort_keys=True).encode()
