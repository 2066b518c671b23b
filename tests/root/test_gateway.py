"""The gateway from another network namespace: who gets in, and what nobody can do from there."""

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bootd.gateway import door, entrance
from tests.support.authority import Authority, Pair
from tests.support.daemon import EXTLINUX, Daemon, running_daemon, write_tree
from tests.support.gateway import (
    BOARD,
    OTHERS,
    PORT,
    Gateway,
    Network,
    bootdctl,
    network,
    running_gateway,
    shake_hands,
)

pytestmark = pytest.mark.root

DEBIAN = "extlinux:vda1:debian"
SELECT = json.dumps({"method": "org.bootd.Boot.Select", "parameters": {"id": DEBIAN}}).encode()
DESCRIBE = b'{"method":"org.bootd.Boot.Describe"}\0'


@pytest.fixture(scope="module")
def lan() -> Iterator[Network]:
    with network() as found:
        yield found


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    machine = tmp_path_factory.mktemp("machine")
    write_tree(machine / "vda1", EXTLINUX)
    # It cannot kexec, and why is nothing that a client may ask: the status is told all the same.
    with running_daemon(machine, board={"architecture": "aarch64"}) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("pki") / "ours", BOARD)


@pytest.fixture(scope="module")
def alice(ours: Authority) -> Pair:
    return ours.issue("alice")


@pytest.fixture(scope="module")
def gateway(
    lan: Network,
    daemon: Daemon,
    ours: Authority,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Gateway]:
    own = ours.issue("board", "server")
    crl = ours.revocation_list()
    folder = tmp_path_factory.mktemp("gateway")
    with running_gateway(lan, daemon.socket, folder, ours.certificate, own, revoked=crl) as gateway:
        yield gateway


def selected(daemon: Daemon) -> dict[str, object]:
    """Return the status, as the daemon tells it to a client on its own machine."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(daemon.socket)
        client.sendall(DESCRIBE)
        answer = b""
        while not answer.endswith(b"\0"):
            answer += client.recv(65536)
    status = json.loads(answer.removesuffix(b"\0"))["parameters"]["status"]
    assert isinstance(status, dict)
    return status


def exchange(client: socket.socket, *messages: bytes) -> list[dict[str, object]]:
    """Send messages and return a reply to each."""
    client.settimeout(20)
    client.sendall(b"\0".join([*messages, b""]))
    received = b""
    while received.count(b"\0") < len(messages) and (part := client.recv(65536)):
        received += part
    return [json.loads(frame) for frame in received.split(b"\0") if frame]


# Who may


def test_who_has_a_certificate_lists_and_selects_under_the_name_in_it(
    lan: Network, gateway: Gateway, daemon: Daemon, ours: Authority, alice: Pair
) -> None:
    listed = bootdctl(lan, ours.certificate, alice, "list", "--json")
    assert listed.stderr == ""
    assert [each["id"] for each in json.loads(listed.stdout)] == [DEBIAN, "extlinux:vda1:broken"]
    assert bootdctl(lan, ours.certificate, alice, "select", "debian").returncode == 0
    status = selected(daemon)
    assert status["selectedId"] == DEBIAN
    assert f"selected by alice at {OTHERS[0]}" in str(status["message"])
    assert "phase: menu" in bootdctl(lan, ours.certificate, alice, "status").stdout
    assert bootdctl(lan, ours.certificate, alice, "cancel").returncode == 0
    assert selected(daemon)["countdownStoppedBy"] == f"alice at {OTHERS[0]}"
    assert gateway.says(f"alice from {OTHERS[0]} is connected")


@pytest.mark.parametrize(
    "words",
    [
        ("boot", "debian"),
        ("boot", "debian", "--options", "init=/bin/sh"),
        ("crash", "debian"),
        ("explain", "debian"),
        ("rescan",),
    ],
)
def test_everything_else_is_refused_from_afar(
    lan: Network, gateway: Gateway, ours: Authority, alice: Pair, words: tuple[str, ...]
) -> None:
    done = bootdctl(lan, ours.certificate, alice, *words)
    assert done.returncode == 3
    assert "From another machine options can be listed, selected and cancelled" in done.stderr
    assert "Traceback" not in gateway.output()


def test_only_what_is_listed_can_be_selected(
    lan: Network, gateway: Gateway, ours: Authority, alice: Pair
) -> None:
    for wanted in ("manual:vda1", "extlinux:vda1:none"):
        with shake_hands(lan.connect(), ours.certificate, alice) as client:
            call = {"method": "org.bootd.Boot.Select", "parameters": {"id": wanted}}
            (reply,) = exchange(client, json.dumps(call).encode())
        assert reply["error"] == "org.bootd.Boot.NoSuchOption", gateway.output()


def test_a_monitor_sees_what_changes(
    lan: Network, gateway: Gateway, daemon: Daemon, ours: Authority, alice: Pair
) -> None:
    with shake_hands(lan.connect(), ours.certificate, alice) as client:
        client.settimeout(20)
        client.sendall(b'{"method":"org.bootd.Boot.Subscribe","more":true}\0')
        received = client.recv(1 << 20)
        assert b'"snapshot"' in received
        daemon.plug("sdz1", {})
        while b'"name":"sdz1"' not in received:
            part = client.recv(1 << 20)
            assert part, gateway.output()
            received += part
        daemon.unplug("sdz1")


# Who may not


def refused(lan: Network, ca: Path, own: Pair, *, port: int = PORT) -> str:
    done = bootdctl(lan, ca, own, "select", "debian", port=port)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


NOT_ACCEPTED = "ended the connection: it does not accept "


def test_an_expired_certificate_is_refused(lan: Network, gateway: Gateway, ours: Authority) -> None:
    said = refused(lan, ours.certificate, ours.issue_expired("late"))
    assert NOT_ACCEPTED in said
    assert gateway.says("its certificate is refused: certificate has expired")


def test_a_foreign_certificate_is_refused(
    lan: Network, gateway: Gateway, ours: Authority, tmp_path: Path
) -> None:
    theirs = Authority(tmp_path / "theirs", BOARD)
    assert NOT_ACCEPTED in refused(lan, ours.certificate, theirs.issue("alice"))
    assert gateway.says("its certificate is refused: unable to get local issuer")


def test_a_certificate_that_signed_itself_is_refused(
    lan: Network, gateway: Gateway, ours: Authority, tmp_path: Path
) -> None:
    theirs = Authority(tmp_path / "theirs", BOARD)
    itself = Pair(theirs.certificate, theirs.folder / "ca.key")
    assert NOT_ACCEPTED in refused(lan, ours.certificate, itself), gateway.output()


def test_a_certificate_for_servers_is_no_client_s(
    lan: Network, gateway: Gateway, ours: Authority
) -> None:
    said = refused(lan, ours.certificate, ours.issue("other-board", "server"))
    assert NOT_ACCEPTED in said
    assert gateway.says("its certificate is refused: unsuitable certificate purpose")


def test_who_has_no_certificate_is_refused(lan: Network, gateway: Gateway, ours: Authority) -> None:
    answers: list[dict[str, object]] = []
    with suppress(OSError), shake_hands(lan.connect(), ours.certificate, None) as client:
        answers = exchange(client, SELECT)
    assert answers == []
    assert gateway.says("no handshake: peer did not return a certificate")


def test_an_older_tls_is_refused(
    lan: Network, gateway: Gateway, ours: Authority, alice: Pair
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=ours.certificate)
    context.load_cert_chain(alice.certificate, alice.key)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with lan.connect() as plain, pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(plain, server_hostname=BOARD)
    assert gateway.says("no handshake: unsupported protocol")


def test_a_gateway_of_another_authority_is_not_trusted(
    lan: Network, gateway: Gateway, alice: Pair, tmp_path: Path
) -> None:
    said = refused(lan, Authority(tmp_path / "theirs").certificate, alice)
    assert f"The gateway {BOARD}:{PORT} is not trusted" in said, gateway.output()


def test_a_revoked_certificate_is_refused_from_the_next_connection_on(
    lan: Network, gateway: Gateway, ours: Authority, alice: Pair
) -> None:
    bob = ours.issue("bob")
    with shake_hands(lan.connect(), ours.certificate, bob) as still_open:
        assert "parameters" in exchange(still_open, DESCRIBE.removesuffix(b"\0"))[0]
        ours.revoke(bob)
        ours.revocation_list()
        assert NOT_ACCEPTED in refused(lan, ours.certificate, bob)
        still_open.settimeout(20)
        assert still_open.recv(1) == b"", "a connection from before is still open"
    assert bootdctl(lan, ours.certificate, alice, "list").returncode == 0, gateway.output()


# Hostile ones


def test_a_recorded_connection_is_worth_nothing(
    lan: Network, gateway: Gateway, daemon: Daemon, ours: Authority, alice: Pair
) -> None:
    """Every byte of a client that selected is sent again, 50 times."""
    recorded = record_selection(lan, ours, alice)
    assert selected(daemon)["selectedId"] == DEBIAN
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(daemon.socket)
        exchange(client, b'{"method":"org.bootd.Boot.Cancel","parameters":{"by":"a test"}}')
    before = selected(daemon)
    for _ in range(50):
        with lan.connect() as replaying:
            replaying.settimeout(20)
            try:
                replaying.sendall(recorded)
                replaying.shutdown(socket.SHUT_WR)
                while replaying.recv(65536):
                    pass
            except ConnectionError:
                pass
    assert selected(daemon) == before, gateway.output()


def record_selection(lan: Network, ours: Authority, alice: Pair) -> bytes:
    """Select through a proxy that keeps what the client sends."""
    recorded = bytearray()
    near, far = socket.socketpair()
    with near, far, lan.connect() as gateway:
        threads = [
            threading.Thread(target=carry, args=(far, gateway, recorded)),
            threading.Thread(target=carry, args=(gateway, far, bytearray())),
        ]
        for thread in threads:
            thread.start()
        client = shake_hands(near, ours.certificate, alice)
        assert exchange(client, SELECT) == [{"parameters": {}}]
        client.close()
        for thread in threads:
            thread.join(20)
    return bytes(recorded)


def carry(source: socket.socket, target: socket.socket, copy: bytearray) -> None:
    try:
        while piece := source.recv(65536):
            copy += piece
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def test_half_handshakes_keep_nobody_out_and_end(
    lan: Network, gateway: Gateway, ours: Authority, alice: Pair
) -> None:
    silent = [lan.connect(OTHERS[1 + index % 9]) for index in range(36)]
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
    for index, each in enumerate(silent):
        if index % 2:
            each.sendall(hello[: 1 + index % len(hello)])
    began = time.monotonic()
    assert bootdctl(lan, ours.certificate, alice, "list").returncode == 0, gateway.output()
    for each in silent:
        each.settimeout(20)
        with suppress(ConnectionResetError):
            assert each.recv(1) == b""
        each.close()
    assert time.monotonic() - began < entrance.HANDSHAKE_S + 10


def test_a_flood_of_connections_and_garbage_selects_nothing_and_delays_little(
    lan: Network, gateway: Gateway, daemon: Daemon, ours: Authority, alice: Pair
) -> None:
    stop = threading.Event()
    sent = [0]

    def flood() -> None:
        while not stop.is_set():
            with lan_socket(lan, OTHERS[sent[0] % 9 + 1]) as each:
                each.sendall(os.urandom(300))
            sent[0] += 1

    before = selected(daemon)
    attacker = threading.Thread(target=flood)
    attacker.start()
    try:
        for _ in range(5):
            done = bootdctl(lan, ours.certificate, alice, "list")
            assert done.returncode == 0, done.stderr + gateway.output()
        while sent[0] < 1000:
            time.sleep(0.1)
    finally:
        stop.set()
        attacker.join(30)
    after = selected(daemon)
    assert (after["selectedId"], after["phase"]) == (before["selectedId"], before["phase"])
    assert gateway.output().count("\n") < 400, "the log is flooded"
    assert resident_mib(gateway) < 64


def lan_socket(lan: Network, address: str) -> socket.socket:
    while True:
        try:
            return lan.connect(address)
        except OSError:
            time.sleep(0.01)


def resident_mib(gateway: Gateway) -> int:
    status = Path(f"/proc/{gateway.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) // 1024


def test_one_address_has_few_places_and_others_still_get_in(
    lan: Network, gateway: Gateway, ours: Authority, alice: Pair
) -> None:
    inside = []
    for _ in range(door.MAX_OF_ADDRESS):
        client = shake_hands(lan.connect(OTHERS[3]), ours.certificate, alice)
        assert "parameters" in exchange(client, DESCRIBE.removesuffix(b"\0"))[0]
        inside.append(client)
    with lan.connect(OTHERS[3]) as plain, pytest.raises((OSError, ssl.SSLError)):
        shake_hands(plain, ours.certificate, alice)
    done = bootdctl(lan, ours.certificate, alice, "list")
    assert done.returncode == 0, gateway.output()
    for client in inside:
        client.close()


@pytest.mark.parametrize(
    "garbage",
    [b"x" * (65 << 10), b"[" * 10_000 + b"\0", b"\0", b"GET / HTTP/1.1\r\n\r\n\0", b"{}\0"],
)
def test_a_client_inside_that_speaks_garbage_is_put_out(
    lan: Network, gateway: Gateway, ours: Authority, alice: Pair, garbage: bytes
) -> None:
    with shake_hands(lan.connect(), ours.certificate, alice) as client:
        client.settimeout(20)
        with suppress(ConnectionError, ssl.SSLError):
            client.sendall(garbage)
            assert client.recv(1) == b""
    assert "Traceback" not in gateway.output()


def test_a_gateway_without_certificates_says_which_file_is_missing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bootd.gateway", "--certificate", f"{tmp_path}/cert.pem"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert f"bootd-remote: bootd-remote ends: {tmp_path}/cert.pem or " in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_revocation_list_that_has_expired_lets_nobody_in(
    lan: Network, daemon: Daemon, tmp_path: Path
) -> None:
    authority = Authority(tmp_path / "own", BOARD)
    carol, own = authority.issue("carol"), authority.issue("board", "server")
    old = authority.revocation_list(
        "-crl_lastupdate", "20200101000000Z", "-crl_nextupdate", "20210101000000Z"
    )
    with running_gateway(
        lan, daemon.socket, tmp_path, authority.certificate, own, revoked=old, port=PORT + 1
    ) as gateway:
        assert NOT_ACCEPTED in refused(lan, authority.certificate, carol, port=PORT + 1)
        assert gateway.says("its certificate is refused: CRL has expired")
