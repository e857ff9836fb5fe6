"""What a learner has allowed and asked for: consents, shares and requests, and how each event changes them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal, assert_never
from uuid import UUID

from creditbank.domain.events import (
    ConsentGiven,
    ConsentWithdrawn,
    RequestKind,
    RequestMade,
    RequestSettled,
    RightsEvent,
    ShareGranted,
    ShareKind,
    ShareRevoked,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """An institution may deal with the account until a day, that day included, unless it was withdrawn."""

    consent_id: UUID
    institution: str
    until: date
    given_at: int
    withdrawn: bool = False

    def stands_on(self, day: date) -> bool:
        return not self.withdrawn and day <= self.until

    def status_on(self, day: date) -> Literal["active", "withdrawn", "expired"]:
        if self.withdrawn:
            return "withdrawn"
        return "active" if self.stands_on(day) else "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What whoever has the secret may see, until a moment in microseconds, unless it was revoked."""

    share_id: UUID
    what: ShareKind
    certificates: tuple[UUID, ...]
    shows_name: bool
    granted_at: int
    expires_at: int
    revoked: bool = False

    def status_at(self, now: int) -> Literal["active", "revoked", "expired"]:
        if self.revoked:
            return "revoked"
        return "active" if now < self.expires_at else "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerRequest:
    """What the learner asked the authority for, and what became of it."""

    request_id: UUID
    kind: RequestKind
    made_at: int
    status: Literal["open", "done", "declined"] = "open"
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """All of it, each by its id, in order of record."""

    consents: dict[UUID, Consent] = field(default_factory=dict)
    shares: dict[UUID, Share] = field(default_factory=dict)
    requests: dict[UUID, LearnerRequest] = field(default_factory=dict)


def evolve_rights(rights: Rights, event: RightsEvent) -> Rights:
    """The rights after `event`."""
    match event:
        case ConsentGiven() | ConsentWithdrawn():
            consent = _consent(rights, event)
            return replace(rights, consents={**rights.consents, consent.consent_id: consent})
        case ShareGranted() | ShareRevoked():
            share = _share(rights, event)
            return replace(rights, shares={**rights.shares, share.share_id: share})
        case RequestMade() | RequestSettled():
            request = _request(rights, event)
            return replace(rights, requests={**rights.requests, request.request_id: request})
        case _:
            assert_never(event)


def _consent(rights: Rights, event: ConsentGiven | ConsentWithdrawn) -> Consent:
    if isinstance(event, ConsentWithdrawn):
        return replace(rights.consents[event.consent_id], withdrawn=True)
    return Consent(
        consent_id=event.consent_id, institution=event.institution, until=event.until, given_at=event.given_at
    )


def _share(rights: Rights, event: ShareGranted | ShareRevoked) -> Share:
    if isinstance(event, ShareRevoked):
        return replace(rights.shares[event.share_id], revoked=True)
    return Share(
        share_id=event.share_id,
        what=event.what,
        certificates=event.certificates,
        shows_name=event.shows_name,
        granted_at=event.granted_at,
        expires_at=event.expires_at,
    )


def _request(rights: Rights, event: RequestMade | RequestSettled) -> LearnerRequest:
    if isinstance(event, RequestSettled):
        return replace(rights.requests[event.request_id], status=event.outcome, reason=event.reason)
    return LearnerRequest(request_id=event.request_id, kind=event.kind, made_at=event.made_at)


def ended(rights: Rights) -> Rights:
    """After an erasure nothing rests any more on what the learner once allowed."""
    return replace(
        rights,
        consents={one: replace(consent, withdrawn=True) for one, consent in rights.consents.items()},
        shares={one: replace(share, revoked=True) for one, share in rights.shares.items()},
    )


def carried(rights: Rights, source: UUID) -> list[RightsEvent]:
    """What continues on the account into which `source` is merged: all that still stands, under the same ids.

    What is over stays in the history of the merged account, as do the reasons of settled requests.
    """
    consents = [
        ConsentGiven(
            consent_id=one.consent_id,
            institution=one.institution,
            until=one.until,
            given_at=one.given_at,
            merged_from=source,
        )
        for one in rights.consents.values()
        if not one.withdrawn
    ]
    shares = [
        ShareGranted(
            share_id=one.share_id,
            what=one.what,
            certificates=one.certificates,
            shows_name=one.shows_name,
            granted_at=one.granted_at,
            expires_at=one.expires_at,
            merged_from=source,
        )
        for one in rights.shares.values()
        if not one.revoked
    ]
    requests = [
        RequestMade(request_id=one.request_id, kind=one.kind, made_at=one.made_at, merged_from=source)
        for one in rights.requests.values()
        if one.status == "open"
    ]
    return [*consents, *shares, *requests]
