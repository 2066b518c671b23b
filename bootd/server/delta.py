"""What changed between two states, as the events that lead a client from one to the other. Pure.

An event's `position` holds for a client that has applied every event before it: it takes the option
out where it was and puts it in at `position`.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final, TypeVar

from bootd.protocol.messages import (
    DeviceChanged,
    DeviceRemoved,
    DeviceView,
    Event,
    OptionChanged,
    OptionRemoved,
    OptionView,
    Snapshot,
    StatusChanged,
)
from bootd.server import views
from bootd.services.state import MenuEntry, State

PART_ITEMS: Final = 128
PART_WEIGHT: Final = views.MAX_WEIGHT
"""One message holds this many devices or options of this weight at most, and stays below 1 MiB."""

V = TypeVar("V", OptionView, DeviceView)


def parts(items: Iterable[V]) -> Iterator[tuple[V, ...]]:
    """Yield the views in groups that fit a message; at least one group, perhaps empty."""
    part: list[V] = []
    weight = 0
    for view in items:
        weight += views.weigh(view)
        if part and (weight > PART_WEIGHT or len(part) == PART_ITEMS):
            yield tuple(part)
            part, weight = [], views.weigh(view)
        part.append(view)
    yield tuple(part)


def beginning(state: State) -> Iterator[Event]:
    """Yield a snapshot, and an event for every device and option that has no room in it."""
    devices, *more_devices = parts(map(views.device, state.devices.values()))
    options, *more_options = parts(map(views.option, state.menu))
    yield Snapshot(devices=devices, options=options, status=state.status)
    for device in chain.from_iterable(more_devices):
        yield DeviceChanged(device=device)
    for position, option in enumerate(chain.from_iterable(more_options), start=len(options)):
        yield OptionChanged(option=option, position=position)


def changes(old: State, new: State) -> Iterator[Event]:
    """Yield what leads from `old` to `new`: devices first, options, then the status."""
    for name, device in new.devices.items():
        if old.devices.get(name) is not device:
            yield DeviceChanged(device=views.device(device))
    if old.menu != new.menu:
        yield from _menu_changes(old.menu, new.menu)
    for name in old.devices:
        if name not in new.devices:
            yield DeviceRemoved(name=name)
    if old.status != new.status:
        yield StatusChanged(status=new.status)


def _menu_changes(old: tuple[MenuEntry, ...], new: tuple[MenuEntry, ...]) -> Iterator[Event]:
    wanted = {entry.resolved.id for entry in new}
    known = {entry.resolved.id: entry for entry in old}
    order = [entry.resolved.id for entry in old if entry.resolved.id in wanted]
    for option_id in known:
        if option_id not in wanted:
            yield OptionRemoved(id=option_id)
    for position, entry in enumerate(new):
        option_id = entry.resolved.id
        in_place = position < len(order) and order[position] == option_id
        if in_place and known[option_id] is entry:
            continue
        if not in_place:
            if option_id in known:
                order.remove(option_id)
            order.insert(position, option_id)
        yield OptionChanged(option=views.option(entry), position=position)
