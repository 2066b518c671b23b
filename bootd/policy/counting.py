"""Boot counting: which options have failed too often, and what is tried instead. Pure.

A try begins before the machine leaves and is confirmed by the system that was started
(`bootd-bless`). What nobody confirms has failed. Only those options are counted of which a
confirmation can be expected: their entry has a counter of its own (UAPI.1, Boot counting), or their
installation has confirmed before; `every` counts the others too.

Damaged counters mean that all is well: they never keep a machine from booting.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from bootd.model.option import OptionId, ResolvedOption
from bootd.model.tries import Tries
from bootd.record import dataclass, replace

MAX_RECORDS: Final = 32
"""Those that were changed last are kept; a U-Boot environment has little room."""

MAX_TRIES: Final = 99
"""More than that is nobody's wish, but damage."""

Records = tuple[Tries, ...]
"""The last one was changed last; at most one for an option."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the administrator wants; see the settings of bootd.conf(5).

    Attributes:
        tries: How often an option may fail; 0 counts nothing.
        every: Count options of which no confirmation is known as well.
    """

    tries: int = 3
    every: bool = False


DEFAULT_RULES: Final = Rules()


def sound(records: Iterable[Tries]) -> Records:
    """Return the records that make sense; the last one of two for an option counts."""
    kept: dict[str, Tries] = {}
    for each in records:
        if each.id and 0 <= each.left <= MAX_TRIES and 0 <= each.done <= MAX_TRIES:
            kept.pop(each.id, None)
            kept[each.id] = each
    return tuple(kept.values())[-MAX_RECORDS:]


def count(option: ResolvedOption, records: Iterable[Tries]) -> Tries | None:
    """Return how an option stands, from its entry's own counter or from what is remembered."""
    return counts((option,), records).get(option.id)


def counts(options: Iterable[ResolvedOption], records: Iterable[Tries]) -> Mapping[OptionId, Tries]:
    """Return how each option stands that has a counter; called for every menu that is made."""
    known = {each.id: each for each in sound(records)}
    found = {
        each.id: _count(each, known.get(each.id))
        for each in options
        if each.option.tries_left is not None or each.id in known
    }
    return {key: one for key, one in found.items() if one is not None}


def _count(option: ResolvedOption, record: Tries | None) -> Tries | None:
    left, done = option.option.tries_left, option.option.tries_done or 0
    if left is None:
        return None if record is None or record.own else record
    own = Tries(id=option.id, left=min(left, MAX_TRIES), done=min(done, MAX_TRIES), own=True)
    if record is None or not record.own or record.left + record.done != own.left + own.done:
        return own  # never counted here, or the entry was written anew since
    return record if record.done == 0 or record.left < own.left else own


def has_failed(option: ResolvedOption, records: Iterable[Tries]) -> bool:
    """Say whether no try is left."""
    return bool(failed((option,), records))


def failed(options: Iterable[ResolvedOption], records: Iterable[Tries]) -> frozenset[OptionId]:
    """Return which options have no try left: nobody boots them without a person."""
    known = counts(options, records)
    return frozenset(
        key for key, one in known.items() if one.left == 0 and (one.done > 0 or one.own)
    )


def fallbacks(
    options: Sequence[ResolvedOption], records: Iterable[Tries], last_good: str
) -> tuple[OptionId, ...]:
    """Return what is known to be good, best first: to be booted instead of what has failed.

    Args:
        options: In menu order.
        records: What is remembered.
        last_good: Id of the option that confirmed last, or "".
    """
    known = sound(records)
    confirmed = [OptionId(each.id) for each in reversed(known) if each.done == 0]
    wanted = dict.fromkeys([OptionId(last_good), *confirmed])
    lost = failed(options, known)
    able = {
        each.id for each in options if each.bootable and not each.removable and each.id not in lost
    }
    return tuple(each for each in wanted if each in able)


def is_counted(option: ResolvedOption, records: Iterable[Tries], rules: Rules) -> bool:
    """Say whether a try of this option is to be counted."""
    if rules.tries <= 0:
        return False
    if rules.every or option.option.tries_left is not None:
        return True
    return _installation(option.id) in {_installation(each.id) for each in sound(records)}


def begin(option: ResolvedOption, records: Iterable[Tries], rules: Rules) -> Records:
    """Return the records as they are while an option is tried: one less is left.

    Raises nothing and changes nothing where the option is not counted.
    """
    known = sound(records)
    if not is_counted(option, known, rules):
        return known
    return _with(known, _next(option, known, rules))


def renamed(option: ResolvedOption, records: Iterable[Tries], rules: Rules) -> Tries | None:
    """Return what the name of an entry's own file has to say while it is tried, or None.

    None where the entry has no counter, or nothing is counted.
    """
    if option.option.tries_left is None or rules.tries <= 0:
        return None
    return _next(option, sound(records), rules)


def confirm(option_id: OptionId, records: Iterable[Tries]) -> Records:
    """Return the records after an option has confirmed that it came up."""
    known = sound(records)
    before = next((each for each in known if each.id == option_id), None)
    now = Tries(id=option_id, left=DEFAULT_RULES.tries, done=0)
    if before is not None and before.left + before.done:
        now = replace(before, left=min(before.left + before.done, MAX_TRIES), done=0)
    return _with(known, now)


def condemn(option_id: OptionId, records: Iterable[Tries]) -> Records:
    """Return the records after somebody has found an option to be bad."""
    known = sound(records)
    before = next((each for each in known if each.id == option_id), None)
    now = Tries(id=option_id, left=0, done=DEFAULT_RULES.tries)
    if before is not None and before.left + before.done:
        now = replace(before, left=0, done=min(before.left + before.done, MAX_TRIES))
    return _with(known, now)


def describe(known: Tries) -> str:
    """Return the sentence for a person, "" when there is nothing to say."""
    if known.left == 0 and known.own and not known.done:
        return "is marked as bad: it boots only when somebody chooses it"
    if known.left == 0 and known.done:
        return f"failed {_times(known.done)} in a row: it boots only when somebody chooses it"
    if known.done == 0:
        return ""
    more = "once more" if known.left == 1 else f"{_times(known.left)} more"
    return f"was tried {_times(known.done)} without a confirmation; it may fail {more}"


def _next(option: ResolvedOption, known: Records, rules: Rules) -> Tries:
    before = count(option, known)
    if before is None or (before.done == 0 and not before.own):
        before = Tries(id=option.id, left=min(rules.tries, MAX_TRIES), done=0)
    if before.left == 0:
        return before  # a person has chosen it all the same
    return replace(before, left=before.left - 1, done=min(before.done + 1, MAX_TRIES))


def _with(known: Records, record: Tries) -> Records:
    others = [each for each in known if each.id != record.id]
    return (*others, record)[-MAX_RECORDS:]


def _installation(option_id: str) -> str:
    """Return format and file system of an id: all its options are one system's."""
    return ":".join(option_id.split(":", 2)[:2])


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")
