"""Whether the countdown may boot an option with the running tree where it cannot get its own. Pure.

A person is offered that as a choice of its own, always; nothing takes it silently.
"""

from typing import Final

from bootd.model.board import RunningTree
from bootd.model.option import BootOption

_ALLOWED: Final = {
    # (setting, the entry says which tree it needs)
    (RunningTree.NEVER, False): False,
    (RunningTree.NEVER, True): False,
    (RunningTree.IMPLIED, False): True,
    (RunningTree.IMPLIED, True): False,
    (RunningTree.ALWAYS, False): True,
    (RunningTree.ALWAYS, True): True,
}


def may_substitute(option: BootOption, setting: RunningTree) -> bool:
    """Say whether an option may be booted with the running tree without a person."""
    return _ALLOWED[setting, demands_tree(option)]


def demands_tree(option: BootOption) -> bool:
    """Say whether an entry itself names a DTB, overlays or changes, and so needs just these.

    A folder of DTBs demands nothing: which of them fits is found out, and one may not be there.
    """
    return bool(
        option.devicetree
        or option.devicetree_choices
        or option.overlays
        or option.devicetree_parameters
        or option.devicetree_edits
    )
