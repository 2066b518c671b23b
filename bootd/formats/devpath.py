"""petitboot's way to name a file: `sda1:/vmlinuz`, `uuid=…:/vmlinuz`, a URL, or just a path.

Source: discover/resource.c of petitboot. Beside `uuid=` and `label=`, `partuuid=` and `partlabel=`
are understood; device names with and without /dev.
"""

from typing import Final

from bootd.errors import ConfigSyntaxError
from bootd.formats.lexing import MAX_PATH, file_ref
from bootd.model.option import FileRef
from bootd.record import replace

_TAGS: Final = ("uuid", "label", "partuuid", "partlabel")


def parse(value: str, source: str, line: int) -> FileRef:
    """Return the file that `value` names.

    Raises:
        ConfigSyntaxError: The path is none, or longer than one can be.
    """
    head, colon, rest = value.partition(":")
    if not colon:
        return file_ref(value, "/", source, line)
    if rest.startswith("//"):
        if head == "file":
            return file_ref(rest[2:], "/", source, line)
        if len(value) > MAX_PATH:
            reason = f"a URL has {len(value)} characters, more than {MAX_PATH}"
            raise ConfigSyntaxError(reason, source=source, line=line)
        return FileRef("/", url=value)
    return replace(file_ref(rest, "/", source, line), device=_spec(head))


def _spec(name: str) -> str:
    tag, separator, value = name.partition("=")
    if separator and tag.casefold() in _TAGS:
        return f"{tag.upper()}={value}"
    return name if name.startswith("/dev/") else f"/dev/{name}"
