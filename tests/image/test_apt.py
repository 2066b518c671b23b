"""Which of a machine's package sources serve the board."""

from pathlib import Path

import pytest

from image import apt

DEB822 = """\
# a comment
Types: deb deb-src
URIs: http://mirror.invalid/debian
Suites: bookworm bookworm-updates trixie
Components: main contrib
Signed-By:
 -----BEGIN
 .
 -----END

Types: deb
URIs: http://vendor.invalid/packages
Suites: stable
Components: vendor
"""

ONE_LINE = """\
# deb http://off.invalid/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/k.gpg] http://mirror.invalid/debian bookworm-security main # x
deb http://docker.invalid/linux bookworm stable
"""


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(apt, "_PARTS", (tmp_path / "sources.list", tmp_path / "d"))
    monkeypatch.setattr(apt, "_codename", lambda: "bookworm")
    (tmp_path / "d").mkdir()
    return tmp_path


def test_only_the_releases_own_suites_are_kept_and_the_key_stays(sources: Path) -> None:
    (sources / "d/debian.sources").write_text(DEB822)
    (text,) = apt.stanzas()
    assert "Suites: bookworm bookworm-updates\n" in text
    assert "Architectures: arm64\n" in text
    assert "-----BEGIN\n .\n -----END" in text
    assert "vendor" not in text


def test_one_line_sources_are_read_as_well(sources: Path) -> None:
    (sources / "sources.list").write_text(ONE_LINE)
    (text,) = apt.stanzas()
    assert "Suites: bookworm-security\n" in text
    assert "Signed-By: /usr/share/k.gpg\n" in text
    assert "amd64" not in text


def test_a_disabled_source_does_not_count(sources: Path) -> None:
    (sources / "d/debian.sources").write_text("Enabled: no\n" + DEB822)
    with pytest.raises(apt.AptError, match="no Debian suite bookworm"):
        list(apt.stanzas())


@pytest.mark.usefixtures("sources")
def test_without_a_debian_suite_the_error_says_where_it_looked() -> None:
    with pytest.raises(apt.AptError, match=r"sources\.list"):
        list(apt.stanzas())


def test_another_release_comes_from_the_same_place(sources: Path) -> None:
    (sources / "d/debian.sources").write_text(DEB822)
    (sources / "sources.list").write_text(ONE_LINE)
    (text,) = apt.stanzas("trixie", ["main", "non-free-firmware"])
    assert "URIs: http://mirror.invalid/debian\nSuites: trixie\n" in text
    assert "Components: main non-free-firmware\n" in text
