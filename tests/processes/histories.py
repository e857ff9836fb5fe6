"""Many clients change a few accounts at once, and every version of those accounts is looked at afterwards.

The versions of an account say in which order everything happened. So whether that order was legal is not guessed
from the answers but recomputed: after each event, and by each decision made anew on what stood before it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from threading import Thread
from uuid import UUID, uuid4

from sqlalchemy import Engine

from creditbank.audit.replay import account_at
from creditbank.domain import account as accounts
from creditbank.domain import rules
from creditbank.domain.account import Account
from creditbank.domain.balance import consumed
from creditbank.domain.catalogue import Catalogue
from creditbank.domain.events import CoursesExempted, ExemptionReversed, Grant
from creditbank.domain.situations import Wish
from creditbank.domain.uses import Application, decide
from creditbank.ledger.database import snapshot
from creditbank.ledger.log import Recorded
from creditbank.projections import catalogue
from tests.processes import bank
from tests.processes.bank import Keys
from tests.processes.calls import Answer, Caller

COURSES = 8


@dataclass(slots=True)
class Shared:
    """An account that everybody works on."""

    account_id: str
    certificate_ids: list[str]
    exemption_ids: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Outcomes:
    """How often each answer came, and what was told to have been recorded."""

    told: Counter[str] = field(default_factory=Counter)
    exempted: Counter[str] = field(default_factory=Counter)
    reversed: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0

    @property
    def operations(self) -> int:
        return self.told.total()


def work(
    addresses: Sequence[str], keys: Keys, shared: Sequence[Shared], *, clients: int, operations: int, seed: int
) -> Outcomes:
    """Let clients of one or several servers exempt, reverse, hold, release and revoke, and count the answers."""
    ran: list[Outcomes] = [Outcomes() for _ in range(clients)]
    threads = [
        Thread(
            target=_client,
            args=(addresses[number % len(addresses)], keys, shared, operations // clients, Random(seed + number), own),
        )
        for number, own in enumerate(ran)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    together = Outcomes(slowest=max(own.slowest for own in ran))
    for own in ran:
        together.told += own.told
        together.exempted += own.exempted
        together.reversed += own.reversed
    return together


def _client(address: str, keys: Keys, shared: Sequence[Shared], operations: int, chance: Random, own: Outcomes) -> None:
    with Caller(address) as caller:
        for _ in range(operations):
            account = chance.choice(shared)
            name, answer = _operation(caller, keys, account, chance)
            own.told[f"{name} {answer.status if answer.is_success else answer.code}"] += 1
            own.slowest = max(own.slowest, answer.seconds)
            if answer.is_success and name == "exempt":
                account.exemption_ids.append(answer.content["exemption_id"])
                own.exempted[answer.content["exemption_id"]] += 1
            elif answer.is_success and name == "reverse":
                own.reversed[answer.content["exemption_id"]] += 1


def _operation(caller: Caller, keys: Keys, account: Shared, chance: Random) -> tuple[str, Answer]:
    certificate = f"/v1/certificates/{chance.choice(account.certificate_ids)}"
    reason, key = {"reason": "test"}, str(uuid4())
    drawn = chance.random()
    if drawn < 0.45 or not account.exemption_ids:
        wanted = bank.exemption(account.account_id, certificate.rpartition("/")[2], chance.randrange(COURSES))
        return "exempt", caller.post("/v1/exemptions", keys.institution, wanted, key)
    if drawn < 0.90:
        use = chance.choice(account.exemption_ids[-COURSES:])
        return "reverse", caller.post(f"/v1/exemptions/{use}/reversal", keys.institution, reason, key)
    if drawn < 0.945:
        return "hold", caller.post(f"{certificate}/hold", keys.issuer, reason, key)
    if drawn < 0.99:
        return "release", caller.post(f"{certificate}/hold-release", keys.issuer, reason, key)
    return "revoke", caller.post(f"{certificate}/revocation", keys.issuer, reason, key)


def anomalies(engine: Engine, shared: Sequence[Shared], outcomes: Outcomes) -> list[str]:
    """Every event that was not legal where it stands, and every answer that history does not bear out."""
    with snapshot(engine) as connection:
        reference = catalogue.read(connection)
    found: list[str] = []
    exempted: Counter[str] = Counter()
    reversed_: Counter[str] = Counter()
    for one in shared:
        _, history = account_at(engine, UUID(one.account_id))
        found += [f"account {one.account_id}: {anomaly}" for anomaly in _illegal(history, reference)]
        exempted.update(str(item.event.exemption_id) for item in history if isinstance(item.event, CoursesExempted))
        reversed_.update(str(item.event.exemption_id) for item in history if isinstance(item.event, ExemptionReversed))
    if exempted != outcomes.exempted:
        found.append(f"{exempted.total()} exemptions in history, {outcomes.exempted.total()} told")
    if reversed_ != outcomes.reversed:
        found.append(f"{reversed_.total()} reversals in history, {outcomes.reversed.total()} told")
    return found


def _illegal(history: Sequence[Recorded], reference: Catalogue) -> Iterator[str]:
    account = accounts.empty(history[0].stream_id)
    for item in history:
        match item.event:
            case ExemptionReversed():
                if account.uses[item.event.exemption_id].status == "reversed":
                    yield f"version {item.version}: {item.event.exemption_id} is reversed twice"
            case CoursesExempted():
                if _granted_anew(account, item, item.event, reference) != item.event.grants:
                    yield f"version {item.version}: {item.event.exemption_id} could not be granted on what stood before"
            case _:
                pass
        account = accounts.evolve(account, item.event)  # type: ignore[arg-type]  # an account stream holds account events
        taken = consumed(account.uses.values())
        for lot in account.lots.values():
            if lot.status != "revoked" and taken[lot.certificate_id] > lot.credits:
                yield f"version {item.version}: {lot.certificate_id} is overdrawn"


def _granted_anew(account: Account, item: Recorded, event: CoursesExempted, reference: Catalogue) -> tuple[Grant, ...]:
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
