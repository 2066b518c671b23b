"""A key that a patched kernel trusts, and signatures of files as IMA appraises them.

The key is made once, below build/kernel, for tests alone; the kernel has its certificate built in.
Source: security/integrity/integrity.h, struct signature_v2_hdr; include/linux/module_signature.h.
"""

import hashlib
import struct
from pathlib import Path
from typing import Final

from image import command

_TYPE: Final = 3
"""EVM_IMA_XATTR_DIGSIG."""
_VERSION: Final = 2
_SHA256: Final = 4
"""HASH_ALGO_SHA256."""
_PKCS7: Final = 2
"""PKEY_ID_PKCS7."""
_MAGIC: Final = b"~Module signature appended~\n"
_CONFIG: Final = """[req]
distinguished_name = name
x509_extensions = extensions
prompt = no
[name]
CN = bootd tests
[extensions]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
"""
"""IMA takes the key of no authority (restrict_link_by_digsig_builtin)."""
_KEY_ID: Final = "X509v3 Subject Key Identifier:"


def key(folder: Path) -> Path:
    """Return private key and certificate in one PEM file, made if it is not there.

    Raises:
        CommandError: openssl is missing, or failed.
    """
    file = folder / "signing.pem"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        made, config = folder / "signing.new", folder / "signing.conf"
        config.write_text(_CONFIG)
        command.run(
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256"),
            *("-days", "36500", "-batch", "-config", config),
            *("-keyout", made, "-out", folder / "signing.crt"),
        )
        made.write_text(made.read_text() + (folder / "signing.crt").read_text())
        made.replace(file)
    return file


def certificate(pem: Path) -> bytes:
    """Return the certificate as DER."""
    output = pem.with_name("signing.der")
    command.run("openssl", "x509", "-in", pem, "-outform", "DER", "-out", output)
    return output.read_bytes()


def extended_attribute(pem: Path, data: bytes, folder: Path) -> bytes:
    """Return the value of `security.ima` for a file with that content."""
    content, signature = folder / "content", folder / "signature"
    content.write_bytes(data)
    command.run("openssl", "dgst", "-sha256", "-sign", pem, "-out", signature, content)
    text = command.run("openssl", "x509", "-in", pem, "-noout", "-text")
    key_id = bytes.fromhex(text.partition(_KEY_ID)[2].split()[0].replace(":", ""))[-4:]
    raw = signature.read_bytes()
    return struct.pack(">BBB4sH", _TYPE, _VERSION, _SHA256, key_id, len(raw)) + raw


def appended(pem: Path, data: bytes, folder: Path) -> bytes:
    """Return the file with a signature behind it, for file systems without attributes."""
    content, signature = folder / "content", folder / "signature"
    content.write_bytes(data)
    command.run(
        *("openssl", "cms", "-sign", "-binary", "-noattr", "-nocerts", "-md", "sha256"),
        *("-signer", pem, "-inkey", pem, "-outform", "DER", "-in", content, "-out", signature),
    )
    raw = signature.read_bytes()
    return data + raw + struct.pack(">BBBBB3xI", 0, 0, _PKCS7, 0, 0, len(raw)) + _MAGIC


def digest(pem: Path) -> str:
    """Return what the certificate is known by, for build steps."""
    return hashlib.sha256(certificate(pem)).hexdigest()
