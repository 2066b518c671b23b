"""The section [Remote] of bootd.conf."""

from pathlib import Path

import pytest

from bootd import config
from bootd.gateway.__main__ import main
from bootd.gateway.settings import Remote, load, parse_address


def write(root: Path, text: str) -> None:
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc/bootd.conf").write_text(text)


def test_daemon_and_gateway_read_one_file_each_its_own_section(tmp_path: Path) -> None:
    write(
        tmp_path,
        "[Boot]\nTimeout=3\n[Remote]\nListen=192.0.2.1:99\nCA=/x/ca.pem\nRevoked=/x/crl.pem\n",
    )
    assert load(str(tmp_path)) == (
        Remote(listen=("192.0.2.1", 99), ca="/x/ca.pem", revoked="/x/crl.pem"),
        (),
    )
    settings, errors = config.load(str(tmp_path))
    assert (settings.timeout_s, errors) == (3, ())


def test_what_makes_no_sense_is_said_by_the_one_it_is_for(tmp_path: Path) -> None:
    write(tmp_path, "[Remote]\nListen=everywhere\nTimeout=3\n[Nobody]\nKey=/x\n")
    _, ours = load(str(tmp_path))
    _, daemons = config.load(str(tmp_path))
    assert [str(error).partition(".conf:")[2] for error in ours] == [
        "2: Listen: 'everywhere' is ignored: expected ADDRESS:PORT or PORT",
        "3: there is no setting Timeout",
        "5: outside of [Remote]: Key=/x",
    ]
    assert [str(error).partition(".conf:")[2] for error in daemons] == [
        "5: outside of [Boot]: Key=/x"
    ]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("4620", ("", 4620)),
        ("10.0.0.1:1", ("10.0.0.1", 1)),
        ("[::1]:1", ("::1", 1)),
        ("board.lan:80", ("board.lan", 80)),
    ],
)
def test_where_to_listen(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "x", ":", "1:70000", "1:-1", "1:²"])
def test_where_nobody_can_listen(text: str) -> None:
    with pytest.raises(ValueError, match="expected ADDRESS:PORT"):
        parse_address(text)


def test_wrong_usage_is_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--ca", "relative.pem"])
    assert ended.value.code == 2
    assert "--ca" in capsys.readouterr().err
