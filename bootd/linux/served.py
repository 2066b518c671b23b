"""A directory that plays a boot server: the `Fetch` of `bootdctl scan --tftp`."""

import os
from types import TracebackType
from typing import Self

from bootd.fsview import MAX_CONFIG_BYTES, normalise
from bootd.linux.dirview import DirView


class ServedDirectory:
    """Serves the files below a directory under a URL; nothing outside of it, links included.

    Attributes:
        asked: What was asked for, in order, and whether it was there.
    """

    def __init__(self, url: str, directory: str) -> None:
        """Open `directory`; `url` ends with a slash.

        Raises:
            OSError: There is no such directory.
        """
        self._url = url
        self._fd = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._view = DirView(self._fd)
        self.asked: list[tuple[str, bool]] = []

    def fetch(self, url: str, limit: int = MAX_CONFIG_BYTES, /) -> bytes:
        """Return a file's bytes; see `Fetch.fetch`."""
        self.asked.append((url, False))
        if not url.startswith(self._url):
            raise FileNotFoundError(url)
        data = self._view.read(normalise(url.removeprefix(self._url)), limit)
        self.asked[-1] = (url, True)
        return data

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the directory."""
        os.close(self._fd)
