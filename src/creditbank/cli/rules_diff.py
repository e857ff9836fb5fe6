"""`creditbank rules diff`: what changes from one rulebook to another, and for whom it would have changed something."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from creditbank.audit import what_if
from creditbank.audit.rule_changes import ClauseChange, changes
from creditbank.audit.what_if import Count, Difference, OtherAccount
from creditbank.cli import installation
from creditbank.cli.outcome import Failed, say
from creditbank.cli.progress import progress
from creditbank.cli.rules import read_document
from creditbank.domain import rules
from creditbank.domain.cases import CASE_FILE
from creditbank.domain.rules import CompiledRules
from creditbank.domain.values import credits_text
from creditbank.projections import catalogue

_OF_THE_BANK = re.compile(r"(?P<id>.+)@(?P<number>[0-9]{1,9})")
_FEW = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two rulebooks: what was named, its id where it has one, and its rules."""

    named: str
    id: str | None
    is_of_the_bank: bool
    rules: Mapping[str, Any]
    compiled: CompiledRules


def run(*, before: str, after: str, with_bank: bool, as_json: bool) -> None:
    """Print the changed clauses, then an account a line as they are found. Raises Failed for what cannot be read."""
    with _bank(with_bank or _names_the_bank(before) or _names_the_bank(after)) as engine:
        sides = [_side(named, engine) for named in (before, after)]
        found = list(changes(sides[0].rules, sides[1].rules))
        for change in found:
            _say(as_json, _change_document(change), _change_text(change))
        _say(as_json, {"changes": len(found)}, f"clauses: {len(found)} changed")
        if engine is not None:
            _say_accounts(engine, sides, as_json)


def _say_accounts(engine: Engine, sides: list[Side], as_json: bool) -> None:
    rulebook = _decided_by(sides)
    count, changed = Count(), 0
    with progress("deciding anew") as advanced:
        for account in what_if.accounts_changed(engine, rulebook, sides[1].compiled, count, advanced):
            changed += 1
            _say(as_json, _account_document(account), _account_text(account))
    summary = {"rulebook": rulebook, "decisions": count.decisions, "accounts_changed": changed}
    _say(as_json, summary, f"accounts: {changed} would change, {count.decisions} decisions of {rulebook} read")


def _say(as_json: bool, document: Mapping[str, Any], line: str) -> None:
    """One line, at once: nothing is collected."""
    say(json.dumps(document, ensure_ascii=False) if as_json else line)


def _names_the_bank(named: str) -> bool:
    return not Path(named).exists() and _OF_THE_BANK.fullmatch(named) is not None


@contextmanager
def _bank(is_needed: bool) -> Iterator[Engine | None]:
    if not is_needed:
        yield None
        return
    with installation.migrated(installation.settings()) as engine:
        yield engine


def _side(named: str, engine: Engine | None) -> Side:
    if engine is not None and _names_the_bank(named):
        return _published(named, engine)
    document = read_document(Path(named))
    if isinstance(document, Mapping) and document.get("format") == CASE_FILE:
        raise Failed(f"{named} holds several rulebooks: name a file with one")
    compiled = _compiled(named, document)
    name = document.get("id") if "rules" in document else None
    return Side(named=named, id=name, is_of_the_bank=False, rules=document.get("rules", document), compiled=compiled)


def _published(named: str, engine: Engine) -> Side:
    parts = _OF_THE_BANK.fullmatch(named)
    assert parts is not None  # that is how it was told from a file
    with engine.connect() as connection, connection.begin():
        versions = catalogue.read(connection).rulebooks.get(parts["id"], ())
    for version in versions:
        if version.number == int(parts["number"]):
            compiled = _compiled(named, version.rules)
            return Side(named=named, id=parts["id"], is_of_the_bank=True, rules=version.rules, compiled=compiled)
    known = ", ".join(str(version.number) for version in versions)
    raise Failed(f"{named} is neither a file nor in the bank{f', which has the versions {known}' if known else ''}")


def _compiled(named: str, document: Any) -> CompiledRules:
    try:
        return rules.compile(document)
    except rules.InvalidRulebook as error:
        first = error.faults[0]
        raise Failed(f"{named} cannot be used: {first.pointer or 'the document'} {first.detail}") from None


def _decided_by(sides: list[Side]) -> str:
    """The id of the rulebook whose decisions are asked about: the one that the bank has, else the files' own."""
    named = [side.id for side in sides if side.is_of_the_bank] + [side.id for side in sides]
    found = next((name for name in named if name), None)
    if found is None:
        raise Failed("neither of the two files says which rulebook it is: give it an id, or name ID@VERSION")
    return found


def _change_document(change: ClauseChange) -> dict[str, Any]:
    return {"change": change.kind, **{name: value for name, value in asdict(change).items() if name != "kind"}}


def _change_text(change: ClauseChange) -> str:
    match change.kind:
        case "added":
            return f"ADDED   {change.pointer_after}  {_brief(change.after)}"
        case "removed":
            return f"REMOVED {change.pointer_before}  {_brief(change.before)}"
        case "changed":
            moved = "" if change.pointer_before == change.pointer_after else f" -> {change.pointer_after}"
            before, after = _differing(change.before, change.after)
            return f"CHANGED {change.pointer_before}{moved}  {_brief(before)} -> {_brief(after)}"


def _differing(before: Any, after: Any) -> tuple[Any, Any]:
    """Of two objects only the members that differ."""
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        return before, after
    names = [name for name in dict.fromkeys([*before, *after]) if before.get(name) != after.get(name)]
    return (
        {name: before[name] for name in names if name in before},
        {name: after[name] for name in names if name in after},
    )


def _brief(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _account_document(account: OtherAccount) -> dict[str, Any]:
    return {
        "account_id": str(account.account_id),
        "before": credits_text(account.before),
        "after": credits_text(account.after),
        "uses": [
            {
                "use_id": str(use.use_id),
                "kind": use.kind,
                "institution": use.institution,
                "programme": use.programme,
                "version": use.version,
                "grants": [_difference_document(one) for one in use.differences],
            }
            for use in account.uses
        ],
    }


def _difference_document(one: Difference) -> dict[str, Any]:
    return {
        "certificate_ids": [str(certificate_id) for certificate_id in one.certificate_ids],
        "target": one.target,
        "before": credits_text(one.before),
        "after": credits_text(one.after),
        "reason": one.reason,
        "clause": one.clause,
    }


def _account_text(account: OtherAccount) -> str:
    differences = [one for use in account.uses for one in use.differences]
    told = "; ".join(_difference_text(one) for one in differences[:_FEW])
    more = f"; and {len(differences) - _FEW} more" if len(differences) > _FEW else ""
    return f"{account.account_id}  {credits_text(account.before)} -> {credits_text(account.after)}  {told}{more}"


def _difference_text(one: Difference) -> str:
    named = one.target or one.certificate_ids[0]
    why = f" {one.reason} {one.clause}" if one.reason else ""
    return f"{named} {credits_text(one.before)} -> {credits_text(one.after)}{why}"
