"""What an inspection draws from: everything that stood at a position of history, so that a later draw is the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal
from uuid import UUID

from sqlalchemy import Connection

from creditbank.audit.transparency import records
from creditbank.domain.events import (
    AccountOpened,
    CoursesExempted,
    CreditsConverted,
    Event,
    OrganisationRegistered,
    ReservationMade,
)
from creditbank.ledger import log, sequence
from creditbank.ledger.log import Recorded

Kind = Literal["accounts", "decisions", "organisations"]
KINDS: tuple[Kind, ...] = ("accounts", "decisions", "organisations")
_TYPES: dict[Kind, tuple[str, ...]] = {
    "accounts": ("account-opened/1",),
    "decisions": ("credits-converted/1", "courses-exempted/1", "reservation-made/1"),
    "organisations": ("organisation-registered/1",),
}


class Unfrozen(ValueError):
    """Nothing says at which position a population stood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """Where history stood: the last position of each partition, and by what that is known."""

    positions: Mapping[int, int]
    by: str
    root: str | None = None
    """The root of the checkpoint that it is known by, in hexadecimal."""

    def holds(self, item: Recorded) -> bool:
        """Whether an event had been recorded."""
        return item.position <= self.positions.get(item.partition_id, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One that may be drawn: its id, the stream that it stands in, and its stratum."""

    member_id: str
    stream_id: UUID
    stratum: str


@dataclass(frozen=True, slots=True)
class Population:
    """All of a kind, by their ids."""

    kind: Kind
    members: Mapping[str, Member]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all ids, sorted, each with a line feed behind it: by this a list is known to be the one."""
        return sha256("".join(f"{one}\n" for one in sorted(self.members)).encode()).hexdigest()

    def strata(self) -> dict[str, list[str]]:
        """The ids of each stratum."""
        found: dict[str, list[str]] = {}
        for member in self.members.values():
            found.setdefault(member.stratum, []).append(member.member_id)
        return dict(sorted(found.items()))


def at_checkpoint(connection: Connection, size: int) -> Frozen:
    """As a signed checkpoint of so many leaves has it. Raises Unfrozen where none of this size was signed."""
    root = sequence.signed_root(connection, size)
    if root is None:
        raise Unfrozen(f"no checkpoint of {size} leaves was signed")
    positions = records.heads_of(sequence.seal_at(connection, size - 1).heads)
    return Frozen(positions=positions, by=f"checkpoint {size}", root=root.hex())


def at_moment(connection: Connection, moment: int, said: str) -> Frozen:
    """As it was known at a moment that is over, in microseconds."""
    return Frozen(positions=log.positions_at(connection, moment), by=f"known at {said}")


def read(connection: Connection, kind: Kind, frozen: Frozen) -> Population:
    """All of a kind that stood there."""
    found = (member for item in log.of_types(connection, _TYPES[kind], frozen.positions)
             for member in _members(item.event, item.stream_id))  # fmt: skip
    return Population(kind, {member.member_id: member for member in found})


def _members(event: Event, stream_id: UUID) -> Iterator[Member]:
    match event:
        case AccountOpened(opened_by=opened_by):
            yield Member(member_id=str(stream_id), stream_id=stream_id, stratum=opened_by)
        case CreditsConverted(conversion_id=use_id, institution=institution):
            yield Member(member_id=str(use_id), stream_id=stream_id, stratum=institution)
        case CoursesExempted(exemption_id=use_id, institution=institution):
            yield Member(member_id=str(use_id), stream_id=stream_id, stratum=institution)
        case ReservationMade(reservation_id=use_id, institution=institution):
            yield Member(member_id=str(use_id), stream_id=stream_id, stratum=institution)
        case OrganisationRegistered(code=code, roles=roles):
            yield Member(member_id=code, stream_id=stream_id, stratum="+".join(sorted(roles)))
        case _:
            return
