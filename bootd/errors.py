"""Every exception that bootd raises on purpose.

    BootdError
    ├── ConfigError          a boot configuration on a device
    │   ├── ConfigSyntaxError
    │   └── ConfigLimitError
    ├── FdtError             a device tree blob, or an overlay
    ├── MergeRefusedError    the shipped and the live tree cannot become one safely
    ├── ImageError           a kernel or initrd that cannot be started here
    ├── ProbeError           a device that could not be looked at
    ├── ProberError          the process that starts probes is gone
    ├── LoadError            a loader refused or failed
    ├── SettingError         bootd.conf or a bootd.* word on the kernel command line
    ├── ProtocolError        a message on the socket, or in an answer of a worker
    ├── CallError            a request that the daemon answered with a named error
    └── UnreachableError     there is no daemon to ask, or it went away

`OSError` is never wrapped below `bootd.services`: it already carries errno and file name.
Messages are sentences for a person at a serial console: what was tried, on what, what to do.
"""

from typing import ClassVar


class BootdError(Exception):
    """Base class; `str(error)` is the sentence to show."""

    code: ClassVar[str] = "bootd"
    """Stable name of the kind, for logs and programs."""


class ConfigError(BootdError):
    """A boot configuration could not be used; others on the device are unaffected.

    Attributes:
        reason: Why, without the place.
        source: Absolute path of the file within its file system.
        line: 1-based line, or None when the file as a whole is meant.
    """

    code = "config"

    def __init__(self, reason: str, *, source: str, line: int | None = None) -> None:
        place = source if line is None else f"{source}:{line}"
        super().__init__(f"{place}: {reason}")
        self.reason = reason
        self.source = source
        self.line = line


class ConfigSyntaxError(ConfigError):
    """The text is not what the format's specification allows."""

    code = "config-syntax"


class ConfigLimitError(ConfigError):
    """A limit of bootd (size, count, depth) was passed."""

    code = "config-limit"


class FdtError(BootdError):
    """A blob is not a valid flattened device tree, or an overlay does not apply.

    Attributes:
        offset: Byte offset in the blob where reading failed, or None.
    """

    code = "fdt"

    def __init__(self, reason: str, *, offset: int | None = None) -> None:
        super().__init__(reason if offset is None else f"{reason} (at byte {offset:#x})")
        self.reason = reason
        self.offset = offset


class MergeRefusedError(BootdError):
    """No merged tree: handing the result over could kill the board or hide hardware."""

    code = "merge-refused"


class ImageError(BootdError):
    """A file is not a kernel or initrd that this machine can start."""

    code = "image"


class ProbeError(BootdError):
    """A device could not be looked at: it does not mount, answer in time, or its worker died.

    Attributes:
        device: Kernel name of the device, such as `sda1`.
        reason: Why, without the device.
    """

    code = "probe"

    def __init__(self, device: str, reason: str) -> None:
        super().__init__(f"{device}: {reason}")
        self.device = device
        self.reason = reason


class ProberError(BootdError):
    """The process that starts probes is gone: the daemon has to start again."""

    code = "prober"


class LoadError(BootdError):
    """No loader could put the next kernel in memory; nothing is loaded now."""

    code = "load"


class SettingError(BootdError):
    """A setting is unknown or has a value out of range; its default stays in force."""

    code = "setting"


class ProtocolError(BootdError):
    """A message is not what the interface says; carries the place, such as `$.option.id`."""

    code = "protocol"


class CallError(BootdError):
    """The daemon answered a request with a named error.

    Attributes:
        name: The Varlink error, such as `org.bootd.Boot.NoSuchOption`.
        parameters: The error's parameters as sent.
    """

    code = "call"

    def __init__(self, name: str, message: str, parameters: dict[str, object]) -> None:
        super().__init__(message)
        self.name = name
        self.parameters = parameters


class UnreachableError(BootdError):
    """The daemon cannot be reached, does not answer, or went away in the middle."""

    code = "unreachable"
