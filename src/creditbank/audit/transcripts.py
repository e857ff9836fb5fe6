"""A saved transcript, as `transcript?proofs=1` answers it: the events that its proofs prove, and nothing beyond them.

What an entry says beside its proof is not covered, and neither is what came after, or was left out.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

from creditbank.audit import checking
from creditbank.audit.checking import Proven
from creditbank.audit.transparency.encoding import Malformed
from creditbank.audit.transparency.merkle import Unproven
from creditbank.audit.transparency.notes import VerifierKey


class _Entry(BaseModel):
    recorded_version: int
    proof: str | None


class Transcript(BaseModel):
    """What of a transcript is looked at."""

    model_config = ConfigDict(hide_input_in_errors=True)

    account_id: UUID
    entries: list[_Entry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The events that are proven, and of how many entries of which account."""

    account_id: UUID
    entries: int
    events: Sequence[Proven]


def read(document: str) -> Transcript | None:
    """A transcript with proofs; None for any other text."""
    try:
        return Transcript.model_validate_json(document)
    except ValidationError:
        return None


def check(transcript: Transcript, keys: Collection[VerifierKey]) -> Checked:
    """Check each proof, by the log's keys alone. Raises Unproven, naming the entry."""
    events = []
    for number, entry in enumerate(transcript.entries, start=1):
        if entry.proof is None:
            continue  # no checkpoint covered it when the transcript was made
        try:
            one = checking.event(entry.proof, keys)
        except (Malformed, Unproven) as error:
            raise Unproven(f"entry {number}: {error}") from None
        told = (one.record.get("stream"), one.record.get("version"))
        if told != (str(transcript.account_id), entry.recorded_version):
            raise Unproven(f"entry {number}: its proof is that of another event")
        events.append(one)
    return Checked(account_id=transcript.account_id, entries=len(transcript.entries), events=events)
