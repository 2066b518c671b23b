"""Which options a boot order means, and which media may boot by themselves. Pure."""

from collections.abc import Iterable

from bootd.model.option import ResolvedOption
from bootd.model.order import ANY, FORMAT, UUID, uuid


def matches(word: str, option: ResolvedOption) -> bool:
    """Say whether a word of the order means an option."""
    if word.startswith(UUID):
        return word.removeprefix(UUID).casefold() == uuid(option.id).casefold()
    if word.startswith(FORMAT):
        return word.removeprefix(FORMAT) == option.option.format
    return word in {ANY, option.kind.value}


def names_medium(word: str) -> bool:
    """Say whether a word means certain media, so that one that can be taken out is meant, too."""
    return word != ANY and not word.startswith(FORMAT)


def allows(words: Iterable[str], option: ResolvedOption) -> bool:
    """Say whether an option may boot by itself, as far as its medium goes."""
    named = any(names_medium(word) and matches(word, option) for word in words)
    return named or not option.removable
