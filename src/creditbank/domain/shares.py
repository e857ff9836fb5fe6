"""Decisions about shares: a learner shows a balance, a transcript or certificates to whoever has a secret."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from creditbank.domain import errors
from creditbank.domain.account import Account
from creditbank.domain.certificates import require_open
from creditbank.domain.events import ShareGranted, ShareKind, ShareRevoked
from creditbank.domain.rights import Share


def grant(
    account: Account,
    share_id: UUID,
    what: ShareKind,
    certificates: Sequence[UUID],
    shows_name: bool,
    expires_at: int,
    now: int,
) -> ShareGranted:
    """Share until a moment in the future. `certificates` names some of the account's own; none means all of them."""
    require_open(account.head)
    faults = [
        errors.Fault(
            code="certificate_unknown",
            pointer=f"/certificates/{number}",
            detail="This account holds no such certificate.",
        )
        for number, one in enumerate(certificates)
        if one not in account.lots
    ]
    if expires_at <= now:
        faults.append(errors.Fault(code="out_of_range", pointer="/expires_at", detail="A share ends in the future."))
    if faults:
        raise errors.Invalid(faults=faults)
    return ShareGranted(
        share_id=share_id,
        what=what,
        granted_at=now,
        expires_at=expires_at,
        certificates=tuple(dict.fromkeys(certificates)),
        shows_name=shows_name,
    )


def revoke(account: Account, share_id: UUID) -> ShareRevoked:
    """End a share, in whatever state the account is."""
    if account.head.merged_into is not None:
        raise errors.AccountMerged(account.head.merged_into)
    share = account.rights.shares.get(share_id)
    if share is None:
        raise errors.NotFound()
    if share.revoked:
        raise errors.WrongState("share", "revoked")
    return ShareRevoked(share_id=share_id)


def opened(account: Account, share_id: UUID, now: int) -> Share:
    """The share that a secret names. Raises NotFound where it is over, or the use of the account's data is."""
    share = account.rights.shares.get(share_id)
    is_usable = account.head.status in ("open", "suspended", "closed")
    if share is None or not is_usable or share.status_at(now) != "active":
        raise errors.NotFound()
    return share
