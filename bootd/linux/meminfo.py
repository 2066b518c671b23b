"""/proc/meminfo: how much memory there is, and how much of it can be had."""


def parse(text: str) -> dict[str, int]:
    """Return the entries in bytes by name; lines that have no size in kB are left out."""
    found: dict[str, int] = {}
    for line in text.split("\n"):
        words = line.split()
        if len(words) == 3 and words[2] == "kB" and words[1].isdecimal():
            found[words[0].rstrip(":")] = int(words[1]) << 10
    return found


def read(path: str = "/proc/meminfo") -> dict[str, int]:
    """Return the running kernel's entries (`MemTotal`, `MemAvailable` and so on) in bytes."""
    with open(path, encoding="ascii", errors="replace") as file:
        return parse(file.read())
