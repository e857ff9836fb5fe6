"""Requests on their way, what comes back, and what the bank keeps of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Engine

from creditbank.commands.desk import Answer, Request, Settled
from creditbank.commands.draft import Draft, Needs
from creditbank.domain import errors
from creditbank.ledger import answers
from creditbank.ledger.answers import Stored
from tests.simulation.actions.action import Action

SCOPE = "simulated"


class Broken:
    """A command with a fault of our own: nobody but its sender may suffer from it."""

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        raise ZeroDivisionError


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An action on its way, for the first time or again under the same key; None is a broken command."""

    action: Action | None
    key: str
    causation: UUID
    fingerprint: bytes = b"same"

    def request(self) -> Request:
        command = Broken() if self.action is None else self.action.command()
        return Request(
            command=command,
            actor="simulated",
            key=(SCOPE, self.key),
            fingerprint=self.fingerprint,
            causation=self.causation,
        )


Outcome = Settled | BaseException | None
"""None: the process died over it."""


def stored(engine: Engine, deliveries: Sequence[Delivery]) -> dict[str, Stored]:
    """The answers that are kept under the keys of these deliveries."""
    with engine.connect() as connection, connection.begin():
        found = answers.find(connection, {(SCOPE, delivery.key) for delivery in deliveries})
    return {key: one for (_, key), one in found.items()}


def is_first(outcome: Outcome) -> bool:
    return isinstance(outcome, Settled) and not outcome.replayed


def named(delivery: Delivery) -> str:
    return "a broken command" if delivery.action is None else f"{delivery.action} {delivery.fingerprint.decode()}"


def told(outcome: Outcome) -> str:
    match outcome:
        case None:
            return "nothing"
        case Settled():
            return f"{outcome.status}{' again' if outcome.replayed else ''} at {outcome.position}"
        case errors.BankError():
            return outcome.code
        case _:
            return repr(outcome)
