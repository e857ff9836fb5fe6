"""Cosignatures for our own log: each witness is asked, and the policy says when there are enough."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from hashlib import sha256

import httpx

from creditbank.audit import checking, witness
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
    _cosigned: dict[str, int] = field(default_factory=dict)
    """The size that each witness cosigned last, as far as we know."""

    def cosigned(self, note: str) -> str | None:
        """The checkpoint with all cosignatures that were to be had; None while they are too few."""
        parsed = notes.parse(note)
        head = checking.head_of(note)
        found: dict[VerifierKey, Signature] = {}
        for name, one in self.policy.witnesses.items():
            if one.url is not None and (signature := self._ask(name, one, note, head)) is not None:
                found[one.key] = signature
        if not self.policy.is_met(found):
            return None
        return str(Note(text=parsed.text, signatures=(*parsed.signatures, *found.values())))

    def highest(self, origin: str, keys: Collection[VerifierKey]) -> Checkpoint | None:
        """The largest of our own checkpoints that a witness remembers: what we must not fall behind.

        Only one that our own keys have signed is believed: no witness can invent a history and stop the bank by it.
        """
        path = sha256(origin.encode()).hexdigest()
        heads = [self._remembered(name, f"{one.url.rstrip('/')}/{path}/checkpoint", keys)
                 for name, one in self.policy.witnesses.items() if one.url is not None]  # fmt: skip
        return max(filter(None, heads), key=lambda head: head.size, default=None)

    def _remembered(self, name: str, url: str, keys: Collection[VerifierKey]) -> Checkpoint | None:
        """What one of them remembers; None, and logged, where it does not answer or answers nonsense."""
        try:
            answer = self.client.get(url)
            if answer.status_code == 404:
                return None  # it has not seen our log
            answer.raise_for_status()
            return checking.signed_checkpoint(answer.text, keys)
        except (httpx.HTTPError, Malformed, Unproven) as error:
            _logger.warning("witness %s does not tell what it remembers: %s", name, type(error).__name__)
            return None

    def _ask(self, name: str, one: Witness, note: str, head: Checkpoint) -> Signature | None:
        for _ in range(2):  # the second time from the size that the witness told us
            answer = self._submit(name, one, note, head)
            if answer is None:
                return None
            if answer.status_code == 409:
                self._cosigned[name] = _told_size(answer.text, head.size)
            elif answer.status_code == 200:
                return self._accepted(name, one, answer.text, note, head)
            else:
                level = logging.ERROR if answer.status_code == 422 else logging.WARNING
                _logger.log(level, "witness %s answers %s to a checkpoint", name, answer.status_code)
                return None
        return None

    def _submit(self, name: str, one: Witness, note: str, head: Checkpoint) -> httpx.Response | None:
        old = self._cosigned.get(name, 0)
        proof = merkle.consistency(old, head.size, tiles.reader(head.size, self.shelf.read))
        url = f"{(one.url or '').rstrip('/')}/add-checkpoint"
        try:
            return self.client.post(url, content=witness.request(old, proof, note).encode())
        except httpx.HTTPError as error:
            _logger.warning("witness %s does not answer: %s", name, type(error).__name__)
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


def _told_size(text: str, most: int) -> int:
    """The size that a witness says it knows; one that is larger than ours cannot be proven from."""
    try:
        return min(number(text.removesuffix("\n")), most)
    except Malformed:
        return 0
