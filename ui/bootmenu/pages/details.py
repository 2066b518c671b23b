"""All about the option under the cursor, its device tree, and this machine."""

from collections.abc import Iterator
from typing import Final

from bootd.protocol.machine import MachineView
from bootd.protocol.messages import Explanation, FileView, OptionView, OverlayView
from bootmenu.clean import clean, escape, wrap
from bootmenu.lines import Line, Run, Tone, plain
from bootmenu.state import MenuState
from bootmenu.words import device_words, option_trouble, option_words, problem_words, tree_words

_LABEL: Final = 13
_MAX_ROWS: Final = 40
"""Lines for one value; the longest command line (4 KiB) fits on 120 columns."""

Rows = Iterator[tuple[str, str]]
"""Labels and values; a row without a value is a heading."""


def text(state: MenuState, columns: int) -> tuple[Line, ...]:
    """Return the whole text, wrapped."""
    lines: list[Line] = []
    for label, value in _rows(state):
        if not value:
            lines += [(), (Run(f" {label}", Tone.BOLD),)]
            continue
        wrapped = wrap(value, columns - _LABEL - 3, _MAX_ROWS)
        lines.append(plain(f"   {label:<{_LABEL}}{wrapped[0]}"))
        lines += [plain(" " * (_LABEL + 3) + more) for more in wrapped[1:]]
    return tuple(lines)


def _rows(state: MenuState) -> Rows:
    option = state.highlighted
    if option is not None:
        yield option_words(option), ""
        yield from _option(option)
        yield "Device tree", ""
        yield "tree", tree_words(state, option)
        explanation = state.explanations.get(option.id)
        if explanation is not None:
            yield from _explanation(explanation)
    yield from _machine(state)
    yield from _devices(state)


def _option(option: OptionView) -> Rows:
    if trouble := option_trouble(option):
        yield "cannot boot", trouble
    yield "kernel", _file(option.linux)
    for initrd in option.initrd:
        yield "initrd", _file(initrd)
    yield "cmdline", escape(option.options) or "(none)"
    if option.devicetree is not None:
        yield "devicetree", _file(option.devicetree)
    if option.devicetree_dir is not None:
        yield "fdtdir", _file(option.devicetree_dir)
    for overlay in option.devicetree_overlay:
        yield "overlay", _file(overlay)
    yield "source", f"{escape(option.source)} on {clean(option.device)} ({clean(option.format)})"
    for note in option.notes:
        yield "note", escape(note)


def _explanation(explanation: Explanation) -> Rows:
    if explanation.running_tree:
        yield "key R", escape(explanation.running_tree)
    if explanation.loader:
        yield "loader", escape(explanation.loader)
    if explanation.why:
        yield "why", escape(explanation.why)
    tree = explanation.tree
    if tree is None:
        return
    if tree.shipped_path:
        chosen = f" (chosen by {escape(tree.selected_by)})" if tree.selected_by else ""
        yield "shipped", f"{escape(tree.shipped_path)}{chosen}"
    for note in (*tree.notes, *tree.suggestions):
        yield "note", escape(note)
    for fact in tree.facts:
        name = escape(f"{fact.path}: {fact.property}" if fact.property else fact.path)
        yield clean(f"{fact.action} {fact.source}", _LABEL - 1), f"{name} - {escape(fact.reason)}"


def _machine(state: MenuState) -> Rows:
    status = state.status
    yield "This machine", ""
    yield "board", clean(status.board) or "unknown"
    yield "kernel", f"{clean(status.kernel)} {clean(status.architecture)}".strip() or "unknown"
    yield "kexec", ", ".join(map(clean, status.kexec)) or "not possible"
    yield "lockdown", clean(status.lockdown)
    if state.machine is not None:
        yield from _more_machine(state.machine)
    yield "bootd", clean(status.version) or "unknown"


def _more_machine(machine: MachineView) -> Rows:
    yield "serial", clean(machine.serial) or "unknown"
    yield "firmware", clean(machine.firmware) or "unknown"
    total, free = machine.memory_bytes >> 20, machine.memory_available_bytes >> 20
    yield "memory", f"{total} MiB, {free} MiB available"
    if machine.kexec_refusal:
        yield "no kexec_load", escape(machine.kexec_refusal)
    for link in machine.network:
        yield "network", f"{clean(link.name)} {clean(link.state)} {clean(link.address)}".rstrip()


def _devices(state: MenuState) -> Rows:
    yield "Devices", ""
    for device in state.devices:
        yield clean(device.state), device_words(device)
        for problem in device.problems:
            yield "  problem", problem_words(problem)


def _file(file: FileView | OverlayView | None) -> str:
    return "(none)" if file is None else f"{escape(file.path)} on {clean(file.device)}"
