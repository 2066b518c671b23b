"""A certificate authority of openssl's own: good, expired, revoked and foreign certificates."""

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

_CONFIG = """\
[ca]
default_ca = here
[here]
dir = {folder}
database = $dir/index
serial = $dir/serial
crlnumber = $dir/crlnumber
new_certs_dir = $dir
default_md = sha256
policy = any
default_days = 30
default_crl_days = 30
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical,CA:true
subjectKeyIdentifier = hash
keyUsage = critical,keyCertSign,cRLSign
[server]
basicConstraints = critical,CA:false
extendedKeyUsage = serverAuth
subjectAltName = IP:{address},DNS:localhost,IP:127.0.0.1
[client]
basicConstraints = critical,CA:false
extendedKeyUsage = clientAuth
"""


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as files."""

    certificate: Path
    key: Path


@dataclass
class Authority:
    """Signs; `folder` becomes its own."""

    folder: Path
    address: str = "127.0.0.1"
    certificate: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        for name, text in (("index", ""), ("serial", "01"), ("crlnumber", "01")):
            (self.folder / name).write_text(text)
        config = _CONFIG.format(folder=self.folder, address=self.address)
        (self.folder / "config").write_text(config)
        self.certificate = self.folder / "ca.pem"
        self._openssl(
            *("req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "30", "-subj", "/CN=ca"),
            *("-extensions", "authority", "-keyout", "ca.key", "-out", "ca.pem"),
        )

    def issue(self, name: str, kind: str = "client", *dates: str) -> Pair:
        """Return a certificate of a kind, `client` or `server`.

        Args:
            dates: `-startdate` and `-enddate` with YYMMDDHHMMSSZ, for one that is not of today.
        """
        request = ("req", "-new", "-newkey", "ed25519", "-nodes", "-subj", f"/CN={name}")
        self._openssl(*request, "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self._openssl(
            *("ca", "-batch", "-notext", "-keyfile", "ca.key", "-cert", "ca.pem"),
            *("-extensions", kind, "-in", f"{name}.csr", "-out", f"{name}.pem", *dates),
        )
        return Pair(self.folder / f"{name}.pem", self.folder / f"{name}.key")

    def issue_expired(self, name: str) -> Pair:
        """Return a client's certificate that was good years ago."""
        return self.issue(
            name, "client", "-startdate", "200101000000Z", "-enddate", "210101000000Z"
        )

    def revoke(self, pair: Pair) -> None:
        """Have it on the next list."""
        self._openssl(
            *("ca", "-batch", "-keyfile", "ca.key", "-cert", "ca.pem"),
            *("-revoke", str(pair.certificate)),
        )

    def revocation_list(self, *dates: str) -> Path:
        """Write the list of now and return its file."""
        crl = ("ca", "-gencrl", "-keyfile", "ca.key", "-cert", "ca.pem", "-out", "crl.new", *dates)
        self._openssl(*crl)
        return (self.folder / "crl.new").rename(self.folder / "crl.pem")

    def _openssl(self, command: str, *words: str) -> None:
        subprocess.run(
            ["openssl", command, "-config", "config", *words],
            cwd=self.folder, check=True, capture_output=True, timeout=30,
        )  # fmt: skip
