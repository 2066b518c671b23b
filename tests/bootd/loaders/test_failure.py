"""Errno in words."""

import errno

import pytest

from bootd.loaders.failure import explain


@pytest.mark.parametrize(
    ("code", "call", "words"),
    [
        (errno.EKEYREJECTED, "kexec_file_load", "wants a signed kernel"),
        (errno.ENOEXEC, "kexec_file_load", "does not take this kind of kernel image"),
        (errno.EPERM, "kexec_load", "lockdown"),
        (errno.ENOMEM, "kexec_load", "smaller initrd"),
        (errno.EADDRNOTAVAIL, "kexec_load", "report this as a fault"),
        (errno.EBUSY, "kexec_load", "try again"),
        (errno.EUCLEAN, "kexec_file_load", "fault in the device tree"),
        (errno.ENODEV, "kexec_file_load", "another board"),
        (errno.EACCES, "kexec_file_load", "not signed as its policy"),
        (errno.EINVAL, "reboot", "no kernel is loaded any more"),
    ],
)
def test_a_known_errno_says_what_it_means_here(code: int, call: str, words: str) -> None:
    text = explain(OSError(code, "as the C library says", call))
    assert words in text
    assert text.endswith(f"({call}: as the C library says)")


def test_an_errno_of_another_call_keeps_its_own_words() -> None:
    assert explain(OSError(errno.EPERM, "Not permitted", "/dev/kmsg")) == "/dev/kmsg: Not permitted"
    assert explain(OSError("odd")) == "odd"
