"""Facts as sentences and as the JSON that `bootdctl dt merge --explain=json` promises."""

from collections.abc import Iterator
from typing import Final

from bootd.devicetree.trustclass import ABOUT, TrustClass, trust_class
from bootd.fdt.compare import Difference
from bootd.fdt.source import render_value
from bootd.model.text import escape
from bootd.model.tree import Fact, FactAction, FactSource

_SHOWN_BYTES: Final = 64

_VERBS: Final = {
    FactAction.SET: "set",
    FactAction.ADD: "added",
    FactAction.DELETE: "removed",
    FactAction.KEEP: "kept",
    FactAction.REFUSE: "not brought over",
}

_SOURCES: Final = {
    FactSource.LIVE: "from the running tree",
    FactSource.SHIPPED: "from the shipped DTB",
    FactSource.POLICY: "by bootd",
    FactSource.BOOT_OPTION: "from the boot option",
}


def sentence(fact: Fact) -> str:
    """Return one line for a person, such as `/memory@0 reg: set from the running tree (…)`."""
    place = escape(f"{fact.path} {fact.property}".strip())
    if fact.action is FactAction.REFUSE:
        return f"{place}: {_VERBS[fact.action]} ({fact.reason})"
    return f"{place}: {_VERBS[fact.action]} {_SOURCES[fact.source]} ({fact.reason})"


def by_class(facts: tuple[Fact, ...], risks: tuple[str, ...]) -> Iterator[str]:
    """Yield lines for a person: the facts below the class they are of, dangerous things last."""
    for each in TrustClass:
        lines = [sentence(f) for f in facts if trust_class(f.path, f.property) is each]
        if each is TrustClass.DANGEROUS:
            lines += risks
        if lines:
            yield f"Class {each.value}: {ABOUT[each]}"
        yield from lines


def as_json(facts: tuple[Fact, ...], refused: str | None = None) -> dict[str, object]:
    """Return the object of DESIGN.md: `facts` and `refused`, ready for the json module."""
    return {
        "facts": [
            {
                "path": escape(fact.path),
                "property": escape(fact.property),
                "source": fact.source.value,
                "rule": fact.rule,
                "action": fact.action.value,
                "reason": fact.reason,
                "class": trust_class(fact.path, fact.property).value,
            }
            for fact in facts
        ],
        "refused": refused,
    }


def difference(found: Difference) -> str:
    """Return one line for a person on what two trees have different."""
    place = escape(f"{found.path} {found.property}".strip())
    if found.before is None:
        return f"+ {place}{_shown(found.after)}"
    if found.after is None:
        return f"- {place}{_shown(found.before)}"
    return f"~ {place}{_shown(found.before)} -> {_shown(found.after)[2:]}"


def _shown(value: bytes | None) -> str:
    """Return a value as source writes it, cut after some bytes."""
    if not value:
        return ""
    if len(value) <= _SHOWN_BYTES:
        return f": {render_value(value)}"
    return f": [{value[:_SHOWN_BYTES].hex(' ')} ...] ({len(value)} bytes)"
