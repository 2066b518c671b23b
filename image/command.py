"""Run the programs that the build consists of, with their own words in the error."""

import subprocess
from pathlib import Path


class CommandError(RuntimeError):
    """A program failed; the message has its command line and the end of what it said."""


def run(*words: str | Path, stdin: str = "") -> str:
    """Run a program and return what it printed.

    Raises:
        CommandError: It is not installed, or failed.
    """
    argv = [str(word) for word in words]
    try:
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise CommandError(f"{argv[0]} is not installed; `make setup` installs it") from None
    if done.returncode != 0:
        tail = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise CommandError(f"{' '.join(argv)}: exit {done.returncode}: {tail}")
    return done.stdout


def unpack(package: Path, root: Path, *options: str) -> None:
    """Unpack a Debian package into a folder; `options` are for tar.

    Raises:
        CommandError: The package is damaged.
    """
    extract = ["tar", "-x", "--keep-directory-symlink", "--no-same-owner", "-C", str(root)]
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE
    ) as source:
        done = subprocess.run([*extract, *options], stdin=source.stdout, check=False)
    if source.returncode != 0 or done.returncode != 0:
        raise CommandError(f"cannot unpack {package}; delete it and try again")
