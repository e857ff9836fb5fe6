"""How long what lets somebody in is good for: whoever audits comes for a time, and leaves by itself."""

from __future__ import annotations

from creditbank.domain import errors
from creditbank.domain.errors import Fault

DAY = 24 * 3_600 * 1_000_000
"""In microseconds."""

USUAL_DAYS = 90
MOST_DAYS = 366


def ends_at(role: str, wanted: int | None, now: int) -> int | None:
    """When a key or client of this role ends, in microseconds; None for never. Raises Invalid for an audit too long."""
    if role != "auditor":
        return wanted
    if wanted is None:
        return now + USUAL_DAYS * DAY
    if wanted > now + MOST_DAYS * DAY:
        detail = f"What lets an auditor in ends within {MOST_DAYS} days."
        raise errors.Invalid(faults=[Fault(code="term_too_long", pointer="/expires_at", detail=detail)])
    return wanted
