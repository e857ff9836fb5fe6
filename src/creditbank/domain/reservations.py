"""Decisions about reservations: confirm, release, lapse. A reservation is decided as the use that it becomes."""

from __future__ import annotations

from uuid import UUID

from creditbank.domain import errors
from creditbank.domain.account import Account
from creditbank.domain.certificates import require_open
from creditbank.domain.events import AccountEvent, ReservationConfirmed, ReservationLapsed, ReservationReleased
from creditbank.domain.use import Use
from creditbank.domain.uses import standing_use, use_event

LONGEST_MICROSECONDS = 30 * 24 * 3600 * 1_000_000
"""At most 30 days: credits that are held are credits that the learner cannot use elsewhere."""


def status_at(use: Use, now: int) -> str:
    """The word for a reservation at a moment: one whose time is over has lapsed, recorded or not."""
    return "lapsed" if use.status == "open" and not use.holds(now) else use.status


def check_term(expires_at: int, now: int) -> None:
    """Raise Invalid unless a reservation until then is in the future and not too long."""
    if not now < expires_at <= now + LONGEST_MICROSECONDS:
        detail = "A reservation ends in the future, within 30 days."
        raise errors.Invalid(faults=[errors.Fault(code="out_of_range", pointer="/expires_at", detail=detail)])


def confirm(account: Account, reservation_id: UUID, use_id: UUID, now: int) -> list[AccountEvent]:
    """Turn what is held into the conversion or exemption that it was decided as."""
    use = _open(account, reservation_id, now)
    require_open(account.head)
    for grant in use.grants:
        for certificate_id in grant.certificate_ids:
            if account.lots[certificate_id].status != "active":
                raise errors.WrongState("certificate", account.lots[certificate_id].status)
    confirmed = ReservationConfirmed(reservation_id=reservation_id, use_id=use_id)
    return [confirmed, use_event(use.kind, use_id, (use.institution, use.programme), use.grants, use.decision)]


def release(account: Account, reservation_id: UUID, reason: str, now: int) -> list[AccountEvent]:
    _open(account, reservation_id, now)
    return [ReservationReleased(reservation_id=reservation_id, reason=reason)]


def lapse(account: Account, reservation_id: UUID, now: int) -> list[AccountEvent]:
    """Record that the time of a reservation is over. Nothing to do where that is recorded, or it is not over."""
    use = account.uses.get(reservation_id)
    if use is None or use.status != "open" or use.holds(now):
        return []
    return [ReservationLapsed(reservation_id=reservation_id)]


def lapse_all(account: Account, now: int) -> list[ReservationLapsed]:
    """Record all whose time is over, beside a grant that may take what they kept.

    Else a clock that is behind, or set back, would let them be confirmed on credits that are gone.
    """
    over = (use for use in account.uses.values() if use.status == "open" and not use.holds(now))
    return [ReservationLapsed(reservation_id=use.use_id) for use in over]


def _open(account: Account, reservation_id: UUID, now: int) -> Use:
    use = standing_use(account, reservation_id)
    if not use.holds(now):
        raise errors.WrongState("reservation", status_at(use, now))
    return use
