"""Commands of GRUB scripts. To add one: write its function, then list it in `COMMANDS`.

A command gets the session and its call, and returns its status: 0 when it worked. It may raise
ConfigSyntaxError, which becomes a remark and status 1, and ConfigLimitError, which ends the run.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from bootd.formats.grub.commands import (
    condition,
    control,
    entries,
    including,
    loading,
    matching,
    searching,
    silent,
    variables,
)
from bootd.formats.grub.commands.blscfg import blscfg
from bootd.formats.grub.session import Call, Session

Run = Callable[[Session, Call], int]

COMMANDS: Final[Mapping[str, Run]] = MappingProxyType(
    {
        "set": variables.set_variable,
        "unset": variables.unset,
        "export": variables.export,
        "read": variables.read,
        "tr": variables.tr,
        "increment": variables.increment,
        "decrement": variables.decrement,
        "load_env": variables.load_env,
        "save_env": variables.save_env,
        "file_env": variables.file_env,
        "true": control.true,
        "false": control.false,
        "break": control.jump,
        "continue": control.jump,
        "return": control.leave,
        "exit": control.leave,
        "normal_exit": control.leave,
        "shift": control.shift,
        "setparams": control.setparams,
        "eval": control.evaluate,
        "[": condition.bracket,
        "test": condition.test,
        "regexp": matching.regexp,
        "search": searching.search,
        "search.fs_uuid": searching.search_by_name,
        "search.fs_label": searching.search_by_name,
        "search.file": searching.search_by_name,
        "probe": searching.probe,
        "source": including.source,
        ".": including.source,
        "configfile": including.configfile,
        "normal": including.normal,
        "extract_entries_source": including.source,
        "extract_entries_configfile": including.source,
        "menuentry": entries.menuentry,
        "submenu": entries.menuentry,
        "blscfg": blscfg,
        "bls_import": blscfg,
        "linux": loading.linux,
        "linux16": loading.linux,
        "linuxefi": loading.linux,
        "initrd": loading.initrd,
        "initrd16": loading.initrd,
        "initrdefi": loading.initrd,
        "devicetree": loading.devicetree,
        "fdt": loading.devicetree,
        "loopback": loading.loopback,
        "gptprio.next": loading.choose_partition,
        **dict.fromkeys(loading.OTHERS, loading.other),
        **dict.fromkeys(silent.DONE, silent.done),
        **dict.fromkeys(silent.REFUSED, silent.refused),
    }
)
"""By name, as scripts call them."""
