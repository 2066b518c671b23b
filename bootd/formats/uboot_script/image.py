"""A script's text, whatever it is wrapped in: a legacy image, a FIT image, or nothing.

Source: cmd/source.c of U-Boot (`image_source_script`, `get_fit_script`).
"""

from functools import partial

from bootd.container import fit, legacy, read_part
from bootd.errors import ImageError
from bootd.fdt.cells import string
from bootd.formats.uboot_script.state import without_marks
from bootd.fsview import MAX_CONFIG_BYTES, FsView, read_text


def script_at(fs: FsView, path: str, part: str = "") -> str:
    """Return the script in a file.

    A legacy image's data check sum is checked as U-Boot does.

    Args:
        fs: Where it is.
        path: Absolute.
        part: An image of a FIT image, or "" for the default one.

    Raises:
        ImageError: The wrapping is damaged, or there is no script in it.
        ConfigLimitError: It is larger than a configuration may be.
        OSError: It cannot be read.
    """
    head = fs.read_head(path, legacy.HEADER_BYTES)
    if legacy.matches(head):
        return _legacy(fs, path)
    if fit.matches(head):
        return _text(read_part(fs, path, _script_part(fs, path, part), MAX_CONFIG_BYTES))
    text = read_text(fs, path)
    if "\0" in text:
        raise ImageError("it is no text and no U-Boot image")
    return without_marks(text)


def name_of(fs: FsView, path: str) -> str:
    """Return the name in the header of a legacy image (foreign text), or ""."""
    head = fs.read_head(path, legacy.HEADER_BYTES)
    return legacy.parse_header(head).name if legacy.matches(head) else ""


def _legacy(fs: FsView, path: str) -> str:
    whole = fs.read(path, MAX_CONFIG_BYTES)
    header = legacy.parse_header(whole)
    if header.kind != legacy.SCRIPT:
        raise ImageError("it is a U-Boot image, but not a script")
    legacy.check_data(header, whole)
    (first, *_) = legacy.files(header, partial(fs.read_range, path)) or (None,)
    if first is None:
        raise ImageError("the script image is empty")
    return _text(whole[first.offset : first.offset + first.size])


def _script_part(fs: FsView, path: str, part: str) -> str:
    image = fit.load(partial(fs.read_range, path))
    if part:
        return f"/images/{part.removeprefix('#')}"
    scripts = [
        name
        for name, node in image.images.items()
        if string(node.properties.get("type", b"")) == "script"
    ]
    if not scripts:
        raise ImageError("it is a FIT image without a script in it")
    node = image.tree.find("/images")
    default = "" if node is None else string(node.properties.get("default", b""))
    return f"/images/{default if default in scripts else scripts[0]}"


def _text(data: bytes) -> str:
    text = data.rstrip(b"\0").decode("utf-8", "replace").replace("\r\n", "\n")
    return without_marks(text)
