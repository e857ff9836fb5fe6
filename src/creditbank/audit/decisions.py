"""Evaluate recorded decisions again: the same rules on the same inputs must grant the same."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from uuid import UUID

from pydantic_core import from_json, to_json

from creditbank.domain import rules
from creditbank.domain.account import Use
from creditbank.domain.catalogue import Catalogue
from creditbank.domain.values import credits_from_fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionFault:
    """What the rules say today about the recorded inputs, and what was recorded."""

    expected: str
    recorded: str


def fault_of(use: Use, catalogue: Catalogue) -> DecisionFault | None:
    """None where the decision behind a use comes out the same."""
    decision = use.decision
    versions = catalogue.rulebooks.get(decision.rulebook, ())
    found = [one for one in versions if one.number == decision.rulebook_version]
    if not found or found[0].rules_sha256 != decision.rules_sha256:
        return DecisionFault(expected="the published version of the rulebook", recorded=decision.rules_sha256)
    rules_body = to_json(found[0].rules)
    if sha256(rules_body).hexdigest() != decision.rules_sha256:
        return DecisionFault(expected=sha256(rules_body).hexdigest(), recorded=decision.rules_sha256)
    try:
        again = rules.evaluate(_compiled(rules_body), decision.situation)
    except rules.InvalidSituation as error:
        return DecisionFault(expected=str(error), recorded="inputs that can be read")
    expected = [
        (
            tuple(map(UUID, grant.outcomes)),
            grant.target,
            credits_from_fraction(grant.credits),
            {UUID(name): credits_from_fraction(taken) for name, taken in grant.consumed_by},
            grant.clause,
        )
        for grant in again.granted
    ]
    recorded = [
        (grant.certificate_ids, grant.target, grant.credits, grant.consumed, grant.clause) for grant in use.grants
    ]
    if expected == recorded:
        return None
    return DecisionFault(expected=repr(expected), recorded=repr(recorded))


@lru_cache(maxsize=256)
def _compiled(rules_body: bytes) -> rules.CompiledRules:
    return rules.compile(from_json(rules_body))
