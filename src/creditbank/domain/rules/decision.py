"""What the rules decided, exact inside and rounded half to even where it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from creditbank.domain.rules.clause import Measured
from creditbank.domain.rules.numbers import Rational, shown
from creditbank.domain.rules.workflow import Approval


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Credits that the rules grant. `consumed` says what each outcome gives of its own credits, in its own unit."""

    outcomes: tuple[str, ...]
    target: str | None
    credits: Fraction
    consumed_by: tuple[tuple[str, Fraction], ...]
    bucket: str | None
    clause: str
    reduced_by: str | None
    grade: str | None
    purpose: str
    returnable: bool
    needs_approval: bool
    rule_version: str | None
    request: int

    @property
    def consumed(self) -> Fraction:
        """What all joined outcomes give together."""
        return sum((credits for _, credits in self.consumed_by), start=Fraction(0))

    def as_dict(self) -> dict[str, Any]:
        extras: dict[str, Any] = {"reduced_by": self.reduced_by} if self.reduced_by else {}
        if self.needs_approval:
            extras["needs_approval"] = True
        return {
            **_named(self.outcomes, self.target),
            "credits": shown(self.credits),
            "bucket": self.bucket,
            "clause": self.clause,
            "grade": self.grade,
            **extras,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a request is refused: the clause, what was measured, and what it may be."""

    outcomes: tuple[str, ...]
    target: str | None
    reason: str
    clause: str
    measured: Measured
    limit: Measured
    rule_version: str | None
    request: int

    def as_dict(self) -> dict[str, Any]:
        return {
            **_named(self.outcomes, self.target),
            "reason": self.reason,
            "clause": self.clause,
            "measured": shown_value(self.measured),
            "limit": shown_value(self.limit),
        }


@dataclass(frozen=True, slots=True)
class CapState:
    """A counter of a ceiling, before and after this decision."""

    id: str
    key: tuple[Rational | str | bool | None, ...]
    limit: Rational
    before: Rational
    after: Rational

    def as_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "key": [shown_value(part) for part in self.key],
            "limit": shown(self.limit),
            "before": shown(self.before),
            "after": shown(self.after),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer to all requests of one call, in their order."""

    granted: tuple[Grant, ...]
    refused: tuple[Refusal, ...]
    caps: tuple[CapState, ...]
    inputs: Mapping[str, Any]
    workflow: tuple[Approval, ...]
    has_versions: bool

    @property
    def granted_total(self) -> Fraction:
        """The exact sum; it is rounded only where it is shown."""
        return sum((grant.credits for grant in self.granted), start=Fraction(0))

    @property
    def rule_version(self) -> str | None:
        """The version that served the requests, None where there are no versions, or several served."""
        served = {grant.rule_version for grant in self.granted} | {refusal.rule_version for refusal in self.refused}
        served.discard(None)
        return served.pop() if len(served) == 1 else None

    def as_dict(self) -> dict[str, Any]:
        version = {"rule_version": self.rule_version} if self.has_versions else {}
        mixed = self.has_versions and self.rule_version is None
        return {
            "granted": [_with_version(grant, mixed) for grant in self.granted],
            "granted_total": shown(self.granted_total),
            "refused": [_with_version(refusal, mixed) for refusal in self.refused],
            "caps": [cap.as_dict() for cap in self.caps],
            **version,
            "inputs": dict(self.inputs),
        }


def _with_version(line: Grant | Refusal, mixed: bool) -> dict[str, Any]:
    return {**line.as_dict(), "rule_version": line.rule_version} if mixed else line.as_dict()


def _named(outcomes: tuple[str, ...], target: str | None) -> dict[str, Any]:
    return {"outcome": outcomes[0] if len(outcomes) == 1 else list(outcomes), "target": target}


def shown_value(value: Measured) -> Any:
    """A measured value as JSON: numbers rounded as credits are, the rest as it is."""
    if isinstance(value, tuple):
        return [shown_value(part) for part in value]
    return value if value is None or isinstance(value, str | bool) else shown(value)
