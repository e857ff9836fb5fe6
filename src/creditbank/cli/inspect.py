"""`creditbank inspect`: a double-random inspection, drawn by lot from a public seed, checked, and written to print."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from creditbank.audit import checking, population
from creditbank.audit.inspection import Drawn, Inspected, Inspection, Inspector, Order, draw
from creditbank.audit.population import Frozen, Kind, Unfrozen
from creditbank.audit.transparency import notes
from creditbank.audit.transparency.encoding import Malformed
from creditbank.audit.transparency.shelf import KEYS, Shelf
from creditbank.cli import installation
from creditbank.cli.outcome import INTEGRITY, Failed, say, say_json
from creditbank.domain.draws import FORMAT, Amount, TooFew
from creditbank.ledger.database import snapshot
from creditbank.publication import open_prover, shelf
from creditbank.web import inspections


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options of the command. `amounts` are as they were written, by what is drawn."""

    announced: str
    inspectors: Path
    each: int
    amounts: Mapping[Kind, tuple[str, Amount]]
    stratified: bool
    seed: str | None
    checkpoint: int | None
    known_at: datetime | None


def run(asked: Asked, *, report: Path | None, lists: Path | None, as_json: bool) -> None:
    """Draw, check and report. Raises Failed where it cannot be drawn, and where something does not hold."""
    chosen = installation.settings()
    listed = _inspectors(asked.inspectors)
    with installation.migrated(chosen) as engine:
        published = shelf(chosen)
        keys = notes.verifier_keys(published.text(KEYS) or "")
        with snapshot(engine) as connection:
            try:
                frozen = _frozen(connection, asked, published)
                order = _order(asked, frozen, listed)
                drawn = draw(connection, order, frozen)
                prover = open_prover(chosen, engine)
                inspection = Inspection(connection=connection, frozen=frozen, prover=prover, keys=keys)
                items = list(inspection.inspected(order, drawn))
            except (TooFew, Unfrozen) as error:
                raise Failed(str(error)) from None
    told = _report(asked, order, frozen, drawn, items)
    if report is not None:
        _write(report, inspections.page(told))
    if lists is not None:
        lists.mkdir(parents=True, exist_ok=True)
        for kind, found in drawn.populations.items():
            _write(lists / f"{kind}.txt", "".join(f"{one}\n" for one in sorted(found.members)))
    _say(told, as_json)


def _say(told: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        say_json(told)
    else:
        for item in told["items"]:
            by = ", ".join(item["inspectors"])
            say(f"{item['kind']:13}  {item['id']:36}  {'FAULT' if item['faults'] else 'holds'}  {by}")
    if told["wrong"]:
        raise Failed(f"{told['wrong']} of {len(told['items'])} that were drawn do not hold", INTEGRITY)


def _inspectors(file: Path) -> list[Inspector]:
    """Those of a CSV file with the columns `name` and `organisation`, a line for each organisation of somebody."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError) as error:
        raise Failed(f"{file} cannot be read: {error}") from None
    found: dict[str, set[str]] = {}
    for number, row in enumerate(rows, start=2):
        name, organisation = (row.get("name") or "").strip(), (row.get("organisation") or "").strip()
        if not name:
            raise Failed(f"line {number} of {file} names nobody: it wants the columns name and organisation")
        found.setdefault(name, set()).update([organisation] if organisation else [])
    return [Inspector(name, frozenset(organisations)) for name, organisations in sorted(found.items())]


def _frozen(connection: Connection, asked: Asked, published: Shelf) -> Frozen:
    """Where the population stood: at a moment, at a checkpoint, or at the one that is published. Raises Unfrozen."""
    if asked.known_at is not None:
        moment = round(asked.known_at.timestamp() * 1_000_000)
        return population.at_moment(connection, moment, asked.known_at.isoformat())
    if asked.checkpoint is not None:
        return population.at_checkpoint(connection, asked.checkpoint)
    note = published.checkpoint()
    if note is None:
        raise Unfrozen("nothing is published that could freeze the population: name a moment with --known-at")
    try:
        return population.at_checkpoint(connection, checking.head_of(note).size)
    except Malformed as error:
        raise Unfrozen(f"the published checkpoint cannot be read: {error}") from None


def _order(asked: Asked, frozen: Frozen, listed: Sequence[Inspector]) -> Order:
    """Raises Unfrozen where there is no public value."""
    public = asked.seed or frozen.root
    if public is None:
        raise Unfrozen("a moment has no root hash to draw by: name a public value with --seed")
    amounts = {kind: amount for kind, (_, amount) in asked.amounts.items()}
    return Order(
        announced=asked.announced,
        public=public,
        amounts=amounts,
        inspectors=listed,
        each=asked.each,
        stratified=asked.stratified,
    )


def _report(asked: Asked, order: Order, frozen: Frozen, drawn: Drawn, items: Sequence[Inspected]) -> dict[str, Any]:
    names = "".join(f"{one.name}\t{','.join(sorted(one.organisations))}\n" for one in order.inspectors)
    return {
        "algorithm": FORMAT,
        "announced": order.announced,
        "public": order.public,
        "seed": order.seed.hex(),
        "frozen": frozen.by,
        "stratified": order.stratified,
        "inspectors": [one.name for one in order.inspectors],
        "inspectors_sha256": sha256(names.encode()).hexdigest(),
        "each": order.each,
        "populations": [
            {
                "kind": kind,
                "amount": asked.amounts[kind][0],
                "size": len(found.members),
                "drawn": len(drawn.members[kind]),
                "sha256": found.fingerprint,
            }
            for kind, found in drawn.populations.items()
        ],
        "items": [_item(one) for one in items],
        "wrong": sum(bool(one.faults) for one in items),
    }


def _item(one: Inspected) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "id": one.member.member_id,
        "account": str(one.member.stream_id) if one.kind == "decisions" else None,
        "stratum": one.member.stratum,
        "inspectors": list(one.inspectors),
        "events": one.events,
        "certificates": one.certificates,
        "uses": one.uses,
        "decision": dict(one.decision),
        "proven": one.proven,
        "complete_to": one.complete_to,
        "faults": list(one.faults),
    }


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise Failed(f"{file} cannot be written: {error.strerror}") from None
