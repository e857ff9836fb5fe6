"""What must hold at any moment: history only grows, it says what the model says, and every answer follows from it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic_core import from_json
from sqlalchemy import Engine, Table, select

from creditbank import projections
from creditbank.audit import checking
from creditbank.audit.rebuild import rebuild
from creditbank.audit.replay import differences
from creditbank.audit.transparency import growth
from creditbank.audit.transparency.shelf import Shelf
from creditbank.audit.whole import Bank
from creditbank.commands.queries import AccountReader, Question
from creditbank.commands.sight import Viewer
from creditbank.domain import account as accounts
from creditbank.domain import use
from creditbank.ledger import log, sequence
from creditbank.ledger.database import snapshot
from creditbank.ledger.log import Recorded
from creditbank.ledger.tables import command_log, event
from creditbank.vault.tables import person
from tests.simulation.actions.action import Wrong, require
from tests.simulation.installation import FURNISHED, Installation
from tests.simulation.model import Account, Grant, Model, Moment, amount

HISTORY: tuple[Table, ...] = (
    event,
    command_log,
    *projections.TABLES,
    sequence.log_round,
    sequence.log_seal,
    sequence.log_checkpoint,
)
"""All that follows from the seed. What is sealed is not among it: keys and nonces come from the operating system."""

Rows = list[tuple[Any, ...]]


@dataclass(slots=True)
class Watch:
    """What was seen before, to which everything later must go back."""

    causes: dict[str, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    """Under each idempotency key, the causes of which one may have had its effect."""
    confirmed: set[UUID] = field(default_factory=set)
    """The accounts whose erasure somebody was told of."""
    size: int = 0
    _heads: list[tuple[int, bytes]] = field(default_factory=list)
    _positions: dict[int, Rows] = field(default_factory=dict)

    def look(self, shelf: Shelf) -> None:
        """Whatever is published goes on from what was published before."""
        note = shelf.checkpoint()
        if note is None:
            require(not self._heads, "a published checkpoint is gone")
            return
        head = checking.head_of(note)
        if self._heads and (head.size, head.root) == self._heads[-1]:
            return
        require(head.size > self.size, f"a checkpoint of {head.size} leaves was published behind one of {self.size}")
        self._heads.append((head.size, head.root))
        self.size = head.size
        for size, root in self._heads[-2:]:
            require(growth.root_of(shelf, size) == root, f"the files give another root for {size} leaves")

    def grown(self, rows: dict[int, Rows]) -> None:
        """What once stood in history stands there still, unchanged and at its place."""
        for partition_id, before in self._positions.items():
            require(rows[partition_id][: len(before)] == before, f"history of partition {partition_id} has changed")
        self._positions = rows


def everything(installation: Installation, model: Model, watch: Watch, at: Moment) -> None:
    """Raises Wrong."""
    engine = installation.engine
    with snapshot(engine) as connection:
        rows = [
            tuple(row) for row in connection.execute(select(event).order_by(event.c.partition_id, event.c.position))
        ]
        history = [item for page in log.everything(connection) for item in page]
        persons = set(connection.execute(select(person.c.account_id)).scalars())
        answered = {row.key: row.body for row in connection.execute(select(command_log.c.key, command_log.c.body))}
    by_partition: dict[int, Rows] = defaultdict(list)
    for row in rows:
        by_partition[row[0]].append(row)
    watch.grown(dict(by_partition))
    _in_order(history)
    caused = {item.causation for item in history} - {FURNISHED}
    named = [caused & watch.causes[key] for key in model.answers]
    require(all(len(one) <= 1 for one in named), "something happened twice")
    require(caused == set().union(*named), "something happened that nobody was told of")
    require(answered == model.answers, "an answer is lost, or one is kept for what did not happen")
    _as_modelled(history, model)
    erased = {one for one, account in model.accounts.items() if account.status == "erased"}
    erased |= {gone for one in erased for gone in model.accounts[one].absorbed}
    require(persons == model.accounts.keys() - erased, "a person is sealed for no account, or missing for one")
    _balances(installation, model, at)
    for one in differences(engine):
        raise Wrong(f"{one.where}: {one.what}: {one.expected} is stored as {one.stored}")


def at_the_end(installation: Installation) -> None:
    """What is published proves itself and history, and answers that are made anew from history are the same."""
    publisher = installation.processes[0].publisher
    publisher.publish()  # what a crash left signed and not shown is shown
    bank = Bank(
        engine=installation.engine,
        shelf=publisher.shelf,
        data_dir=publisher.shelf.folder.parent,
        keys=publisher.verifier_keys(),
    )
    fault = bank.verify(1).fault
    require(fault is None, f"the log: {fault}")
    before = _tables(installation.engine)
    rebuild(installation.engine)
    after = _tables(installation.engine)
    for name, rows in before.items():
        require(after[name] == rows, f"table {name} is another when it is rebuilt")


def erased_stay_so(installation: Installation, watch: Watch) -> None:
    """Before a restored backup is asked anything, it has forgotten whom the list of erased accounts names."""
    with snapshot(installation.engine) as connection:
        persons = set(connection.execute(select(person.c.account_id)).scalars())
    listed = installation.processes[0].bank.erased.read().keys()
    require(watch.confirmed <= listed, "an erasure was confirmed that the list does not name")
    require(not persons & listed, "an erased person came back with a backup")


def history_rows(engine: Engine) -> Iterator[tuple[Any, ...]]:
    """Everything that follows from the seed, in a fixed order."""
    with snapshot(engine) as connection:
        for table in HISTORY:
            for row in connection.execute(select(table).order_by(*table.primary_key.columns)):
                yield tuple(row)


def _tables(engine: Engine) -> dict[str, Counter[tuple[Any, ...]]]:
    with snapshot(engine) as connection:
        return {
            table.name: Counter(tuple(row) for row in connection.execute(select(table))) for table in projections.TABLES
        }


def _in_order(history: list[Recorded]) -> None:
    """Positions and versions have no gaps, and in a partition time never runs backwards."""
    last: dict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
    versions: Counter[UUID] = Counter()
    for item in history:
        position, moment = last[item.partition_id]
        require(item.position == position + 1, f"position {item.position} comes behind {position}")
        require(item.recorded_at >= moment, f"{item.at} was recorded before the event in front of it")
        last[item.partition_id] = (item.position, item.recorded_at)
        versions[item.stream_id] += 1
        require(item.version == versions[item.stream_id], f"{item.at} is version {item.version} of its stream")


def _as_modelled(history: list[Recorded], model: Model) -> None:
    events: dict[UUID, list[Any]] = defaultdict(list)
    for item in history:
        if isinstance(item.event, accounts.AccountEvent):
            events[item.stream_id].append(item.event)
    require(events.keys() == model.accounts.keys(), "there are other accounts than those that were opened")
    for account_id, modelled in model.accounts.items():
        found = accounts.replay(accounts.empty(account_id), events[account_id])
        for what, expected, stands in _sides(modelled, found):
            if expected != stands:
                raise Wrong(f"{what} of {account_id}: {_unequal(expected, stands)}")


def _unequal(expected: Any, stands: Any) -> str:
    if not isinstance(expected, dict):
        return f"{stands} instead of {expected}"
    names = [one for one in {**expected, **stands} if expected.get(one) != stands.get(one)]
    return ", ".join(f"{one} is {stands.get(one)} instead of {expected.get(one)}" for one in names)


def _sides(modelled: Account, found: accounts.Account) -> Iterator[tuple[str, Any, Any]]:
    yield "status", (modelled.status, modelled.merged_into), (found.head.status, found.head.merged_into)
    yield (
        "certificates",
        {one: (lot.status, lot.credits, lot.level) for one, lot in modelled.lots.items()},
        {one: (lot.status, lot.credits, lot.level) for one, lot in found.lots.items()},
    )
    yield (
        "uses",
        {one: (of.status, of.kind, of.programme, of.expires_at, of.grants) for one, of in modelled.uses.items()},
        {one: _use(of) for one, of in found.uses.items()},
    )
    consents = found.rights.consents.items()
    yield (
        "consents",
        {one: (given.until, given.is_withdrawn) for one, given in modelled.consents.items()},
        {one: (given.until, given.withdrawn) for one, given in consents},
    )
    yield "requests", modelled.requests, {one: asked.status for one, asked in found.rights.requests.items()}
    yield "dealings", modelled.dealings, {one: dealing.until for one, dealing in found.dealings.items()}


def _use(one: use.Use) -> tuple[Any, ...]:
    grants = tuple(Grant(grant.certificate_ids[0], grant.target, grant.credits) for grant in one.grants)
    taken = [dict(grant.consumed) for grant in one.grants]
    require(
        taken == [{grant.certificate_id: grant.credits} for grant in grants],
        f"{one.use_id} takes something else: {taken}",
    )
    return one.status, one.kind, (one.institution, one.programme), one.expires_at, grants


def _balances(installation: Installation, model: Model, at: Moment) -> None:
    """No credit comes from nowhere or goes astray."""
    reader, viewer = AccountReader(installation.processes[-1].bank), Viewer(sees_all=True)
    ids = list(model.accounts)
    answers = reader.balances([Question(account_id=one, viewer=viewer) for one in ids])
    for account_id, answer in zip(ids, answers, strict=True):
        if isinstance(answer, BaseException):
            raise Wrong(f"the balance of {account_id} is {answer!r}")
        told = from_json(answer.body)
        parts = model.accounts[account_id].balance(at)
        require({name: amount(told[name]) for name in parts} == parts, f"balance of {account_id}: {told} not {parts}")
        total = parts["earned"] - parts["used"] - parts["reserved"] - parts["expired"] - parts["held"]
        require(total + parts["shortfall"] == parts["available"], f"credits of {account_id} do not add up")
