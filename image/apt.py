"""Debian packages for the board, through the apt of this machine but with a state of its own.

The suites come from this machine's own sources at run time; its package data base, its list of
architectures and its cache are left alone.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from image import command
from image.step import say

ARCHITECTURE: Final = "arm64"

_PARTS: Final = (Path("/etc/apt/sources.list"), Path("/etc/apt/sources.list.d"))
_SUITES: Final = ("", "-updates", "-security")


class AptError(RuntimeError):
    """apt could not do it; the message says what to check."""


@dataclass(frozen=True, slots=True)
class Apt:
    """apt for another architecture, with all of its state below `root`.

    Attributes:
        release: Another release than this machine's, from the same places; "" for its own.
        components: Sections of the archive.
        architecture: Debian's name of it.
    """

    root: Path
    release: str = ""
    components: tuple[str, ...] = ("main",)
    architecture: str = ARCHITECTURE

    def prepare(self) -> None:
        """Write the sources and fetch the indexes, unless both are there and current."""
        sources = self._sources()
        file = self.root / "board.sources"
        if (
            file.exists()
            and file.read_text() == sources
            and any((self.root / "lists").glob("*_Packages*"))
        ):
            return
        self.update(sources)

    def update(self, sources: str | None = None) -> None:
        """Fetch the package indexes anew."""
        for folder in ("lists/partial", "archives/partial", "nothing/partial", "parts"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        (self.root / "status").touch()
        (self.root / "board.sources").write_text(self._sources() if sources is None else sources)
        say(f"fetching package indexes for {self.architecture}")
        self._show("update")

    def dependency(self, metapackage: str, prefix: str) -> str:
        """Return the package that a metapackage stands for now, such as one kernel's."""
        output = self._run("apt-cache", "depends", metapackage)
        found = re.search(rf"Depends: ({re.escape(prefix)}\S+)", output)
        if found is None:
            raise AptError(f"{metapackage} depends on no package named {prefix}…")
        return found.group(1)

    def depends(self, name: str) -> list[str]:
        """Return the packages that a package depends on directly."""
        return re.findall(r"Depends: (\S+)", self._run("apt-cache", "depends", name))

    def closure(self, names: Sequence[str]) -> list[Path]:
        """Download packages and everything they depend on; return the files.

        An index that has become too old is fetched again once.
        """
        arguments = ("install", "--yes", *names)
        try:
            self._show(*arguments, "--download-only")
        except AptError:
            self.update()
            self._show(*arguments, "--download-only")
        # With its real cache apt would leave out what is already there.
        listed = self._run("apt-get", *arguments, "--print-uris", archives="nothing")
        return [self.root / "archives" / name for name in _uri_names(listed)]

    def single(self, name: str) -> Path:
        """Download one package without its dependencies; return the file."""
        folder = self.root / "archives"
        (file,) = _uri_names(self._run("apt-get", "download", name, "--print-uris"))
        if not (folder / file).exists():
            self._show("download", name, cwd=folder)
        return folder / file

    def _sources(self) -> str:
        return "\n".join(stanzas(self.release, self.components, self.architecture))

    def _show(self, *args: str, cwd: Path | None = None) -> None:
        """Run apt-get with its progress where the person who waits can see it."""
        command = ["apt-get", *self._options("archives"), *args]
        if subprocess.run(command, cwd=cwd, stdout=sys.stderr, check=False).returncode != 0:
            raise AptError(
                f"apt-get {args[0]} failed for {self.architecture}; its messages are above. "
                "Check the network and the Debian suites in /etc/apt/sources.list.d."
            )

    def _run(self, program: str, *args: str, archives: str = "archives") -> str:
        command = [program, *self._options(archives), *args]
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            tail = "\n".join(done.stderr.strip().splitlines()[-5:])
            raise AptError(f"{program} {args[0]} failed for {self.architecture}: {tail}")
        return done.stdout

    def _options(self, archives: str) -> list[str]:
        root = self.root.resolve()
        settings = {
            "Dir::Etc::sourcelist": root / "board.sources",
            "Dir::Etc::sourceparts": root / "parts",
            "Dir::State": root,
            "Dir::State::Lists": root / "lists",
            "Dir::State::status": root / "status",
            "Dir::Cache": root,
            "Dir::Cache::archives": root / archives,
            "APT::Architecture": self.architecture,
            "APT::Architectures": self.architecture,
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "root",
            "APT::Keep-Downloaded-Packages": "true",
            # The machine may clean its package cache after every run (containers do); not this one.
            "DPkg::Post-Invoke": "",
            "APT::Update::Post-Invoke": "",
        }
        return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]


def stanzas(
    release: str = "",
    components: Sequence[str] = ("main",),
    architecture: str = ARCHITECTURE,
) -> Iterator[str]:
    """Yield this machine's Debian suites as sources stanzas for the board's architecture.

    Only the release's own suites with component `main` count: third parties seldom serve others.

    Args:
        release: Codename of another release, taken from where the machine has its own; its
            updates are left out.
        components: Sections of the archive to ask for.
        architecture: To ask for.

    Raises:
        AptError: None is configured.
    """
    wanted = {_codename() + suffix for suffix in ([""] if release else _SUITES)}
    found = False
    for fields in _configured():
        suites = [suite for suite in fields.get("suites", "").split() if suite in wanted]
        if (
            "deb" in fields.get("types", "").split()
            and "main" in fields["components"].split()
            and suites
        ):
            found = True
            signed = f"Signed-By: {fields['signed-by']}\n" if "signed-by" in fields else ""
            yield (
                f"Types: deb\nURIs: {fields['uris']}\nSuites: {release or ' '.join(suites)}\n"
                f"Components: {' '.join(components)}\nArchitectures: {architecture}\n{signed}"
            )
    if not found:
        raise AptError(
            f"no Debian suite {_codename()} with component main in {_PARTS[0]} or {_PARTS[1]}"
        )


def unpack(packages: Iterable[Path], root: Path) -> None:
    """Unpack packages into a merged-/usr root; no maintainer script runs."""
    for folder in ("bin", "sbin", "lib"):
        (root / "usr" / folder).mkdir(parents=True, exist_ok=True)
        if not (root / folder).is_symlink():
            (root / folder).symlink_to(f"usr/{folder}")
    for package in packages:
        command.unpack(package, root)


def _configured() -> Iterator[dict[str, str]]:
    files = [_PARTS[0], *sorted(_PARTS[1].glob("*"))]
    for file in files:
        if not file.is_file():
            continue
        if file.suffix == ".sources":
            yield from _deb822(file.read_text())
        elif file.suffix == ".list":
            yield from _one_line(file.read_text())


def _deb822(text: str) -> Iterator[dict[str, str]]:
    for stanza in re.split(r"\n\s*\n", text):
        lines = [line for line in stanza.splitlines() if line.strip() and not line.startswith("#")]
        fields: dict[str, str] = {}
        key = ""
        for line in lines:
            if line[0].isspace():
                fields[key] += f"\n {line.strip()}"
            else:
                key = line.partition(":")[0].lower()
                fields[key] = line.partition(":")[2].strip()
        if fields.get("enabled", "yes").lower() in ("yes", "true", "1") and "uris" in fields:
            yield {"components": "", **fields}


def _one_line(text: str) -> Iterator[dict[str, str]]:
    for line in text.splitlines():
        found = re.match(
            r"deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<rest>[^#]+)",
            line,
        )
        if found is None:
            continue
        options = dict(
            word.split("=", 1) for word in (found["options"] or "").split() if "=" in word
        )
        fields = {
            "types": "deb",
            "uris": found["uri"],
            "suites": found["suite"],
            "components": found["rest"],
        }
        yield fields | ({"signed-by": options["signed-by"]} if "signed-by" in options else {})


def _codename() -> str:
    text = Path("/etc/os-release").read_text()
    found = re.search(r"^VERSION_CODENAME=\"?(\w+)", text, re.MULTILINE)
    if found is None or not re.search(r"^ID(_LIKE)?=\"?.*debian", text, re.MULTILINE):
        raise AptError(
            "the board image is built from Debian packages; this machine is not a Debian release"
        )
    return found.group(1)


def _uri_names(output: str) -> list[str]:
    return [line.split()[1] for line in output.splitlines() if line.startswith("'")]
