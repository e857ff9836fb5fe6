"""`workflow`: who must approve, in order, before a grant is recorded as final."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from creditbank.domain.rules.clause import Clause, Text


class Approval(Clause):
    """One role that has to approve, in so many days where a number is given."""

    role: Text
    within_days: Annotated[int, Field(strict=True, ge=1, le=3660)] | None = None
