"""A boot server in memory."""

from collections.abc import Mapping

from bootd.errors import ConfigLimitError
from bootd.fsview import MAX_CONFIG_BYTES


class Server:
    """Implements `Fetch`; remembers what it was asked for."""

    def __init__(self, files: Mapping[str, str | bytes], root: str = "tftp://10.0.0.1") -> None:
        self._files = {path if "://" in path else root + path: d for path, d in files.items()}
        self.asked: list[str] = []

    def fetch(self, url: str, limit: int = MAX_CONFIG_BYTES, /) -> bytes:
        self.asked.append(url)
        if url not in self._files:
            raise FileNotFoundError(url)
        data = self._files[url]
        raw = data.encode() if isinstance(data, str) else data
        if len(raw) > limit:
            raise ConfigLimitError(f"has more than {limit} bytes", source=url)
        return raw
