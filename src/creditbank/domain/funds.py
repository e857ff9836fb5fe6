"""What certificates still have, and whether it pays for what the rules would grant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from uuid import UUID

from creditbank.domain.account import Account
from creditbank.domain.balance import consumed, reserved
from creditbank.domain.rules.clause import Objection
from creditbank.domain.values import SCALE, credits_from_fraction

OUTCOME_RESERVED = "OUTCOME_RESERVED"
CREDITS_USED = "CREDITS_USED"


@dataclass(frozen=True, slots=True)
class Funds:
    """What certificates still have: what is free, and what open reservations keep of them."""

    free: Mapping[UUID, int]
    kept: Mapping[UUID, int]


def funds(account: Account, now: int) -> Funds:
    taken, kept = consumed(account.uses.values()), reserved(account.uses.values(), now)
    free = {one: lot.credits - taken[one] - kept[one] for one, lot in account.lots.items()}
    return Funds(free, kept)


@dataclass(frozen=True, slots=True)
class Overdraft:
    """A request that the rules would grant and a certificate cannot pay, by its number."""

    request: int
    objection: Objection


class Till:
    """Pays what grants take from certificates, in their order, as long as the credits last."""

    def __init__(self, left: Funds) -> None:
        self.overdrafts: list[Overdraft] = []
        self._free = dict(left.free)
        self._kept = left.kept

    def __call__(self, request: int, clause: str, taken: Sequence[tuple[str, Fraction]]) -> Objection | None:
        parts = [(UUID(name), credits_from_fraction(credits)) for name, credits in taken]
        for certificate_id, wanted in parts:
            free = self._free[certificate_id]
            if wanted > free:
                reason = OUTCOME_RESERVED if wanted <= free + self._kept[certificate_id] else CREDITS_USED
                total = sum((credits for _, credits in taken), start=Fraction(0))
                objection = Objection(reason, clause, total, Fraction(max(0, free), SCALE))
                self.overdrafts.append(Overdraft(request, objection))
                return objection
        for certificate_id, wanted in parts:
            self._free[certificate_id] -= wanted
        return None
