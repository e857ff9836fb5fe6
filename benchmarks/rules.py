"""S6: deciding what a learner's certificates are worth must not cost more because the rulebook is long.

Pure and in process: the engine alone, one processor's time, a rulebook of 5,000 sources beside one of 50.
"""

from __future__ import annotations

import gc
import time
from typing import Any

from benchmarks import report
from benchmarks.measure import Bound, Result, Sample, Target, alternate
from benchmarks.settings import Settings
from creditbank.domain import rules

NAME = "S6"
TARGET = Target(Bound.AT_MOST, 1.2, 1.05)
MANY_SOURCES = 5_000
FEW_SOURCES = 50
OUTCOMES = 50
REPEATS = 500  # decisions on all outcomes in a round


def run(settings: Settings) -> list[Result]:
    return [
        _compared(settings, outcomes=OUTCOMES, repeats=settings.scaled(REPEATS), target=TARGET),
        _compared(settings, outcomes=1, repeats=settings.scaled(REPEATS * OUTCOMES // 4), target=None),
    ]


def _compared(settings: Settings, *, outcomes: int, repeats: int, target: Target | None) -> Result:
    given = situation(outcomes)
    _check(given, outcomes)
    return Result(
        benchmark=NAME,
        title=f"decide requests, {outcomes} at once, under {MANY_SOURCES:,} sources",
        database="none",
        unit="µs of processor time per decision",
        peer=f"the same decision under {FEW_SOURCES} sources",
        target=target,
        rounds=alternate(
            settings.rounds,
            product=lambda _: _measure(MANY_SOURCES, given, repeats),
            peer=lambda _: _measure(FEW_SOURCES, given, repeats),
            report=report.progress(NAME, f"{outcomes} at once"),
        ),
    )


def _measure(sources: int, given: dict[str, Any], repeats: int) -> Sample:
    """Each side compiles its own rulebook and starts from clean memory, so that neither carries the other's."""
    gc.collect()
    started = time.process_time()
    compiled = rules.compile(rulebook(sources))
    compile_seconds = time.process_time() - started
    rules.evaluate(compiled, given)
    started = time.process_time()
    for _ in range(repeats):
        rules.evaluate(compiled, given)
    microseconds = 1e6 * (time.process_time() - started) / repeats
    return Sample(microseconds, {"compile_ms": 1000 * compile_seconds})


def _check(given: dict[str, Any], outcomes: int) -> None:
    """Raises ValueError unless every request is granted under either rulebook: refusals could cost less."""
    for sources in (FEW_SOURCES, MANY_SOURCES):
        decision = rules.evaluate(rules.compile(rulebook(sources)), given)
        if len(decision.granted) != outcomes:
            raise ValueError(
                f"{len(decision.refused)} requests refused under {sources} sources: {decision.refused[:3]}"
            )


def rulebook(sources: int) -> dict[str, Any]:
    """A college's rules in which the learner's certificates are spread over all sources, the last one included."""
    step = sources // FEW_SOURCES
    return {
        "exclude": [{"match": {"t.type": "project"}, "reason": "TARGET_NOT_EXEMPTIBLE"}],
        "once": [{"scope": "target", "reason": "COURSE_ALREADY_SATISFIED"}],
        "sources": [
            {"match": {"o.code": _code(number, step), "o.rank": {"ge": 2}}, "value": {"target": True}}
            for number in range(1, sources + 1)
        ],
        "caps": [
            {
                "id": "each",
                "measure": "credits",
                "limit": 6,
                "per": ["outcome"],
                "over": "drop",
                "reason": "CAP_PER_OUTCOME",
            },
            {
                "id": "all",
                "measure": "credits",
                "limit": {"share": 0.9, "of": "programme.credits"},
                "over": "drop",
                "reason": "CAP_PROGRAMME_TOTAL",
            },
        ],
    }


def _code(number: int, step: int) -> str:
    """Every `step`th source is for a certificate that the learner has, the others for certificates of other people."""
    held, rest = divmod(number, step)
    return f"OTHER-{number}" if rest else f"HELD-{held}"


def situation(outcomes: int) -> dict[str, Any]:
    """A learner with so many certificates, each of which asks for one course of its own."""
    numbers = range(1, outcomes + 1)
    return {
        "applied_on": "2026-09-01",
        "programme": {
            "id": "CONSTR-2026",
            "credits": 300,
            "courses": {f"C{number}": {"type": "core", "credits": 4} for number in numbers},
        },
        "outcomes": [_outcome(number) for number in numbers],
        "requests": [{"outcome": f"X{number}", "target": f"C{number}"} for number in numbers],
    }


def _outcome(number: int) -> dict[str, Any]:
    return {
        "id": f"X{number}",
        "kind": "x-cert",
        "code": f"HELD-{FEW_SOURCES + 1 - number}",
        "level": "中级",
        "rank": 2,
        "credits": 6,
        "issued_on": "2026-07-01",
        "institution": "BIM-EVAL",
    }
