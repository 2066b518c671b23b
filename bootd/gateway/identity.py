"""Who the gateway is and whom it believes: certificates, made into a context for TLS.

TLS 1.3 with a certificate on both sides. There is neither resumption nor early data, so that every
connection is judged by the revocation list of its moment, and nothing recorded can be replayed.
Every client's certificate is checked, those above it are the administrator's own choice.
"""

import os
import ssl
from typing import Final

from bootd.errors import SettingError
from bootd.gateway.settings import Remote

Stamp = tuple[tuple[int, int, int], ...]
"""Inode, size and time of each file."""

_GONE: Final = (0, 0, 0)


class Identity:
    """The files of the settings, read again when one of them has changed."""

    def __init__(self, settings: Remote) -> None:
        self._settings = settings
        self._context: ssl.SSLContext | None = None
        self._stamp: Stamp = ()

    @property
    def changed(self) -> bool:
        """Whether a file is another one than at the last `context`."""
        return self._stamp != self._look()

    def context(self) -> ssl.SSLContext:
        """Return what the next connection is judged by.

        Raises:
            SettingError: A file cannot be read or makes no sense; nobody is let in then.
        """
        stamp = self._look()
        if self._context is None or stamp != self._stamp:
            self._context, self._stamp = None, stamp
            self._context = make_context(self._settings)
        return self._context

    def _look(self) -> Stamp:
        settings = self._settings
        paths = (settings.ca, settings.certificate, settings.key, settings.revoked)
        return tuple(_stamp(path) for path in paths if path)


def make_context(settings: Remote) -> ssl.SSLContext:
    """Return the context for a server that believes nobody but the settings' authorities.

    Raises:
        SettingError: A file cannot be read or makes no sense.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.num_tickets = 0
    path = settings.certificate
    try:
        context.load_cert_chain(path, settings.key)
        path = settings.ca
        context.load_verify_locations(cafile=path)
        if settings.revoked:
            path = settings.revoked
            context.load_verify_locations(cafile=path)
            context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
    except ssl.SSLError as error:
        reason = (error.reason or "it is no PEM file").lower().replace("_", " ")
        raise SettingError(f"{path}: cannot be used: {reason}") from error
    except OSError as error:
        # load_cert_chain does not say which of its two files it was.
        named = f"{path} or {settings.key}" if path == settings.certificate else path
        raise SettingError(f"{named}: cannot be read: {error.strerror or error}") from error
    return context


def _stamp(path: str) -> tuple[int, int, int]:
    try:
        found = os.stat(path)  # noqa: PTH116 - pathlib is of no use for one number
    except OSError:
        return _GONE
    return found.st_ino, found.st_size, found.st_mtime_ns
