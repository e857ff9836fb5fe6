"""Double-random inspection: who is inspected and by whom is drawn by lot, and what was drawn is checked in full."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from creditbank.audit import bundles, decisions, population, standing
from creditbank.audit.population import Frozen, Kind, Member, Population
from creditbank.audit.proofs import Prover
from creditbank.audit.sweep import Sweeper
from creditbank.audit.transparency.encoding import Malformed
from creditbank.audit.transparency.merkle import Unproven
from creditbank.audit.transparency.notes import VerifierKey
from creditbank.domain import draws
from creditbank.domain.account import Account
from creditbank.domain.catalogue import Catalogue
from creditbank.domain.draws import Amount, TooFew
from creditbank.ledger import log
from creditbank.ledger.raw import Range
from creditbank.projections import catalogue


@dataclass(frozen=True, slots=True)
class Inspector:
    """Somebody who inspects, and the organisations that are not theirs to inspect."""

    name: str
    organisations: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What an inspection is to draw. `stratified` draws the amount from each stratum and not from all."""

    announced: str
    public: str
    amounts: Mapping[Kind, Amount]
    inspectors: Sequence[Inspector]
    each: int
    stratified: bool = False

    @property
    def seed(self) -> bytes:
        return draws.seed(self.public, self.announced)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """The lists that were drawn from, and what came of each, in the order of the draw."""

    populations: Mapping[Kind, Population]
    members: Mapping[Kind, Sequence[Member]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """One that was drawn: by whom it is inspected, what it is, and what is wrong with it by the books.

    `proven` are its events that are proven to stand in the public log, None where nothing is published of it.
    """

    kind: Kind
    member: Member
    inspectors: Sequence[str]
    events: int
    certificates: int
    uses: int
    decision: Mapping[str, str]
    proven: int | None
    complete_to: int | None
    faults: Sequence[str]


def draw(connection: Connection, order: Order, frozen: Frozen) -> Drawn:
    """Draw what is inspected. The same order at the same position gives the same, however history goes on."""
    populations, members = dict[Kind, Population](), dict[Kind, Sequence[Member]]()
    for kind, amount in order.amounts.items():
        found = populations[kind] = population.read(connection, kind, frozen)
        strata = found.strata() if order.stratified else {"": list(found.members)}
        ids = [
            member_id
            for stratum, of_stratum in strata.items()
            for member_id in draws.draw(
                order.seed, f"{kind}/{stratum}" if stratum else kind, of_stratum, amount.of(len(of_stratum))
            )
        ]
        members[kind] = [found.members[member_id] for member_id in ids]
    return Drawn(populations=populations, members=members)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """Checks what was drawn, on one snapshot: as it stands, and shown as it stood where the population was frozen.

    `keys` are those of the public log, none where there is none.
    """

    connection: Connection
    frozen: Frozen
    prover: Prover
    keys: Sequence[VerifierKey]

    def inspected(self, order: Order, drawn: Drawn) -> Iterator[Inspected]:
        """Everything that was drawn. Raises TooFew where too few inspectors have nothing to do with one of them."""
        sweeper = Sweeper(self.connection, None)
        reference = catalogue.read(self.connection)
        for kind, members in drawn.members.items():
            for member in members:
                history = log.stream(self.connection, member.stream_id)
                if kind == "organisations":
                    account, faults = None, self._catalogue_faults(member.stream_id)
                else:
                    account = standing.folded_from(member.stream_id, filter(self.frozen.holds, history))
                    faults = _faults(kind, member, account, sweeper, reference)
                yield self._told(order, kind, member, account, sum(map(self.frozen.holds, history)), faults)

    def _told(
        self, order: Order, kind: Kind, member: Member, account: Account | None, events: int, faults: Sequence[str]
    ) -> Inspected:
        proven, complete_to, unproven = self._proven(member.stream_id)
        return Inspected(
            kind=kind,
            member=member,
            inspectors=_assigned(order, kind, member, account),
            events=events,
            certificates=0 if account is None else len(account.lots),
            uses=0 if account is None else len(account.uses),
            decision=_decision(account, UUID(member.member_id)) if account and kind == "decisions" else {},
            proven=proven,
            complete_to=complete_to,
            faults=[*faults, *unproven],
        )

    def _proven(self, stream_id: UUID) -> tuple[int | None, int | None, list[str]]:
        """How many events are proven, up to which version nothing is left out, and what is not proven."""
        try:
            bundle = bundles.bundle(self.prover, stream_id)
            if bundle is None:
                return None, None, []
            checked = bundles.check(bundle.model_dump_json(), self.keys)
        except (Malformed, Unproven, OSError) as error:
            return None, None, [f"public log: {error}"]
        return len(checked.events), checked.complete_to, []

    def _catalogue_faults(self, stream_id: UUID) -> list[str]:
        """An organisation's own events have to be what the catalogue holds of it."""
        events = {row for row in log.encoded(self.connection, standing.REFERENCE_NAMES) if row[0] == stream_id}
        stored = {row for row in catalogue.encoded(self.connection) if row[0] == stream_id}
        return [f"catalogue: {row[3]} is not what history says" for row in sorted(events ^ stored, key=str)]


def _faults(kind: Kind, member: Member, account: Account, sweeper: Sweeper, reference: Catalogue) -> list[str]:
    """History folded again and compared, and every decision evaluated again under the version of its rules.

    A decision that was drawn is evaluated as it stood, since it may have gone on to another account.
    """
    before = UUID(int=member.stream_id.int - 1) if member.stream_id.int else None
    swept = sweeper.sweep(Range(before, member.stream_id))
    # What it ought to be may tell of a person: `creditbank replay` says it to whoever looks into it.
    found = dict.fromkeys(f"{one.what} is not what history says" for one in swept.differences)
    use = account.uses.get(UUID(member.member_id)) if kind == "decisions" else None
    if use is not None and decisions.fault_of(use, reference) is not None:
        found[f"decision of {use.kind} {use.use_id} is not what history says"] = None
    return list(found)


def _assigned(order: Order, kind: Kind, member: Member, account: Account | None) -> list[str]:
    """The inspectors of one that was drawn: none of an organisation that has to do with it."""
    concerned = {member.member_id if kind == "organisations" else member.stratum}
    if account is not None:
        concerned |= {lot.issuer for lot in account.lots.values()}
        concerned |= {use.institution for use in account.uses.values()} | set(account.dealings)
    free = [one.name for one in order.inspectors if not one.organisations & concerned]
    try:
        return draws.draw(order.seed, f"inspectors/{member.member_id}", free, order.each)
    except TooFew:
        said = f"{order.each} inspectors are wanted, and {len(free)} have nothing to do with"
        raise TooFew(f"{said} {', '.join(sorted(concerned))}") from None


def _decision(account: Account, use_id: UUID) -> dict[str, str]:
    """What a decision rests on; nothing where it had gone on to another account."""
    use = account.uses.get(use_id)
    if use is None:
        return {}
    return {
        "kind": use.kind,
        "institution": use.institution,
        "programme": use.programme,
        "status": use.status,
        "rulebook": f"{use.decision.rulebook}@{use.decision.rulebook_version}",
        "rules_sha256": use.decision.rules_sha256,
    }
