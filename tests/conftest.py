"""What every test shares: examples may be slow, and in CI a skipped test is a failed run."""

import os

import pytest
from hypothesis import settings

# On a machine whose processors are all busy an example may take any time; tests have limits.
settings.register_profile("busy machine", deadline=None)
settings.load_profile("busy machine")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if os.environ.get("CI") and terminalreporter.stats.get("skipped"):
        terminalreporter.write_line("in CI nothing may be skipped", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
