"""The verb `bless`, and the program of its own."""

import pytest

from bootd.ctl import bless, main
from bootd.services import blessing
from bootd.services.blessing import Outcome, Verdict

ID = "bls:1A2B-3C4D:debian.conf"


def test_a_system_that_something_else_has_started_has_nothing_to_confirm(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blessing, "started_from", lambda: "")
    assert main.main(["bless"]) == 0
    assert "was not started by bootd" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "verdict"), [(["bless"], Verdict.GOOD), (["bless", "bad"], Verdict.BAD)]
)
@pytest.mark.parametrize("failed", [False, True])
def test_what_was_done_is_said_and_a_failure_is_a_status(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    verdict: Verdict,
    *,
    failed: bool,
) -> None:
    asked: list[object] = []

    async def play(option_id: str, what: Verdict) -> Outcome:
        asked.append((option_id, what))
        return Outcome(said=("one sentence", "another"), failed=failed)

    monkeypatch.setattr(blessing, "started_from", lambda: ID)
    monkeypatch.setattr(blessing, "bless", play)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert main.main(words) == int(failed)
    assert capsys.readouterr().out == "one sentence\nanother\n"
    assert asked == [(ID, verdict)]


def test_an_entry_may_be_named_and_asked_about(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def say(option_id: str) -> str:
        return f"{option_id} is confirmed"

    monkeypatch.setattr(blessing, "describe", say)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert main.main(["bless", "status", "--entry", ID]) == 0
    assert capsys.readouterr().out == f"{ID} is confirmed\n"


def test_only_root_may(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert main.main(["bless", "--entry", ID]) == 1
    assert "only root" in capsys.readouterr().err


def test_bootd_bless_is_the_verb(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blessing, "started_from", lambda: "")
    monkeypatch.setattr("sys.argv", ["bootd-bless", "status"])
    assert bless.main() == 0
    assert "was not started by bootd" in capsys.readouterr().out
