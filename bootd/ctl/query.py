"""Verbs that only look: status, list, show, explain."""

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Final

from bootd.ctl.asking import FAILED, add_overrides, add_verb, find_option, overrides
from bootd.errors import CallError
from bootd.protocol.messages import ErrorName

if TYPE_CHECKING:
    from bootd.client import Client
    from bootd.ctl.asking import Commands
    from bootd.protocol.messages import (
        DeviceView,
        Explanation,
        FileView,
        OptionView,
        OverlayView,
        Snapshot,
        Status,
        TreeView,
    )

_MAX_FACTS: Final = 40
"""Lines of the readable explanation; --json has all."""


def register(commands: "Commands") -> None:
    """Add the verbs."""
    _with_json(add_verb(commands, "status", "Show machine, countdown and devices.", _status))
    _with_json(add_verb(commands, "list", "List the boot options in menu order.", _list))
    for name, help_text, ask in (
        ("show", "Show one boot option with everything that is known of it.", _show),
        ("explain", "Say what would happen at a boot, with which tree, and why.", _explain),
    ):
        parser = _with_json(add_verb(commands, name, help_text, ask))
        parser.add_argument("id", metavar="ID", help="id, or the entry's name where it is unique")
        if name == "explain":
            add_overrides(parser)


def _with_json(parser: ArgumentParser) -> ArgumentParser:
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


async def _status(client: "Client", given: Namespace) -> int:
    from bootd.ctl.output import print_json  # noqa: PLC0415 - see bootd.ctl.asking

    snapshot = await client.snapshot()
    if given.json:
        print_json({"status": snapshot.status, "devices": snapshot.devices})
        return 0
    able = ", ".join(snapshot.status.kexec)
    _print_status(snapshot, able or f"not possible: {await _kexec_refusal(client)}")
    return 0


async def _kexec_refusal(client: "Client") -> str:
    """Return why nothing can be loaded; "" for who may not ask, on the far side of a gateway."""
    try:
        return (await client.describe_machine()).kexec_refusal
    except CallError as error:
        if error.name == ErrorName.PERMISSION_DENIED:
            return ""
        raise


async def _list(client: "Client", given: Namespace) -> int:
    from bootd.ctl.output import print_json  # noqa: PLC0415 - see bootd.ctl.asking
    from bootd.ctl.table import print_table  # noqa: PLC0415 - ditto

    options = await client.list_options()
    if given.json:
        print_json(options)
        return 0
    rows = [(_mark(it), it.title, it.device, it.format, state(it), it.id) for it in options]
    print_table((" ", "TITLE", "DEVICE", "FORMAT", "STATE", "ID"), rows)
    return 0


async def _show(client: "Client", given: Namespace) -> int:
    from bootd.ctl.output import print_json  # noqa: PLC0415 - see bootd.ctl.asking
    from bootd.ctl.table import print_record  # noqa: PLC0415 - ditto

    option = await find_option(client, given.id)
    if given.json:
        print_json(option)
    else:
        print_record(_option_record(option))
    return 0


async def _explain(client: "Client", given: Namespace) -> int:
    from bootd.ctl.output import print_json  # noqa: PLC0415 - see bootd.ctl.asking

    option = await find_option(client, given.id)
    explanation = await client.explain(option.id, overrides(given))
    if given.json:
        print_json(explanation)
    else:
        _print_explanation(explanation)
    return FAILED if explanation.refused else 0


def _print_status(snapshot: "Snapshot", kexec: str) -> None:
    from bootd.ctl.table import print_record, print_table  # noqa: PLC0415 - see bootd.ctl.asking

    status = snapshot.status
    print_record(
        [
            ("board", status.board),
            ("architecture", status.architecture),
            ("kernel", status.kernel),
            ("bootd", status.version + (" (dry run)" if status.dry_run else "")),
            ("kexec", kexec.removesuffix(": ")),
            ("lockdown", status.lockdown),
            ("phase", status.phase.value),
            ("countdown", _countdown(status)),
            ("default", status.default_id or "none"),
            ("wished for", status.default_until_power_on or status.default_wish),
            ("boots once", status.one_shot_id or ""),
            ("boot order", " ".join(status.order)),
            ("waiting for", status.waiting_for),
            ("selected", status.selected_id or ""),
            ("choices", status.kept),
            ("unprotected", "; ".join(status.unprotected)),
            ("dead disks", _abandoned(status)),
            ("message", status.message),
        ]
    )
    if snapshot.devices:
        print()
        rows = [(it.name, it.fstype or it.kind, it.label, _device_state(it), it.uuid)
                for it in snapshot.devices]  # fmt: skip
        print_table(("DEVICE", "TYPE", "LABEL", "STATE", "UUID"), rows)


def _abandoned(status: "Status") -> str:
    return f"{status.abandoned} (8 stop new disks; unplug them)" if status.abandoned else ""


def _countdown(status: "Status") -> str:
    if status.seconds_left is not None:
        return f"{status.seconds_left} s left"
    if status.countdown_stopped_by:
        return f"stopped by {status.countdown_stopped_by}"
    return "not running"


def _device_state(device: "DeviceView") -> str:
    if not device.problems:
        return device.state
    first = device.problems[0]
    place = f"{first.source}:{first.line}: " if first.line else ""
    more = f" (and {len(device.problems) - 1} more)" if len(device.problems) > 1 else ""
    return f"{device.state}: {place}{first.message}{more}"


def _mark(option: "OptionView") -> str:
    return ("*" if option.is_default else "") + (">" if option.is_selected else "")


def state(option: "OptionView") -> str:
    """Return whether an option can boot, or why it does not."""
    if option.bootable:
        return "ready" if option.tries_left != 0 else _failed(option)
    absent = [f"{it.path} is not on {it.device}" for it in option.missing]
    return "; ".join([*option.reasons, *absent])


def _failed(option: "OptionView") -> str:
    return f"failed {option.tries_done} times" if option.tries_done else "marked as bad"


def _option_record(option: "OptionView") -> list[tuple[str, str]]:
    tries = option.tries_left
    return [
        ("id", option.id),
        ("title", option.title),
        ("version", option.version),
        ("submenu", " > ".join(option.submenu)),
        ("state", state(option)),
        ("default", "yes" if option.is_default else ""),
        ("selected", "yes" if option.is_selected else ""),
        ("format", option.format),
        ("source", f"{option.source} on {option.device}"),
        ("linux", _file(option.linux)),
        *(("initrd", _file(file)) for file in option.initrd),
        ("devicetree", _file(option.devicetree)),
        ("devicetree folder", _file(option.devicetree_dir)),
        *(("overlay", _file(file)) for file in option.devicetree_overlay),
        ("options", option.options),
        ("tree", option.tree),
        ("architecture", option.architecture),
        ("tries left", "" if tries is None else f"{tries} ({option.tries_done or 0} done)"),
        *(("note", note) for note in option.notes),
    ]


def _file(file: "FileView | OverlayView | None") -> str:
    return f"{file.path} on {file.device}" if file else ""


def _print_explanation(explanation: "Explanation") -> None:
    from bootd.ctl.table import print_record  # noqa: PLC0415 - see bootd.ctl.asking
    from bootd.record import replace  # noqa: PLC0415 - ditto

    print_record(
        [
            *_option_record(replace(explanation.option, tree="")),  # its tree comes below
            ("refused", explanation.refused or ""),
            ("running tree", explanation.running_tree or ""),
            ("loader", explanation.loader),
            ("why", explanation.why),
            *(tree_record(explanation.tree) if explanation.tree else []),
        ]
    )


def tree_record(tree: "TreeView") -> list[tuple[str, str]]:
    """Return what is said of a tree: labels and texts."""
    from bootd.devicetree.trustclass import trust_class  # noqa: PLC0415 - see bootd.ctl.asking

    facts: list[tuple[str, str]] = []
    for it in tree.facts[:_MAX_FACTS]:
        decides = f"{it.rule}, class {trust_class(it.path, it.property).value}"
        text = f"{it.action} {it.path} {it.property} from {it.source} ({decides}): {it.reason}"
        facts.append(("fact", text))
    unseen = len(tree.facts) - len(facts)
    return [
        ("tree", tree.summary),
        ("shipped tree", tree.shipped_path or ""),
        ("chosen by", tree.selected_by),
        ("tree SHA-256", tree.sha256),
        *facts,
        ("facts", f"{unseen} more; --json shows all" if unseen else ""),
        *(("suggestion", path) for path in tree.suggestions),
        *(("note", note) for note in tree.notes),
    ]
