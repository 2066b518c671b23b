"""Boot counting: how often an option was tried since it last confirmed that it came up."""

from bootd.record import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tries:
    """What is remembered of the tries of one option.

    `done` 0 means that its last try was confirmed, or that nothing was tried yet; `left` 0 with
    `done` above 0 that it has failed as often as it may.

    Attributes:
        id: Of the option.
        left: Tries that it may still fail.
        done: Tries since it was last confirmed.
        own: Counted because its own entry has a counter (Boot Loader Specification): without that
            counter somebody else has confirmed it, and this record means nothing.
    """

    id: str
    left: int
    done: int
    own: bool = False
