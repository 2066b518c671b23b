"""Boot options below the devices that they come from, in the order of the screen. Pure."""

from bootd.protocol.messages import DeviceView, OptionView
from bootd.record import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A device and its options in menu order; both may be all that is known."""

    device: DeviceView
    options: tuple[OptionView, ...] = ()


def grouped(devices: tuple[DeviceView, ...], options: tuple[OptionView, ...]) -> tuple[Group, ...]:
    """Return devices in the order of their first option, then those without options.

    An option whose device has not been announced yet gets a device with nothing but a name.
    """
    by_device: dict[str, list[OptionView]] = {}
    for option in options:
        by_device.setdefault(option.device, []).append(option)
    known = {device.name: device for device in devices}
    full = tuple(
        Group(device=known.get(name, DeviceView(name=name)), options=tuple(members))
        for name, members in by_device.items()
    )
    empty = tuple(Group(device=device) for device in devices if device.name not in by_device)
    return full + empty


def in_order(
    devices: tuple[DeviceView, ...], options: tuple[OptionView, ...]
) -> tuple[OptionView, ...]:
    """Return the options in the order in which the cursor passes them."""
    return tuple(option for group in grouped(devices, options) for option in group.options)
