"""Events to bytes and back, under names of our own.

The name in the log is the contract: a class may be renamed or moved, a name never changes its meaning.
Defaults are left out when written, which is safe because a default, once released, is never changed.
"""

from __future__ import annotations

from typing import Any, get_args

from pydantic import TypeAdapter

from creditbank.domain import events
from creditbank.domain.events import AccountEvent, Event, OrganisationEvent

NAMES: dict[str, type[Any]] = {
    "organisation-registered/1": events.OrganisationRegistered,
    "organisation-suspended/1": events.OrganisationSuspended,
    "organisation-reinstated/1": events.OrganisationReinstated,
    "accreditation-granted/1": events.AccreditationGranted,
    "accreditation-withdrawn/1": events.AccreditationWithdrawn,
    "retention-rule-set/1": events.RetentionRuleSet,
    "standard-published/1": events.StandardPublished,
    "programme-published/1": events.ProgrammePublished,
    "rulebook-version-published/1": events.RulebookVersionPublished,
    "account-opened/1": events.AccountOpened,
    "account-suspended/1": events.AccountSuspended,
    "account-reinstated/1": events.AccountReinstated,
    "account-closed/1": events.AccountClosed,
    "account-merged/1": events.AccountMerged,
    "account-received/1": events.AccountReceived,
    "account-erased/1": events.AccountErased,
    "account-restricted/1": events.AccountRestricted,
    "restriction-lifted/1": events.RestrictionLifted,
    "holder-corrected/1": events.HolderCorrected,
    "dealing-opened/1": events.DealingOpened,
    "consent-given/1": events.ConsentGiven,
    "consent-withdrawn/1": events.ConsentWithdrawn,
    "share-granted/1": events.ShareGranted,
    "share-revoked/1": events.ShareRevoked,
    "request-made/1": events.RequestMade,
    "request-settled/1": events.RequestSettled,
    "certificate-awarded/1": events.CertificateAwarded,
    "certificate-amended/1": events.CertificateAmended,
    "certificate-held/1": events.CertificateHeld,
    "certificate-hold-released/1": events.CertificateHoldReleased,
    "certificate-revoked/1": events.CertificateRevoked,
    "certificate-received/1": events.CertificateReceived,
    "credits-converted/1": events.CreditsConverted,
    "courses-exempted/1": events.CoursesExempted,
    "reservation-made/1": events.ReservationMade,
    "reservation-confirmed/1": events.ReservationConfirmed,
    "reservation-released/1": events.ReservationReleased,
    "reservation-lapsed/1": events.ReservationLapsed,
    "use-approved/1": events.UseApproved,
    "use-received/1": events.UseReceived,
    "conversion-reversed/1": events.ConversionReversed,
    "exemption-reversed/1": events.ExemptionReversed,
    "exemption-review-opened/1": events.ExemptionReviewOpened,
    "exemption-reviewed/1": events.ExemptionReviewed,
    "approval-requested/1": events.ApprovalRequested,
    "approval-given/1": events.ApprovalGiven,
    "approval-refused/1": events.ApprovalRefused,
}
"""Every event type that was ever written."""

_NAME_OF = {kind: name for name, kind in NAMES.items()}
_ADAPTERS: dict[str, TypeAdapter[Any]] = {name: TypeAdapter(kind) for name, kind in NAMES.items()}
_ORGANISATION = {_NAME_OF[kind] for kind in get_args(OrganisationEvent)}
_ACCOUNT = {_NAME_OF[kind] for kind in get_args(AccountEvent)}


class UnknownEvent(ValueError):
    """The log holds a name that this version of the bank does not know."""


def encode(event: Event) -> tuple[str, bytes]:
    """The name and the JSON body of an event."""
    name = _NAME_OF[type(event)]
    return name, _ADAPTERS[name].dump_json(event, exclude_defaults=True)


def decode(name: str, body: bytes) -> Event:
    """The event with this name and body. Raises UnknownEvent, or ValueError where the body does not fit."""
    adapter = _ADAPTERS.get(name)
    if adapter is None:
        raise UnknownEvent(f"no event is named {name}")
    event: Event = adapter.validate_json(body)
    return event


def stream_kind(name: str) -> str:
    """What kind of stream an event belongs to: account, organisation, standard, programme, rulebook or approval."""
    if name in _ACCOUNT:
        return "account"
    return "organisation" if name in _ORGANISATION else name.split("-", 1)[0]
