"""Every reason the bank has to say no, as one tree.

BankError
├── Malformed            the request cannot be read
├── Unauthenticated      nobody known is asking
├── Forbidden            known, but not allowed
├── NotFound             not there, or not visible to the one who asks
├── Conflict             against the facts as they stand
├── PreconditionFailed   the caller decided on an older version
├── Refused              understood, and refused by a rule
│   └── Invalid          fields at fault
├── RateLimited          too many requests
└── Unavailable          the bank cannot answer now; ask again with the same key
    └── HistoryBehind    published history is missing in the database: nothing is written on top

`code` is stable and English. `facts` fill the sentences shown to people; `members` are further
machine-readable members of the answer. Neither ever holds personal data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One field at fault: where it stands (JSON pointer in the body, or parameter name) and why."""

    code: str
    detail: str
    pointer: str | None = None
    parameter: str | None = None


class BankError(Exception):
    """A refusal with a stable code. Subclasses name the category; the category decides the answer."""

    code: ClassVar[str]

    def __init__(
        self,
        *,
        facts: Mapping[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
        faults: Sequence[Fault] = (),
    ) -> None:
        super().__init__(self.code)
        self.facts = dict(facts or {})
        self.members = dict(members or {})
        self.faults = tuple(faults)

    def __reduce__(self) -> tuple[Any, ...]:
        # The inherited way calls the class with a code, which none of them takes.
        return _restored, (type(self), self.__dict__)


def _restored(kind: type[BankError], said: Mapping[str, Any]) -> BankError:
    refusal = kind.__new__(kind)
    BankError.__init__(refusal)
    refusal.__dict__.update(said)
    return refusal


class Malformed(BankError):
    code = "malformed_json"


class IdempotencyKeyMissing(Malformed):
    code = "idempotency_key_missing"


class CursorInvalid(Malformed):
    code = "cursor_invalid"


class Unauthenticated(BankError):
    code = "unauthenticated"


class Forbidden(BankError):
    code = "forbidden"


class ReauthenticationRequired(Forbidden):
    """Allowed, but not on the word of somebody who signed in long ago."""

    code = "reauthentication_required"


class AccountUnknown(Forbidden):
    """Somebody was identified who is no member and of whose documents the bank holds no account."""

    code = "account_unknown"


class IdentityIncomplete(Forbidden):
    """Somebody was identified who is no member, without an identity document that can be read."""

    code = "identity_incomplete"


class OrganisationSuspended(Forbidden):
    """Somebody was identified who acts for an organisation that may do nothing at present."""

    code = "organisation_suspended"


class NotFound(BankError):
    code = "not_found"


class Conflict(BankError):
    code = "conflict"


class OrganisationExists(Conflict):
    code = "organisation_exists"


class StandardExists(Conflict):
    code = "standard_exists"


class ProgrammeExists(Conflict):
    code = "programme_exists"


class CertificateDuplicate(Conflict):
    """The same person already holds this certificate; the answer names it."""

    code = "certificate_duplicate"

    def __init__(self, certificate_id: UUID) -> None:
        super().__init__(members={"certificate_id": str(certificate_id)})


class CertificateNumberTaken(Conflict):
    """Another person holds this number of this issuer. That person is not named."""

    code = "certificate_number_taken"


class KeysExhausted(Conflict):
    """The organisation has as many live keys in this role as it may have: one has to go first."""

    code = "keys_exhausted"

    def __init__(self, limit: int) -> None:
        super().__init__(facts={"limit": str(limit)}, members={"limit": limit})


class MemberExists(Conflict):
    """The subject of this issuer is a member already; the answer names it."""

    code = "member_exists"

    def __init__(self, member_id: str) -> None:
        super().__init__(members={"member_id": member_id})


class AccountNotOpen(Conflict):
    code = "account_not_open"

    def __init__(self, status: str) -> None:
        super().__init__(facts={"status": status}, members={"account_status": status})


class AccountMerged(Conflict):
    code = "account_merged"

    def __init__(self, merged_into: UUID) -> None:
        super().__init__(members={"merged_into": str(merged_into)})


class WrongState(Conflict):
    """The thing is not in a state from which this can be done."""

    code = "wrong_state"

    def __init__(self, thing: str, status: str) -> None:
        super().__init__(facts={"thing": thing, "status": status}, members={"current_status": status})


class SecondPersonNeeded(Conflict):
    """An act that needs two persons was to be approved by the one who had asked for it."""

    code = "second_person_needed"


class OutcomeReserved(Conflict):
    """The credits are held by a pending application, which is not named."""

    code = "outcome_reserved"

    def __init__(self, lapses_at: str) -> None:
        super().__init__(facts={"lapses_at": lapses_at}, members={"lapses_at": lapses_at})


class DocumentTaken(Conflict):
    """Another person's account is found by this document. That person is not named."""

    code = "document_taken"


class TooManyOpenRequests(Conflict):
    """The learner waits for answers to as many requests as one may have open."""

    code = "too_many_open_requests"


class PreconditionFailed(BankError):
    code = "precondition_failed"


class Refused(BankError):
    code = "refused"


class Invalid(Refused):
    code = "validation_failed"


class ConsentRequired(Refused):
    """The learner has to agree first, and has not, or no longer."""

    code = "consent_required"


class GuardianConsentRequired(Refused):
    """The person is under 14, and nobody said that a guardian agrees."""

    code = "guardian_consent_required"


class RetentionApplies(Refused):
    """Records must be kept until a day, that day included; until then their use can be restricted."""

    code = "retention_applies"

    def __init__(self, until: date, basis: str) -> None:
        named = {"until": until.isoformat(), "basis": basis}
        super().__init__(facts=named, members={**named, "alternative": "restriction"})


class IdentityNumberInvalid(Refused):
    code = "identity_number_invalid"


class StandardUnknown(Refused):
    code = "standard_unknown"


class LevelUnknown(Refused):
    code = "level_unknown"


class OrganisationUnknown(Refused):
    code = "organisation_unknown"


class ProgrammeUnknown(Refused):
    code = "programme_unknown"


class RulebookUnknown(Refused):
    code = "rulebook_unknown"


class OrganisationNotAccredited(Refused):
    code = "organisation_not_accredited"


class IssuedInFuture(Refused):
    code = "issued_in_future"


class NumberContradictsRecord(Refused):
    """A certificate number that carries meaning says something else than the fields posted with it."""

    code = "number_contradicts_record"


class IdempotencyKeyReused(Refused):
    code = "idempotency_key_reused"


class NotEligible(Refused):
    """Nothing was granted; the decision stands in the answer."""

    code = "not_eligible"

    def __init__(self, decision: Mapping[str, Any]) -> None:
        super().__init__(members=decision)


class NotAttempted(Refused):
    """A line that was fit, in a batch that was refused as a whole because of other lines."""

    code = "not_attempted"


class RateLimited(BankError):
    code = "rate_limited"

    def __init__(self, retry_after: int) -> None:
        super().__init__(members={"retry_after": retry_after})
        self.retry_after = retry_after


class Unavailable(BankError):
    code = "unavailable"
    retry_after = 1


class HistoryBehind(Unavailable):
    """After a failover or a restore that lost published events, until somebody has brought them back."""

    code = "history_behind"
    retry_after = 60
