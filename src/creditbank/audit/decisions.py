"""Evaluate recorded decisions again: the same rules on the same inputs must give the same."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

from pydantic_core import from_json, to_json

from creditbank.domain import rules
from creditbank.domain.catalogue import Catalogue
from creditbank.domain.events import Decision
from creditbank.domain.funds import CREDITS_USED, OUTCOME_RESERVED
from creditbank.domain.use import Use
from creditbank.domain.uses import cap_document, grant_of, refusal_document

OF_THE_LEDGER = (CREDITS_USED, OUTCOME_RESERVED)


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
    pairs: list[tuple[object, object]] = [
        ([grant_of(grant) for grant in again.granted], list(use.grants)),
        ([cap_document(state) for state in again.caps], list(decision.caps)),
        ([refusal_document(refusal) for refusal in again.refused], _refused_by_rules(decision)),
    ]
    for expected, recorded in pairs:
        if expected != recorded:
            return DecisionFault(expected=repr(expected), recorded=repr(recorded))
    return None


def _refused_by_rules(decision: Decision) -> list[dict[str, Any]]:
    """Without what the ledger refused, before the rules were asked or because credits were wanting."""
    return [
        one
        for one in decision.refused
        if one["clause"] and not (one["reason"] in OF_THE_LEDGER and one["clause"].startswith("/sources/"))
    ]


@lru_cache(maxsize=256)
def _compiled(rules_body: bytes) -> rules.CompiledRules:
    return rules.compile(from_json(rules_body))
