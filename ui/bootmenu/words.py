"""What both faces say about devices, options, trees and the daemon: foreign text cleaned. Pure."""

from bootd.protocol.messages import DeviceView, Level, OptionView, Phase, ProblemView, Status
from bootmenu.clean import clean, escape
from bootmenu.state import MenuState, why_not_bootable

_NOT_KEPT = "not persisted"
"""Start of the daemon's sentence where nothing outlasts the next power-on."""

_NAME = 36
"""Columns of an option's title within a sentence."""
_BRIEF = 20
"""The same where the sentence says more."""

LEVELS = {Level.INFO: "", Level.WARNING: "Warning: ", Level.ERROR: "Error: "}
"""What stands before a line, so that colour is never the only sign."""


def device_words(device: DeviceView) -> str:
    """Return what a person would look for on the shelf: label, file system, model and bus."""
    label = clean(device.label or device.partlabel)
    model = clean(device.model)
    kind = clean(device.kind)
    medium = f"{model} ({kind})" if model not in {"", kind} else kind
    parts = [clean(device.name), f'"{label}"' if label else "", clean(device.fstype), medium]
    # a directory that plays a device has the same word several times
    return "  ".join(dict.fromkeys(part for part in parts if part))


def device_trouble(device: DeviceView) -> str:
    """Return why there may be nothing below a device, or ""."""
    if device.state == "probing":
        return "being looked at ..."
    problem = f": {problem_words(device.problems[0])}" if device.problems else ""
    if device.state == "failed":
        return f"cannot be read{problem}"
    return problem.removeprefix(": ") or "no boot options"


def problem_words(problem: ProblemView) -> str:
    """Return a problem with its place."""
    place = escape(problem.source)
    if problem.line is not None:
        place = f"{place}:{problem.line}"
    return f"{place}: {escape(problem.message)}" if place else escape(problem.message)


def option_words(option: OptionView) -> str:
    """Return an option's title with its submenus, and the version unless the title has it."""
    path = [clean(title) for title in (*option.submenu, option.title)]
    title = " > ".join(path)
    version = clean(option.version)
    return title if not version or version in title else f"{title} ({version})"


def option_trouble(option: OptionView) -> str:
    """Return why an option cannot boot, or ""."""
    return escape("; ".join(why_not_bootable(option)))


def tree_words(state: MenuState, option: OptionView) -> str:
    """Return what tree an option gets, as far as that is known."""
    trouble = option_trouble(option)
    if trouble:
        return f"cannot boot: {trouble}"
    explanation = state.explanations.get(option.id)
    if explanation is None:
        return escape(option.tree) or "..."
    if explanation.refused:
        instead = " (R boots with the running tree)" if explanation.running_tree else ""
        return f"refused{instead}: {escape(explanation.refused)}"
    if explanation.tree is None:
        return "none: this machine has no device tree"
    return escape(explanation.tree.summary)


def status_words(state: MenuState) -> str:
    """Return what the daemon is doing, in one line."""
    status = state.status
    if not state.connected:
        return escape(state.link)
    if status.phase is not Phase.MENU:
        return _loading_words(state)
    if status.seconds_left is not None:
        awaited = clean(status.waiting_for, 26)
        name = _title(state, status.default_id, _BRIEF if awaited else _NAME)
        # the number stands at the start: a tick then costs a serial line the fewest bytes
        then = f"Waiting for {awaited}" if awaited else "Any key stops this."
        return f"Booting in {status.seconds_left:2} s: {name}. {then}"
    looking = f" Looking at {status.probing} device(s) ..." if status.probing else ""
    if status.countdown_stopped_by:
        stopped = f"Countdown stopped by {clean(status.countdown_stopped_by)}."
        # when it has just been stopped, the daemon's newest message says that; later ones are news
        said = f"stopped by {status.countdown_stopped_by}" in status.message
        return f"{stopped}{looking}" if looking or said else clean(status.message) or stopped
    return looking.strip() or clean(status.message)


def _loading_words(state: MenuState) -> str:
    name = _title(state, state.status.selected_id)
    if state.status.phase is Phase.EXECUTING:
        return f"Starting {name} ..."
    progress = state.status.progress
    doing = clean(state.status.message, 60)
    bar = "" if progress is None else f"[{'#' * (progress // 5):<20}] {progress:3} % "
    return f"{bar}Loading {name} ... {doing}".rstrip()


def _title(state: MenuState, option_id: str | None, width: int = _NAME) -> str:
    option = state.option(option_id)
    return "the default" if option is None else f'"{clean(option_words(option), width)}"'


def machine_words(status: Status) -> str:
    """Return what this machine is, for the heading."""
    board = clean(status.board, 40) or "this machine"
    kernel = " ".join(filter(None, [clean(status.kernel, 24), clean(status.architecture, 12)]))
    dry = "  DRY RUN" if status.dry_run else ""
    kept = "  choices not persisted" if status.kept.startswith(_NOT_KEPT) else ""
    return f"bootd on {board}  {kernel}".rstrip() + dry + kept


def option_signs(state: MenuState, option: OptionView) -> str:
    """Return what stands behind an option in the list: what a person has done to it."""
    once = " (boots once)" if state.status.one_shot_id == option.id else ""
    return once + (" (edited)" if option.id in state.edits else "")
