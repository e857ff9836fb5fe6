"""Bundles: the whole history of one account with its proofs, in one file that can be checked anywhere.

The format `creditbank-bundle/1` is JSON: the checkpoint, each event as canonical record and salt with its place
in the log, and, once an epoch has passed, the proof that nothing is left out. Hashes are base64, salts base64url.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

from creditbank.audit import checking
from creditbank.audit.checking import Proven
from creditbank.audit.proofs import Complete, Prover
from creditbank.audit.transparency import merkle, records
from creditbank.audit.transparency.checkpoints import Checkpoint, Proof
from creditbank.audit.transparency.encoding import Malformed, base64_bytes, base64_text, hash_bytes
from creditbank.audit.transparency.merkle import Unproven, leaf_hash
from creditbank.audit.transparency.notes import VerifierKey

FORMAT = "creditbank-bundle/1"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Place(_Strict):
    """Where a leaf stands in a tree, with its audit path."""

    index: int
    hashes: list[str]


class BundledEvent(Place):
    """An event: its canonical record and the salt that opens its entry."""

    record: str
    salt: str


class Completeness(_Strict):
    """The head of the stream among all heads, and their leaf in the log."""

    size: int
    streams: int
    root: str
    head: str
    among_heads: Place
    in_log: Place


class Bundle(_Strict):
    """One account, proven."""

    format: str
    stream: UUID
    checkpoint: str
    events: list[BundledEvent]
    completeness: Completeness | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a bundle proves: the events, under which head, and the version up to which nothing is left out."""

    checkpoint: Checkpoint
    events: Sequence[Proven]
    complete_to: int | None


def bundle(prover: Prover, stream_id: UUID) -> Bundle | None:
    """The bundle of a stream; None while no checkpoint covers any of it."""
    proofs = prover.stream(stream_id)
    if not proofs:
        return None
    note = proofs[0].checkpoint
    complete = prover.complete(stream_id, checking.head_of(note).size)
    return Bundle(
        format=FORMAT,
        stream=stream_id,
        checkpoint=note,
        events=[_bundled(proof) for proof in proofs],
        completeness=None if complete is None else _completeness(complete),
    )


def check(document: str | bytes, keys: Collection[VerifierKey]) -> Checked:
    """Check a bundle by the log's keys alone. Raises Malformed or Unproven."""
    try:
        read = Bundle.model_validate_json(document, strict=False)
    except ValidationError:
        raise Malformed("not a bundle") from None
    if read.format != FORMAT:
        raise Malformed(f"not a bundle of the format {FORMAT}")
    head = checking.signed_checkpoint(read.checkpoint, keys)
    events = checking.stream([str(_proof(one, read.checkpoint)) for one in read.events], keys)
    if not events or events[0].record["stream"] != str(read.stream):
        raise Unproven("the events are not those of the stream")
    complete_to = None if read.completeness is None else _complete_to(read.completeness, head, events)
    return Checked(checkpoint=head, events=events, complete_to=complete_to)


def _bundled(proof: Proof) -> BundledEvent:
    opening: dict[str, Any] = checking.opening(proof.extra)
    return BundledEvent(index=proof.index, hashes=[base64_text(one) for one in proof.hashes], **opening)


def _completeness(complete: Complete) -> Completeness:
    return Completeness(
        size=complete.epoch.size,
        streams=complete.epoch.streams,
        root=base64_text(complete.epoch.root),
        head=base64_text(complete.head.record),
        among_heads=Place(index=complete.head.index, hashes=[base64_text(one) for one in complete.head.hashes]),
        in_log=Place(index=complete.epoch.index, hashes=[base64_text(one) for one in complete.hashes]),
    )


def _proof(one: BundledEvent, checkpoint: str) -> Proof:
    extra = records.canonical({"record": one.record, "salt": one.salt}).encode()
    return Proof(index=one.index, hashes=[hash_bytes(text) for text in one.hashes], checkpoint=checkpoint, extra=extra)


def _complete_to(said: Completeness, head: Checkpoint, events: Sequence[Proven]) -> int:
    """The version up to which the heads say that nothing is left out. Raises Unproven."""
    root, record = hash_bytes(said.root), base64_bytes(said.head)
    entry = records.heads_entry(said.streams, root, said.size)
    _check_place(leaf_hash(entry), said.in_log, head.size, head.root)
    _check_place(leaf_hash(record), said.among_heads, said.streams, root)
    version, commitment = int.from_bytes(record[32:40], "big"), record[40:]
    if len(events) < version or events[version - 1].commitment != commitment:
        raise Unproven("the heads of the log say that the history is another or a longer one")
    return version


def _check_place(leaf: bytes, place: Place, size: int, root: bytes) -> None:
    merkle.check_inclusion(leaf, place.index, size, [hash_bytes(text) for text in place.hashes], root)
