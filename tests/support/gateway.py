"""A gateway process in a network namespace, and a second namespace that plays the network."""

import ctypes
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from tests.support.authority import Pair

BOARD = "10.98.76.1"
OTHERS = tuple(f"10.98.76.{host}" for host in range(2, 12))
"""Addresses of the machines out there."""
PORT = 4620
START_S = 20.0

PROJECT = Path(__file__).parents[2]
CLONE_NEWNET = 0x40000000

R = TypeVar("R")


@dataclass(kw_only=True)
class Network:
    """Two namespaces with a wire between them; `outside` is where clients and attackers are."""

    board: str
    outside: str
    _thread: ThreadPoolExecutor = field(repr=False)

    def out_there(self, work: Callable[..., R], *arguments: object) -> R:
        """Do something in a thread whose sockets are outside, and stay there."""
        return self._thread.submit(work, *arguments).result(60)

    def connect(self, address: str = OTHERS[0], port: int = PORT) -> socket.socket:
        """Return a plain connection to the gateway from one of the addresses out there."""
        return self.out_there(socket.create_connection, (BOARD, port), 20, (address, 0))


@contextmanager
def network() -> Iterator[Network]:
    """Make both namespaces for the length of the block."""
    names = [f"bootd-{side}-{os.getpid()}" for side in ("board", "out")]
    with ExitStack() as undo:
        for name in names:
            _ip("netns", "add", name)
            undo.callback(_ip, "netns", "del", name)
        board, outside = names
        _ip("link", "add", "lan", "netns", board, "type", "veth", "peer", "lan", "netns", outside)
        for name, addresses in ((board, (BOARD,)), (outside, OTHERS)):
            for address in addresses:
                _ip("-n", name, "address", "add", f"{address}/24", "dev", "lan")
            for link in ("lo", "lan"):
                _ip("-n", name, "link", "set", link, "up")
        thread = undo.enter_context(ThreadPoolExecutor(1))
        thread.submit(_move, outside).result(10)
        yield Network(board=board, outside=outside, _thread=thread)


@dataclass(kw_only=True)
class Gateway:
    """A running gateway."""

    process: "subprocess.Popen[bytes]" = field(repr=False)
    log: Path

    def output(self) -> str:
        """Return what it has printed so far."""
        return self.log.read_text()

    def says(self, text: str) -> bool:
        """Whether it prints something, at the latest after a while."""
        deadline = time.monotonic() + START_S
        while text not in self.output():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True


@contextmanager
def running_gateway(
    where: Network,
    daemon: str,
    folder: Path,
    ca: Path,
    own: Pair,
    *,
    revoked: Path,
    port: int = PORT,
) -> Iterator[Gateway]:
    """Run `bootd-remote` on the board for the length of the block."""
    command = [
        *("ip", "netns", "exec", where.board, sys.executable, "-m", "bootd.gateway"),
        *("--socket", daemon, "--listen", f"{BOARD}:{port}", "--ca", str(ca)),
        *("--certificate", str(own.certificate), "--key", str(own.key)),
        *("--revoked", str(revoked)),
    ]
    log = folder / "gateway.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(command, stdout=output, stderr=output, cwd=PROJECT) as process,
    ):
        gateway = Gateway(process=process, log=log)
        try:
            _wait_until_listening(where, gateway, port)
            yield gateway
            assert process.poll() is None, gateway.output()
        finally:
            process.terminate()


def bootdctl(
    where: Network, ca: Path, own: Pair, *words: str, port: int = PORT
) -> "subprocess.CompletedProcess[str]":
    """Run bootdctl outside, through the gateway."""
    command = [
        *("ip", "netns", "exec", where.outside, sys.executable, "-m", "bootd.ctl.main"),
        *("--tls", f"{BOARD}:{port}", "--ca", str(ca), "--cert", str(own.certificate)),
        *("--key", str(own.key), *words),
    ]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=50, check=False, cwd=PROJECT
    )


def shake_hands(plain: socket.socket, ca: Path, own: Pair | None) -> ssl.SSLSocket:
    """Do a client's part of the handshake; without certificate with None."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=ca)
    if own is not None:
        context.load_cert_chain(own.certificate, own.key)
    return context.wrap_socket(plain, server_hostname=BOARD)


def _move(namespace: str) -> None:
    """Put the calling thread into a network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path(f"/run/netns/{namespace}").open() as file:
        if libc.setns(file.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")


def _wait_until_listening(where: Network, gateway: Gateway, port: int) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and gateway.process.poll() is None:
        with suppress(OSError), where.connect(port=port):
            return
        time.sleep(0.05)
    raise TimeoutError(f"the gateway does not listen: {gateway.output()}")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)
