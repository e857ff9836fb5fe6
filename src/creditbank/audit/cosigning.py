"""Cosignatures for our own log: each witness is asked, and the policy says when there are enough."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from threading import Event
from typing import Any

import httpx

from creditbank.audit import asking, checking, witness
from creditbank.audit.asking import Answer, T, Unanswered
from creditbank.audit.transparency import merkle, notes, tiles
from creditbank.audit.transparency.checkpoints import Checkpoint
from creditbank.audit.transparency.encoding import Malformed, number
from creditbank.audit.transparency.merkle import Unproven
from creditbank.audit.transparency.notes import Note, Signature, VerifierKey
from creditbank.audit.transparency.policies import Policy, Witness
from creditbank.audit.transparency.shelf import Shelf

_logger = logging.getLogger("creditbank.publisher")


@dataclass(slots=True, kw_only=True)
class Cosigners:
    """The witnesses that a policy names, as they are asked by the publisher."""

    policy: Policy
    client: httpx.Client
    shelf: Shelf
    deadline_seconds: float = asking.DEADLINE_SECONDS
    _cosigned: dict[str, int] = field(default_factory=dict)
    """The size that each witness cosigned last, as far as we know."""
    _asked: dict[str, Future[Any]] = field(default_factory=dict)
    """What each was asked last; while one has not answered, it is not asked again."""
    _stopping: Event = field(default_factory=Event)

    def stop(self) -> None:
        """Wait for no answer any more."""
        self._stopping.set()

    def cosigned(self, note: str, keys: Collection[VerifierKey], check: Callable[[Checkpoint], None]) -> str | None:
        """The checkpoint with all cosignatures that were to be had; None while they are too few.

        A witness that knows more of the log than we submit, or something else, is asked for what it has cosigned.
        Where our own `keys` have signed that, `check` decides whether the log is forked, and raises Forked.
        """
        parsed = notes.parse(note)
        head = checking.head_of(note)
        found = self._all(lambda name, one, url: self._ask(name, one, url, note, head, keys))
        for answer in found.values():
            if isinstance(answer, Checkpoint):
                check(answer)
        signatures = {
            self.policy.witnesses[name].key: answer for name, answer in found.items() if isinstance(answer, Signature)
        }
        if not self.policy.is_met(signatures):
            return None
        return str(Note(text=parsed.text, signatures=(*parsed.signatures, *signatures.values())))

    def highest(self, origin: str, keys: Collection[VerifierKey]) -> Checkpoint | None:
        """The largest of our own checkpoints that a witness remembers: what we must not fall behind.

        Only one that our own keys have signed is believed: no witness can invent a history and stop the bank by it.
        """
        heads = self._all(lambda name, _, url: self._remembered(name, url, origin, keys))
        return max(heads.values(), key=lambda head: head.size, default=None)

    def _all(self, work: Callable[[str, Witness, str], T | None]) -> dict[str, T]:
        """What the witnesses answer that can be asked, all at once; by their names."""
        free = {
            name: partial(work, name, one, one.url.rstrip("/"))
            for name, one in self.policy.witnesses.items()
            if one.url is not None and (name not in self._asked or self._asked[name].done())
        }
        futures = asking.at_once(free, self._stopping, self.deadline_seconds)
        self._asked.update(futures)
        found: dict[str, T] = {}
        for name, future in futures.items():
            if not future.done():
                _logger.warning("witness %s does not answer in time", name)
            elif (answer := future.result()) is not None:
                found[name] = answer
        return found

    def _remembered(self, name: str, url: str, origin: str, keys: Collection[VerifierKey]) -> Checkpoint | None:
        """What one of them remembers; None, and logged, where it does not answer or answers nonsense."""
        try:
            answer = asking.ask(self.client, "GET", f"{url}/{sha256(origin.encode()).hexdigest()}/checkpoint")
            if answer.status == 404:
                return None  # it has not seen our log
            if answer.status != 200:
                raise Unanswered(f"status {answer.status}")
            return checking.signed_checkpoint(answer.text, keys)
        except Unanswered as error:
            _logger.warning("witness %s does not tell what it remembers: %s", name, error)
        except (Malformed, Unproven) as error:
            _logger.warning("witness %s does not tell what it remembers: %s", name, type(error).__name__)
        return None

    def _ask(
        self, name: str, one: Witness, url: str, note: str, head: Checkpoint, keys: Collection[VerifierKey]
    ) -> Signature | Checkpoint | None:
        """Its cosignature; where it has cosigned what ours does not go on from, what that was."""
        for _ in range(2):  # the second time from the size that the witness told us
            answer = self._submit(name, url, note, head)
            if answer is None:
                return None
            if answer.status == 200:
                return self._accepted(name, one, answer.text, note, head)
            told = _told_size(answer.text) if answer.status == 409 else 0
            if answer.status == 422 or told > head.size:
                _logger.error("witness %s answers %s to a checkpoint: the log may be forked", name, answer.status)
                return self._remembered(name, url, head.origin, keys)
            if answer.status != 409:
                _logger.warning("witness %s answers %s to a checkpoint", name, answer.status)
                return None
            self._cosigned[name] = told
        return None

    def _submit(self, name: str, url: str, note: str, head: Checkpoint) -> Answer | None:
        old = min(self._cosigned.get(name, 0), head.size)
        proof = merkle.consistency(old, head.size, tiles.reader(head.size, self.shelf.read))
        try:
            return asking.ask(self.client, "POST", f"{url}/add-checkpoint", witness.request(old, proof, note).encode())
        except Unanswered as error:
            _logger.warning("witness %s does not answer: %s", name, error)
            return None

    def _accepted(self, name: str, one: Witness, lines: str, note: str, head: Checkpoint) -> Signature | None:
        try:
            found = dict(notes.verified(notes.parse(note + lines), [one.key]))
        except Malformed:
            found = {}
        if one.key not in found:
            _logger.warning("witness %s answers with a signature that is not its own", name)
            return None
        self._cosigned[name] = head.size
        return found[one.key]


def _told_size(text: str) -> int:
    """The size that a witness says it knows; 0 where it says nonsense."""
    try:
        return number(text.removesuffix("\n"))
    except Malformed:
        return 0
