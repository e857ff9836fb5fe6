"""How long records must be kept: rules of each organisation, by kind, and what they say about an erasure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from creditbank.domain import errors
from creditbank.domain.account import Account
from creditbank.domain.catalogue import Catalogue
from creditbank.domain.events import RetainedKind, RetentionRuleSet
from creditbank.domain.organisations import organisation
from creditbank.domain.rules.dates import add_years


@dataclass(frozen=True, slots=True, kw_only=True)
class Obligation:
    """A record of an account that is kept until a day, that day included, under a rule."""

    rule: RetentionRuleSet
    until: date


def set_rule(catalogue: Catalogue, wanted: RetentionRuleSet) -> RetentionRuleSet | None:
    """Set or replace the rule of an organisation for a kind; None where it stands already. Raises NotFound."""
    return None if organisation(catalogue, wanted.organisation).retention.get(wanted.kind) == wanted else wanted


def has_rules(catalogue: Catalogue) -> bool:
    return any(one.retention for one in catalogue.organisations.values())


def latest(account: Account, recorded_on: Mapping[UUID, date], catalogue: Catalogue) -> Obligation | None:
    """The last obligation to end over the certificates and uses in force; None where nothing is to be kept.

    Years count from the day of issue of a certificate, and from `recorded_on` of a conversion or exemption.
    """
    return max(_obligations(account, recorded_on, catalogue), key=lambda one: one.until, default=None)


def require_none(account: Account, recorded_on: Mapping[UUID, date], catalogue: Catalogue, today: date) -> None:
    """Raise RetentionApplies while records of the account must be kept."""
    found = latest(account, recorded_on, catalogue)
    if found is not None and today <= found.until:
        raise errors.RetentionApplies(found.until, found.rule.basis)


def _obligations(account: Account, recorded_on: Mapping[UUID, date], catalogue: Catalogue) -> Iterator[Obligation]:
    records: list[tuple[RetainedKind, str, date]] = [
        ("certificate", lot.issuer, lot.issued_on) for lot in account.lots.values() if lot.status != "revoked"
    ]
    records += [(use.kind, use.institution, recorded_on[use.use_id]) for use in account.uses.values() if use.stands]
    for kind, owner, since in records:
        keeper = catalogue.organisations.get(owner)
        rule = keeper.retention.get(kind) if keeper else None
        if rule is not None:
            yield Obligation(rule=rule, until=add_years(since, rule.years))
