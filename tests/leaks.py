"""A plugin of pytest: nothing personal and no secret is in what the bank writes while the tests run.

The run fails at its end, with a list, where one turned up in a log record of whatever logger, in the output of a
server, in metrics, in a problem document or in a header. `tests/personal.py` knows what is looked for.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import astuple
from typing import Any

import pytest
from prometheus_client import REGISTRY, generate_latest

from tests.personal import WATCH, Finding

_found = pytest.StashKey[list[Finding]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_found] = []
    logging.setLogRecordFactory(_watched(logging.getLogRecordFactory()))


def _watched(make: Callable[..., logging.LogRecord]) -> Callable[..., logging.LogRecord]:
    """Every record that is made is searched, whether or not anybody handles it, with its traceback."""

    def record(*arguments: Any, **named: Any) -> logging.LogRecord:
        made = make(*arguments, **named)
        WATCH.search(f"a record of the logger {made.name}", logging.Formatter().format(made))
        made.exc_text = None  # a formatter keeps what it made of the traceback, for others to use
        return made

    return record


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    for name, text in report.sections:
        WATCH.search(f"{name} of {report.nodeid}", text)


def pytest_sessionfinish(session: pytest.Session) -> None:
    WATCH.search("the metrics", generate_latest(REGISTRY).decode())
    found = session.config.stash[_found]
    found.extend(WATCH.findings)
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["leaks"] = [astuple(finding) for finding in found]
    elif found:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker of several has ended: what it found is told by the one who called it."""
    leaks = getattr(node, "workeroutput", {}).get("leaks", ())
    node.config.stash[_found].extend(Finding(*leak) for leak in leaks)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if found := config.stash[_found]:
        terminalreporter.section("personal data and secrets where none may be", red=True)
        for finding in found:
            terminalreporter.line(str(finding))
