"""PXELINUX configuration on a boot server: which file is this machine's, and its labels.

Source: doc/pxelinux.txt of Syslinux 6.03; RFC 5071 (DHCP options 208 to 211); boot/pxe_utils.c of
U-Boot. The first file that is there counts, in this order: option 209, the machine's UUID, `01-`
and the MAC address, the IP address in hexadecimal with one digit less each time, `default`. What is
inside is the language of `bootd.formats.extlinux`; a path that starts with a slash is absolute on
the server, as in U-Boot, `::name` does without the prefix, `server::name` is on another server.

Not supported, and said so at the entry: SYSAPPEND beside BOOTIF. Not supported without a word:
U-Boot's `default-ARCH-SOC-BOARD` names.
"""

import re
from collections.abc import Iterator
from typing import Final

from bootd.errors import ConfigError
from bootd.fetch import Fetch, Lease, join
from bootd.formats import extlinux
from bootd.formats.lexing import check_cmdline, lex, problem
from bootd.fsview import MAX_CONFIG_BYTES, read_text
from bootd.model.option import BootOption, FileRef, ScanResult
from bootd.model.text import clean
from bootd.record import replace

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MAC: Final = re.compile(r"[0-9a-f]{2}(?:-[0-9a-f]{2}){5}")
_FILES: Final = frozenset(
    {
        *("kernel", "linux", "initrd", "fdt", "fdtdir", "fdtoverlays", "devicetree", "include"),
        *("devicetreedir", "devicetree-overlay", "dtb"),
    }
)
_ELSEWHERE: Final = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://|[A-Za-z0-9.-]*::)[^\s,]+")
"""A name that has its server in it, or none of the prefix."""

_INITRD: Final = re.compile(r"(?<=\s)initrd=\S+", re.IGNORECASE)

_BOOTIF: Final = 2
"""SYSAPPEND bit: `BOOTIF=` and the hardware address."""


def scan(fetch: Fetch, lease: Lease) -> ScanResult:
    """Collect the labels of this machine's configuration."""
    prefix = prefix_of(lease)
    for url in candidates(lease):
        try:
            return _scan_url(fetch, lease, prefix, url)
        except FileNotFoundError:
            continue
        except (ConfigError, OSError) as error:
            return ScanResult(problems=(problem(error, url),))
    return ScanResult()


def prefix_of(lease: Lease) -> str:
    """Return the URL that relative names are appended to, with a slash at its end."""
    if lease.path_prefix:
        return join(lease.server, lease.path_prefix).rstrip("/") + "/"
    return join(lease.server, lease.bootfile).rpartition("/")[0] + "/"


def candidates(lease: Lease) -> Iterator[str]:
    """Yield the URLs of configurations, in the order in which they are tried."""
    prefix = prefix_of(lease)
    if lease.config_file:
        yield join(prefix, lease.config_file)
        return
    folder = join(prefix, "pxelinux.cfg").rstrip("/") + "/"
    yield from (folder + name for name in _names(lease))


def _names(lease: Lease) -> Iterator[str]:
    uuid = lease.uuid.casefold()
    if _UUID.fullmatch(uuid):
        yield uuid
    mac = lease.mac.casefold().replace(":", "-")
    if _MAC.fullmatch(mac):
        yield f"01-{mac}"
    numbers = lease.address.split(".")
    if len(numbers) == 4 and all(n.isascii() and n.isdecimal() and int(n) < 256 for n in numbers):
        digits = "".join(f"{int(number):02X}" for number in numbers)
        yield from (digits[:length] for length in range(8, 0, -1))
    yield "default"


def _scan_url(fetch: Fetch, lease: Lease, prefix: str, url: str) -> ScanResult:
    server = _Server(fetch, prefix)
    path = server.path_of(url)
    text = read_text(server, path)
    base = server.path_of(prefix).rstrip("/") or "/"
    found = extlinux.scan_text(server, path, text, base)
    outside = _Outside(server, lease)
    return ScanResult(
        options=tuple(outside.option(each) for each in found.options),
        problems=tuple(replace(p, source=clean(server.url_of(p.source))) for p in found.problems),
        timeout_s=found.timeout_s,
    )


class _Server:
    """A boot server as the file system that the parser of configurations expects.

    Names that say where else they are become paths that no server has, so that the parser, which
    knows paths only, leaves them alone.
    """

    def __init__(self, fetch: Fetch, prefix: str) -> None:
        scheme, _, rest = prefix.partition("://")
        self._fetch = fetch
        self._root = f"{scheme}://{rest.partition('/')[0]}"
        self._elsewhere: list[str] = []
        self.sysappend: dict[tuple[str, int | None], str] = {}

    def path_of(self, url: str) -> str:
        """Return what stands for a URL here."""
        if url.startswith(f"{self._root}/"):
            return url.removeprefix(self._root)
        self._elsewhere.append(url)
        return f"/:{len(self._elsewhere) - 1}:"

    def url_of(self, path: str) -> str:
        """Return the URL that a path stands for."""
        number = path[2:-1] if path.startswith("/:") and path.endswith(":") else ""
        if number.isascii() and number.isdecimal() and int(number) < len(self._elsewhere):
            return self._elsewhere[int(number)]
        return self._root + path

    def read(self, path: str, limit: int = MAX_CONFIG_BYTES, /) -> bytes:
        """Return a configuration, prepared for the parser."""
        data = self._fetch.fetch(self.url_of(path), limit)
        if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
            return data
        text = data.decode("utf-8", "surrogateescape")
        self._note_sysappend(path, text)
        lines = "\n".join(map(self._prepare, text.split("\n")))
        return lines.encode("utf-8", "surrogateescape")

    def read_head(self, path: str, _size: int, /) -> bytes:
        """Refuse: kernels are not looked into before they are booted."""
        raise FileNotFoundError(path)

    def read_range(self, path: str, _offset: int, _size: int, /) -> bytes:
        """Refuse, as `read_head`."""
        raise FileNotFoundError(path)

    def list_dir(self, _path: str, /) -> tuple[str, ...]:
        """Return nothing: boot servers list no folders."""
        return ()

    def is_file(self, _path: str, /) -> bool:
        """Say no: nobody knows before a file is fetched."""
        return False

    def is_dir(self, _path: str, /) -> bool:
        """Say no, as `is_file`."""
        return False

    def identity(self, path: str, /) -> tuple[int, int, int]:
        """Refuse, as `read_head`."""
        raise FileNotFoundError(path)

    def _prepare(self, line: str) -> str:
        key = line.split(maxsplit=1)[0].casefold() if line.strip() else ""
        if key == "append":
            return _INITRD.sub(lambda match: _ELSEWHERE.sub(self._hide, match[0]), line)
        return _ELSEWHERE.sub(self._hide, line) if key in _FILES else line

    def _hide(self, match: re.Match[str]) -> str:
        server, separator, name = match[0].partition("::")
        if not separator or "://" in server:
            return self.path_of(match[0])
        name = name.lstrip("/")
        return self.path_of(f"tftp://{server}/{name}" if server else f"{self._root}/{name}")

    def _note_sysappend(self, path: str, text: str) -> None:
        label: int | None = None
        for line in lex(text):
            key = line.key.casefold()
            if key == "label":
                label = line.number
            elif key in {"sysappend", "ipappend"}:
                self.sysappend[path, label] = line.value


class _Outside:
    """Turns an option of the parser into one whose files are on the network."""

    def __init__(self, server: _Server, lease: Lease) -> None:
        self._server = server
        self._lease = lease

    def option(self, it: BootOption) -> BootOption:
        cmdline, notes = self._appended(it)
        return replace(
            it,
            format="pxe",
            source=clean(self._server.url_of(it.source), 4096),
            linux=self._file(it.linux),
            initrds=tuple(self._url(ref) for ref in it.initrds),
            cmdline=cmdline,
            devicetree=self._file(it.devicetree),
            devicetree_dir=self._file(it.devicetree_dir),
            overlays=tuple(self._url(ref) for ref in it.overlays),
            notes=(*it.notes, *notes),
        )

    def _file(self, ref: FileRef | None) -> FileRef | None:
        return None if ref is None else self._url(ref)

    def _url(self, ref: FileRef) -> FileRef:
        return FileRef("/", url=self._server.url_of(ref.path), part=ref.part)

    def _appended(self, it: BootOption) -> tuple[str, list[str]]:
        """Return the command line with what SYSAPPEND asks for, and notes."""
        known = self._server.sysappend
        text = known.get((it.source, it.line), known.get((it.source, None), ""))
        mask = int(text, 0) if re.fullmatch(r"0x[0-9A-Fa-f]{1,8}|[1-9]\d{0,8}|0", text) else 0
        cmdline, notes = it.cmdline, list[str]()
        mac = self._lease.mac.casefold().replace(":", "-")
        if mask & _BOOTIF and _MAC.fullmatch(mac):
            cmdline = check_cmdline(f"{cmdline} BOOTIF=01-{mac}".lstrip(), it.source, it.line or 1)
            mask &= ~_BOOTIF
        if mask:
            notes.append(f"SYSAPPEND {mask:#x} is not put on the command line")
        return cmdline, notes
