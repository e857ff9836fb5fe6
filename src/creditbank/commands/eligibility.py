"""What an institution could grant: a decision or a proposal that is only asked for, and award checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from creditbank.commands import documents, hindsight
from creditbank.commands.bank import Bank
from creditbank.commands.uses import Explain, application_of
from creditbank.domain import awards, proposals, uses
from creditbank.domain.accounts import require_dealing
from creditbank.domain.certificates import require_open
from creditbank.domain.consents import require_consent
from creditbank.domain.events import RulebookVersionPublished
from creditbank.domain.situations import Wish
from creditbank.domain.timeline import Moment
from creditbank.domain.uses import Application


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Whose account, for which programme, applied for on which day, at which moment of both time lines."""

    account_id: UUID
    institution: str
    programme: tuple[str, str]
    applied_on: date | None
    moment: Moment


class Adviser:
    """Answers what would be decided, without deciding it. Nothing is written."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank

    def eligibility(self, asked: Asked, wishes: Sequence[Wish] | None, explain: Explain) -> dict[str, Any]:
        """The decision on these wishes; without any, the best set that the bank can find."""
        application, version = self._application(asked)
        account_version = application.account.head.version
        if wishes is not None:
            outcome = uses.decide(application, wishes)
            return documents.decision(outcome, version, account_version, explain)
        proposal = proposals.propose(application)
        body = documents.decision(proposal.outcome, version, account_version, explain)
        return body | {"proposed": [documents.wish(one) for one in proposal.wishes], "is_proven": proposal.is_proven}

    def award(self, asked: Asked, award: str) -> dict[str, Any]:
        """What is missing for an award, and the smallest set of certificates that would close the gap."""
        application, version = self._application(asked)
        return documents.award_check(award, awards.check(application, award), version)

    def _application(self, asked: Asked) -> tuple[Application, RulebookVersionPublished]:
        bank = self._bank
        with bank.engine.connect() as connection, connection.begin():
            catalogue = bank.catalogue_in(connection)
            # Whether the institution may ask is judged by today's dealings, whatever the moment asked about.
            today = hindsight.account_then(bank, connection, asked.account_id, Moment())
            require_dealing(today.account, asked.institution, bank.today())
            require_open(today.account.head)
            then = today
            if not asked.moment.is_now:
                then = hindsight.account_then(bank, connection, asked.account_id, asked.moment)
        applied_on = asked.applied_on or then.on
        application, version = application_of(
            bank, catalogue, then.account, asked.institution, asked.programme, applied_on, then.now
        )
        # As with dealings: what a learner has agreed to is judged by today.
        require_consent(today.account, application.programme, bank.today(), everywhere=bank.consent_required)
        return application, version
