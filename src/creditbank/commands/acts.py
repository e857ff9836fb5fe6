"""Acts that may need two persons, as the commands that do them: at once, or when the second person agrees."""

from __future__ import annotations

from typing import assert_never

from creditbank.commands import accounts, catalogue, certificates
from creditbank.commands.accounts import IfMatch
from creditbank.commands.desk import Command
from creditbank.domain.acts import (
    AccreditationWithdrawal,
    Act,
    Erasure,
    Merging,
    Revocation,
    RulebookPublication,
)


def command_of(act: Act, if_match: IfMatch) -> Command:
    """What does the act, decided on whatever then stands."""
    match act:
        case Erasure():
            return accounts.Erase(account_id=act.account_id, reason=act.reason, if_match=if_match)
        case Merging():
            return accounts.Merge(account_id=act.account_id, merged=act.merged, reason=act.reason, if_match=if_match)
        case AccreditationWithdrawal():
            return catalogue.Withdraw(
                organisation=act.organisation,
                accreditation_id=act.accreditation_id,
                effective_from=act.effective_from,
                reason=act.reason,
            )
        case Revocation():
            return certificates.revoke(act.certificate_id, act.issuer, act.reason, act.effective_from)
        case RulebookPublication():
            return catalogue.PublishRulebook(
                rulebook=act.rulebook,
                owner=act.owner,
                title=act.title,
                rules=act.rules,
                cases=act.cases,
                effective_from=act.effective_from,
            )
        case _:
            assert_never(act)
