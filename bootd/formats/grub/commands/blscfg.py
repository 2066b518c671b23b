"""`blscfg`: entries from files of the Boot Loader Specification.

Source: Fedora's GRUB, grub-core/commands/blscfg.c. Each file becomes a small script, so that the
variables in it (`$kernelopts`, `$tuned_params`) are expanded when the entry runs, as GRUB does it.
Not used: grub_users, grub_class, grub_hotkey. Sorted by version of the file name, newest first.
With a configuration on an EFI system partition the files are on another device, which lends them.
"""

from typing import Final

from bootd.errors import ConfigError
from bootd.formats import version
from bootd.formats.entryfile import by_key, split_counter
from bootd.formats.grub.devices import Located
from bootd.formats.grub.menu import MAX_ENTRIES, BlsFile, Entry
from bootd.formats.grub.parser import parse
from bootd.formats.grub.session import FAILED, OK, Call, Session
from bootd.formats.lexing import Line
from bootd.model.option import FileRef
from bootd.model.text import clean
from bootd.record import replace

_DIRECTORIES: Final = ("/loader/entries", "/boot/loader/entries")
_MAX_BYTES: Final = 64 << 10


def blscfg(session: Session, call: Call) -> int:
    """`blscfg [DIRECTORY]`: $blsdir, or the first directory that has entries."""
    named = call.args[0] if call.args else session.env.get("blsdir")
    for directory in (named,) if named else _DIRECTORIES:
        try:
            at = session.locate(directory)
        except ConfigError:
            continue
        stems = _stems(session, session.devices.lent(at) or at.path)
        if not stems:
            session.devices.ask_for(at)
        for stem in stems[:MAX_ENTRIES]:
            entry = _entry(session, replace(at, path=f"{at.path}/{stem}.conf"), stem)
            if entry is not None:
                session.menu.add(entry)
        if len(stems) > MAX_ENTRIES:
            session.remark(f"blscfg: {len(stems)} entries, only the newest {MAX_ENTRIES} are used")
        if stems:
            return OK
    return FAILED


def _stems(session: Session, directory: str) -> list[str]:
    names = session.fs.list_dir(directory)
    session.budget.step(1 + len(names))
    stems = [name[:-5] for name in names if name.endswith(".conf") and name[0] != "."]
    return sorted(stems, key=version.Key, reverse=True)


def _entry(session: Session, at: Located, stem: str) -> Entry | None:
    """Return what a file says; None for one that another device has to lend first."""
    path, file = at.path, None
    if session.devices.lent(replace(at, path=at.path.rpartition("/")[0])) is not None:
        lent = session.devices.lent(at)
        if lent is None:
            session.devices.ask_for(at)
            return None
        path, file = lent, FileRef(at.path, at.spec)
    try:
        lines = by_key(session.read(path, _MAX_BYTES))
    except (ConfigError, OSError):
        session.remark(clean(f"blscfg: cannot read {path}"))
        return None
    if "linux" not in lines:
        return None
    parsed = parse(_script(session, lines, below_boot=at.path.startswith("/boot/")), path)
    for each in parsed.problems:
        session.remark(each.message)
    name, left, done = split_counter(stem)
    keys = {key: found[-1].value for key, found in lines.items()}
    keys["devicetree-overlay"] = " ".join(
        line.value for line in lines.get("devicetree-overlay", ())
    )
    title = keys.get("title") or name
    return Entry(
        title=title,
        id=name,
        arguments=(title, *(line.value for line in lines.get("grub_arg", ()))),
        body=parsed.script,
        source=path,
        line=1,
        frame=session.env.frame,
        bls=BlsFile(name, keys, left, done),
        file=file,
    )


def _script(session: Session, lines: dict[str, list[Line]], *, below_boot: bool) -> str:
    """Return what GRUB would run for an entry.

    Args:
        session: Where to see whether a path is meant relative to /boot.
        lines: By key.
        below_boot: The entry lies below /boot, where distributions without a boot partition put it.
    """

    def place(path: str) -> str:
        if below_boot and path[:1] == "/" and not session.devices.has(path):
            return f"/boot{path}" if session.devices.has(f"/boot{path}") else path
        return path

    options = " ".join(line.value for line in lines.get("options", ()))
    script = [f"linux {place(lines['linux'][-1].value)} {options}"]
    initrds = [word for line in lines.get("initrd", ()) for word in line.value.split()]
    if initrds:
        script.append(f"initrd {' '.join(place(word) for word in initrds)}")
    tree = lines["devicetree"][-1].value if "devicetree" in lines else "none"
    if tree != "none":
        script.append(f"devicetree {place(tree)}")
    return "\n".join(script)
