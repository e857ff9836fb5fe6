"""What if other rules had decided: every recorded decision of a rulebook, decided anew on what it was decided on.

The ledger is not asked: whether credits would have been there is another question than what the rules say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, Engine

from creditbank.domain import rules
from creditbank.domain.account import Account, Head
from creditbank.domain.catalogue import Catalogue
from creditbank.domain.events import Grant
from creditbank.domain.situations import completed
from creditbank.domain.use import Use
from creditbank.domain.uses import grant_of
from creditbank.ledger.database import snapshot
from creditbank.projections import catalogue, lots, usages

PAGE = 200
Progress = Callable[[int, int], None]
Line = tuple[tuple[UUID, ...], str | None]
"""What a grant is about: certificates, and the course that they replace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A grant that would be another one. Credits are ten-thousandths; reason and clause say why there is less."""

    certificate_ids: tuple[UUID, ...]
    target: str | None
    before: int
    after: int
    reason: str | None = None
    clause: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherUse:
    """A conversion, exemption or open reservation that would be another one."""

    use_id: UUID
    kind: str
    institution: str
    programme: str
    version: int
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherAccount:
    """An account whose grants would change, with what this rulebook granted and would grant it in all."""

    account_id: UUID
    before: int
    after: int
    uses: tuple[OtherUse, ...]


@dataclass(slots=True)
class Count:
    """How far it has come: accounts with uses of any rulebook, and decisions of this one."""

    accounts: int = 0
    decisions: int = 0


def accounts_changed(
    engine: Engine, rulebook: str, compiled: rules.CompiledRules, count: Count, progress: Progress | None = None
) -> Iterator[OtherAccount]:
    """The accounts whose standing grants under this rulebook would change under these rules, one after the other."""
    with snapshot(engine) as connection:
        reference, total = catalogue.read(connection), usages.count_accounts(connection)
        last: UUID | None = None
        while page := usages.accounts_after(connection, last, PAGE):
            for account in _accounts(connection, page):
                count.accounts += 1
                if found := _decided_anew(account, rulebook, compiled, reference, count):
                    yield found
            if progress:
                progress(count.accounts, total)
            last = page[-1]


def _accounts(connection: Connection, account_ids: list[UUID]) -> Iterator[Account]:
    held, used = lots.of_accounts(connection, account_ids), usages.of_accounts(connection, account_ids)
    for account_id in account_ids:
        yield Account(
            head=Head(account_id=account_id),
            lots={row.certificate_id: lots.lot_from(row) for row in held[account_id]},
            uses={row.use_id: usages.use_from(row) for row in used[account_id]},
        )


def _decided_anew(
    account: Account, rulebook: str, compiled: rules.CompiledRules, reference: Catalogue, count: Count
) -> OtherAccount | None:
    before = after = 0
    others: list[OtherUse] = []
    for use in account.uses.values():
        if use.decision.rulebook != rulebook or not (use.stands or use.status == "open"):
            continue
        count.decisions += 1
        differences = _differences(account, use, compiled, reference)
        before += use.credits
        after += use.credits + sum(one.after - one.before for one in differences)
        if differences:
            others.append(_other_use(use, differences))
    if not others:
        return None
    return OtherAccount(account_id=account.head.account_id, before=before, after=after, uses=tuple(others))


def _other_use(use: Use, differences: tuple[Difference, ...]) -> OtherUse:
    return OtherUse(
        use_id=use.use_id,
        kind="reservation" if use.is_reservation else use.kind,
        institution=use.institution,
        programme=use.programme,
        version=use.decision.rulebook_version,
        differences=differences,
    )


def _differences(
    account: Account, use: Use, compiled: rules.CompiledRules, reference: Catalogue
) -> tuple[Difference, ...]:
    """Grant by grant, those that were made first, then those that would be added."""
    programme = reference.programmes.get((use.institution, use.programme))
    situation = completed(use.decision.situation, account, programme, reference)
    given = {"applied_on": use.decision.applied_on.isoformat(), **situation}
    recorded = _credits(use.grants)
    try:
        decision = rules.evaluate(compiled, given)
    except rules.InvalidSituation as error:
        fault = error.faults[0]
        return tuple(_compared(recorded, Counter(), dict.fromkeys(recorded, (fault.detail, fault.pointer))))
    granted = _credits(map(grant_of, decision.granted))
    reasons = {
        (tuple(map(UUID, refusal.outcomes)), refusal.target): (refusal.reason, refusal.clause)
        for refusal in decision.refused
    }
    return tuple(_compared(recorded, granted, reasons))


def _credits(grants: Iterable[Grant]) -> Counter[Line]:
    """Credits by what they were granted for: the same may be asked for twice."""
    credits: Counter[Line] = Counter()
    for grant in grants:
        credits[grant.certificate_ids, grant.target] += grant.credits
    return credits


def _compared(
    recorded: Counter[Line], granted: Counter[Line], reasons: Mapping[Line, tuple[str, str]]
) -> Iterator[Difference]:
    for line in dict.fromkeys([*recorded, *granted]):
        before, after = recorded[line], granted[line]
        if before == after and (line in recorded) == (line in granted):
            continue
        reason, clause = (None, None) if after > before else reasons.get(line, (None, None))
        yield Difference(
            certificate_ids=line[0], target=line[1], before=before, after=after, reason=reason, clause=clause
        )
