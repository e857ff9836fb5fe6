"""Checking what a bank has proven, from the proofs and the log's keys alone: no database, no server, no trust."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from creditbank.audit.transparency import merkle, notes, records
from creditbank.audit.transparency.checkpoints import Checkpoint, checkpoint_of, proof_of
from creditbank.audit.transparency.encoding import Malformed
from creditbank.audit.transparency.merkle import Unproven, leaf_hash
from creditbank.audit.transparency.notes import VerifierKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """An event that the log is proven to hold: its record as data, its commitment, and where it stands."""

    record: dict[str, Any]
    commitment: bytes
    index: int
    checkpoint: Checkpoint


def head_of(note: str) -> Checkpoint:
    """The head that a note says, unverified. Raises Malformed."""
    return checkpoint_of(notes.parse(note).text)


def signed_checkpoint(note: str, keys: Collection[VerifierKey]) -> Checkpoint:
    """The head that one of the log's keys has signed. Raises Malformed or Unproven."""
    parsed = notes.parse(note)
    head = checkpoint_of(parsed.text)
    if not any(key.name == head.origin for key, _ in notes.verified(parsed, keys)):
        raise Unproven("the checkpoint is not signed by a key of this log")
    return head


def event(proof: str, keys: Collection[VerifierKey]) -> Proven:
    """The event that a `.tlog-proof` of this bank proves. Raises Malformed or Unproven."""
    read = proof_of(proof)
    head = signed_checkpoint(read.checkpoint, keys)
    found = opening(read.extra)
    record, salt = found["record"], records.unshort(found["salt"])
    commitment = records.event_commitment(salt, record)
    leaf = leaf_hash(records.event_entry(commitment))
    merkle.check_inclusion(leaf, read.index, head.size, read.hashes, head.root)
    return Proven(record=json.loads(record), commitment=commitment, index=read.index, checkpoint=head)


def stream(proofs: Sequence[str], keys: Collection[VerifierKey]) -> list[Proven]:
    """The events of one stream from its first on, without a gap or a change of history between them.

    Raises Malformed or Unproven, naming the version that does not fit.
    """
    proven: list[Proven] = []
    for version, text in enumerate(proofs, start=1):
        try:
            one = event(text, keys)
        except (Malformed, Unproven) as fault:
            raise Unproven(f"version {version}: {fault}") from None
        before = proven[-1] if proven else None
        expected = (
            version,
            None if before is None else records.short(before.commitment),
            one.record["stream"] if before is None else before.record["stream"],
        )
        if (one.record["version"], one.record["prev"], one.record["stream"]) != expected:
            raise Unproven(f"version {version}: does not follow the event before it")
        proven.append(one)
    return proven


def opening(extra: bytes | None) -> dict[str, str]:
    """Record and salt, as the extra line of a proof carries them. Raises Malformed."""
    try:
        found = json.loads(extra or b"")
        record, salt = found["record"], found["salt"]
        records.unshort(salt)
        if record != records.canonical(json.loads(record)):
            raise Malformed("the record is not canonical")
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Malformed("the proof does not carry a record and its salt") from None
    return {"record": record, "salt": salt}
