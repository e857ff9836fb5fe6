"""Whether each event of an account was legal where it stands, recomputed from the events before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from creditbank.domain import account as accounts
from creditbank.domain import rules
from creditbank.domain.account import Account
from creditbank.domain.balance import consumed, reserved
from creditbank.domain.catalogue import Catalogue
from creditbank.domain.events import (
    CoursesExempted,
    ExemptionReversed,
    Grant,
    ReservationConfirmed,
    ReservationLapsed,
    ReservationMade,
    ReservationReleased,
)
from creditbank.domain.situations import Wish
from creditbank.domain.uses import Application, decide
from creditbank.ledger.log import Recorded

SLACK = 2_000_000
"""Microseconds that may lie between a decision and the time under which it is recorded, behind a lock."""


def illegal(history: Sequence[Recorded], reference: Catalogue) -> Iterator[str]:
    """Every event that was not legal, with its version."""
    account, moment = accounts.empty(history[0].stream_id), 0
    for item in history:
        found = [*_fault(account, item, reference)]
        if item.recorded_at < moment:
            found.append("it is recorded before the one before it")
        moment = item.recorded_at
        account = accounts.evolve(account, item.event)  # type: ignore[arg-type]  # an account stream holds account events
        yield from (f"version {item.version}: {one}" for one in [*found, *_overdrawn(account, moment)])


def _fault(account: Account, item: Recorded, reference: Catalogue) -> Iterator[str]:
    match item.event:
        case ExemptionReversed(exemption_id=use_id):
            if account.uses[use_id].status == "reversed":
                yield f"{use_id} is reversed twice"
        case CoursesExempted() | ReservationMade():
            if _granted_anew(account, item, item.event, reference) != item.event.grants:
                yield "what it grants could not be granted on what stood before"
        case ReservationConfirmed(reservation_id=use_id) | ReservationReleased(reservation_id=use_id):
            if account.uses[use_id].status != "open":
                yield f"{use_id} had ended"
            if not account.uses[use_id].holds(item.recorded_at - SLACK):
                yield f"{use_id} had lapsed"
        case ReservationLapsed(reservation_id=use_id):
            if account.uses[use_id].status != "open" or account.uses[use_id].holds(item.recorded_at):
                yield f"{use_id} lapsed before its time or after its end"
        case _:
            pass


def _overdrawn(account: Account, moment: int) -> Iterator[str]:
    uses = account.uses.values()
    taken = consumed(uses) + reserved(uses, moment)
    for lot in account.lots.values():
        if lot.status != "revoked" and taken[lot.certificate_id] > lot.credits:
            yield f"{lot.certificate_id} is overdrawn"


def _granted_anew(
    account: Account, item: Recorded, event: CoursesExempted | ReservationMade, reference: Catalogue
) -> tuple[Grant, ...]:
    """What the bank would grant for the same wish on the account as it stood one version before."""
    programme = reference.programmes[event.institution, event.programme]
    versions = reference.rulebooks[event.decision.rulebook]
    application = Application(
        account=account,
        programme=programme,
        catalogue=reference,
        compiled=rules.compile(versions[event.decision.rulebook_version - 1].rules),
        applied_on=event.decision.applied_on,
        now=item.recorded_at,
    )
    wishes = [Wish(certificate_ids=one.certificate_ids, target=one.target, fields={}) for one in event.grants]
    return decide(application, wishes).grants
