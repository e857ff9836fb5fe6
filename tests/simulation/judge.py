"""Whether an answer was the right one, and what is true from then on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from pydantic_core import from_json

from creditbank.commands.desk import Settled
from creditbank.domain import errors
from creditbank.ledger.answers import Stored
from tests.simulation.actions.action import require
from tests.simulation.actions.people import Erase
from tests.simulation.checks import Watch
from tests.simulation.deliveries import Delivery, Outcome
from tests.simulation.model import Model, Moment


@dataclass(frozen=True, slots=True)
class Judge:
    """Follows every outcome with the model."""

    model: Model
    watch: Watch
    counts: Counter[str]

    def judge(self, delivery: Delivery, outcome: Outcome, kept: Stored | None, at: Moment, *, struck: bool) -> None:
        """Judge an outcome, and make the model what it must be now. `kept` is the answer stored by its doing.

        `struck`: there was a misfortune, without which there is no excuse. Raises Wrong.
        """
        known = self.model.answers.get(delivery.key)
        if isinstance(outcome, Settled) and isinstance(delivery.action, Erase):
            self.watch.confirmed.add(delivery.action.account_id)
        is_unknown = outcome is None or type(outcome) is errors.Unavailable
        self.counts["requests without an answer" if is_unknown else "answered requests"] += 1
        if is_unknown:
            require(struck, "refused for no reason")
            self._learn(delivery, kept, at)
        elif delivery.action is None:
            require(isinstance(outcome, ZeroDivisionError), "a broken command was answered")
        elif known is not None:
            self._repeated(delivery, outcome, known)
        elif isinstance(outcome, Settled):
            body = outcome.body if outcome.replayed else outcome.stored
            require(kept is not None and kept.body == body, "the answer that is kept is not the one that was given")
            self._learn(delivery, kept, at)
        else:
            expected = delivery.action.refusals(self.model, at)
            code = outcome.code if isinstance(outcome, errors.BankError) else repr(outcome)
            require(code in expected, f"{code} instead of {expected or 'done'}")

    def _learn(self, delivery: Delivery, kept: Stored | None, at: Moment) -> None:
        """Whatever has an answer has happened, wholly; whatever has none has not happened at all."""
        known = self.model.answers.get(delivery.key)
        require(known is None or (kept is not None and kept.body == known), "an answer is lost, or another one now")
        self.watch.causes[delivery.key].add(delivery.causation)
        if kept is None or known is not None:
            return
        assert delivery.action is not None
        expected = delivery.action.refusals(self.model, at)
        require(not expected, f"done instead of {expected}")
        delivery.action.apply(self.model, at, from_json(kept.body))
        self.model.answers[delivery.key] = kept.body
        self.model.bodies[delivery.key] = kept.fingerprint
        self.counts["acknowledged effects"] += 1

    def _repeated(self, delivery: Delivery, outcome: Outcome, known: bytes) -> None:
        if delivery.fingerprint != self.model.bodies[delivery.key]:
            require(isinstance(outcome, errors.IdempotencyKeyReused), "another body passed under a used key")
        else:
            require(isinstance(outcome, Settled) and outcome.replayed, "a repetition was not known")
            assert isinstance(outcome, Settled)
            require(outcome.body == known, "a repetition got another answer")
