"""Retention: the last of an account's records to be kept decides when its holder may be erased."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest

from creditbank.domain import errors, retention
from creditbank.domain.catalogue import Catalogue, evolve
from creditbank.domain.events import (
    CertificateHeld,
    CertificateRevoked,
    ConversionReversed,
    ExemptionReviewOpened,
    RetainedKind,
    RetentionRuleSet,
)
from tests.domain.facts import CATALOGUE, awarded, certificate, converted, exempted, given, grant


def rule(organisation: str, kind: RetainedKind, years: int) -> RetentionRuleSet:
    return RetentionRuleSet(organisation=organisation, kind=kind, years=years, basis=f"§ {kind}")


def keeping(*rules: RetentionRuleSet) -> Catalogue:
    catalogue = CATALOGUE
    for one in rules:
        catalogue = evolve(catalogue, one)
    return catalogue


CERTIFICATES = rule("BIM-EVAL", "certificate", 30)
ISSUED = awarded("A", issued_on=date(2024, 2, 29))
USED_ON = {UUID(int=1): date(2026, 9, 1), UUID(int=2): date(2026, 9, 2)}


def test_without_rules_nothing_is_kept() -> None:
    assert not retention.has_rules(CATALOGUE)
    assert retention.latest(given(ISSUED), {}, CATALOGUE) is None


def test_a_rule_is_set_replaced_and_the_same_again_writes_nothing() -> None:
    assert retention.set_rule(CATALOGUE, CERTIFICATES) == CERTIFICATES
    assert retention.set_rule(keeping(CERTIFICATES), CERTIFICATES) is None
    shorter = rule("BIM-EVAL", "certificate", 10)
    assert retention.set_rule(keeping(CERTIFICATES), shorter) == shorter
    assert keeping(CERTIFICATES, shorter).organisations["BIM-EVAL"].retention == {"certificate": shorter}
    with pytest.raises(errors.NotFound):
        retention.set_rule(CATALOGUE, rule("nobody", "certificate", 1))


def test_a_certificate_is_kept_so_many_years_from_its_day_of_issue() -> None:
    found = retention.latest(given(ISSUED), {}, keeping(CERTIFICATES))
    assert found == retention.Obligation(rule=CERTIFICATES, until=date(2054, 2, 28))


def test_a_rule_binds_its_organisation_and_its_kind_only() -> None:
    for other in (rule("college", "certificate", 30), rule("BIM-EVAL", "conversion", 30)):
        assert retention.latest(given(ISSUED), {}, keeping(other)) is None


def test_the_last_obligation_counts_over_certificates_and_uses() -> None:
    account = given(ISSUED, converted(1, grant("A", "1")), exempted(2, grant("A", "1", "CAD")))
    conversions, exemptions = rule("college", "conversion", 40), rule("college", "exemption", 40)
    found = retention.latest(account, USED_ON, keeping(CERTIFICATES, conversions, exemptions))
    assert found == retention.Obligation(rule=exemptions, until=date(2066, 9, 2))


def test_what_is_not_in_force_binds_nobody() -> None:
    revoked = CertificateRevoked(certificate_id=certificate("A"), reason="-", effective_from=date(2026, 9, 1))
    reversed_ = ConversionReversed(conversion_id=UUID(int=1), reason="-")
    account = given(ISSUED, converted(1, grant("A", "1")), reversed_, revoked)
    assert retention.latest(account, USED_ON, keeping(CERTIFICATES, rule("college", "conversion", 40))) is None


def test_what_is_held_or_under_review_still_binds() -> None:
    held = CertificateHeld(certificate_id=certificate("A"), reason="-")
    assert retention.latest(given(ISSUED, held), {}, keeping(CERTIFICATES)) is not None
    review = ExemptionReviewOpened(exemption_id=UUID(int=2), certificate_id=certificate("A"), reason="-")
    account = given(ISSUED, exempted(2, grant("A", "1", "CAD")), review)
    assert retention.latest(account, USED_ON, keeping(rule("college", "exemption", 1))) is not None


def test_an_erasure_waits_for_the_day_after_the_last_one() -> None:
    account, catalogue = given(ISSUED), keeping(CERTIFICATES)
    last = date(2054, 2, 28)
    with pytest.raises(errors.RetentionApplies) as refused:
        retention.require_none(account, {}, catalogue, last)
    assert refused.value.members == {"until": "2054-02-28", "basis": "§ certificate", "alternative": "restriction"}
    retention.require_none(account, {}, catalogue, last + timedelta(days=1))
