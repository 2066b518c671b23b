"""Events on the wire: a record with `sequence` and exactly one member that names the kind."""

from typing import Final

from bootd.errors import ProtocolError
from bootd.protocol.codec import Json, from_json, to_json
from bootd.protocol.messages import EVENT_KINDS, Event

_NAMES: Final = {kind: name for name, kind in EVENT_KINDS.items()}


def event_to_json(event: Event, sequence: int) -> dict[str, Json]:
    """Return the record; members of other kinds are left out, which Varlink reads as null.

    The sequence number is 0 for the snapshot of a subscription, then one more for each event.
    """
    return {"sequence": sequence, _NAMES[type(event)]: to_json(event)}


def event_from_json(value: Json, where: str = "$.event") -> tuple[int, Event] | None:
    """Read a record; None when its kind is one that this version does not know.

    Raises:
        ProtocolError: It has no sequence number, or a member of the wrong type.
    """
    if not isinstance(value, dict):
        raise ProtocolError(f"{where}: expected an object")
    sequence = from_json(int, value.get("sequence"), f"{where}.sequence")
    for name, kind in EVENT_KINDS.items():
        if (member := value.get(name)) is not None:
            event: Event = from_json(kind, member, f"{where}.{name}")
            return sequence, event
    return None
