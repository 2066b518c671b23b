"""The verb monitor: one line for each thing that happens, until Ctrl-C or the daemon's end."""

from argparse import Namespace
from typing import TYPE_CHECKING, assert_never

from bootd.ctl.asking import add_verb

if TYPE_CHECKING:
    from bootd.client import Client
    from bootd.ctl.asking import Commands
    from bootd.protocol.messages import Event, OptionView


def register(commands: "Commands") -> None:
    """Add the verb."""
    help_text = "Print a line for each device, option and status change."
    parser = add_verb(commands, "monitor", help_text, _monitor)
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")


async def _monitor(client: "Client", given: Namespace) -> int:
    from bootd.ctl.output import print_json  # noqa: PLC0415 - see bootd.ctl.asking
    from bootd.model.text import escape  # noqa: PLC0415 - ditto
    from bootd.protocol.messages import EVENT_KINDS  # noqa: PLC0415 - ditto

    names = {kind: name for name, kind in EVENT_KINDS.items()}
    async for event in client.events():
        if given.json:
            print_json({names[type(event)]: event}, one_line=True)
        else:
            print(escape(describe(event)), flush=True)
    return 0


def describe(event: "Event") -> str:
    """Return an event in one line."""
    from bootd.protocol import messages  # noqa: PLC0415 - see bootd.ctl.asking

    match event:
        case messages.Snapshot():
            counts = f"{len(event.devices)} devices, {len(event.options)} options"
            return f"snapshot: {counts}; {event.status.message}"
        case messages.DeviceChanged(device=device):
            problems = f", {len(device.problems)} problems" if device.problems else ""
            return f"device {device.name}: {device.state}{problems}"
        case messages.DeviceRemoved(name=name):
            return f"device {name}: gone"
        case messages.OptionChanged(option=option, position=position):
            return f"option {option.id} at {position}: {option.title}{_flags(option)}"
        case messages.OptionRemoved(id=option_id):
            return f"option {option_id}: gone"
        case messages.StatusChanged(status=status):
            left = f", {status.seconds_left} s left" if status.seconds_left is not None else ""
            return f"status {status.phase.value}{left}: {status.message}"
        case messages.Resync(lost=lost):
            return f"resync: up to {lost} changes were lost, starting again"
        case _:
            assert_never(event)


def _flags(option: "OptionView") -> str:
    flags = {
        "default": option.is_default,
        "selected": option.is_selected,
        "cannot boot": not option.bootable,
    }
    named = ", ".join(name for name, is_set in flags.items() if is_set)
    return f" ({named})" if named else ""
