"""What if other rules had decided: for which accounts, for which of their grants, and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from creditbank.audit import what_if
from creditbank.audit.what_if import Count, OtherAccount
from creditbank.commands import catalogue, uses
from creditbank.commands.accounts import LookUp, Merge
from creditbank.commands.desk import Desk
from creditbank.domain import rules
from tests.commands.bank import NOW, RULES, award, bank_on, body, furnish, holder, open_desk, tell
from tests.domain.facts import TODAY, certificate, wish

NO_TWO = {
    "id": "each",
    "measure": "credits",
    "limit": 4,
    "per": ["outcome"],
    "over": "drop",
    "reason": "CAP_PER_OUTCOME",
}


@pytest.fixture
def desk(engine: Engine) -> Iterator[Desk]:
    with open_desk(bank_on(engine)) as desk:
        furnish(desk)
        yield desk


def learner(desk: Desk, name: str, *numbers: str, **changes: Any) -> UUID:
    """A learner with certificates of 6 credits, whom the college looked up."""
    who = holder(name)
    account_id = UUID(body(tell(desk, award(numbers[0], who, **changes)))["account_id"])
    for number in numbers[1:]:
        tell(desk, award(number, who, **changes))
    tell(desk, LookUp(holder=who, institution="college"))
    return account_id


def use(desk: Desk, account_id: UUID, *wishes: Any, expires_at: int | None = None) -> UUID:
    kind = "exemption" if wishes[0].target else "conversion"
    answer = body(
        tell(
            desk,
            uses.Use(
                kind=kind,
                account_id=account_id,
                institution="college",
                programme=("college", "construction"),
                applied_on=TODAY,
                wishes=wishes,
                mode="partial",
                explain=lambda _: "",
                expires_at=expires_at,
            ),
        )
    )
    return UUID(answer["reservation_id" if expires_at else f"{kind}_id"])


def changed(engine: Engine, changes: dict[str, Any], rulebook: str = "exemptions") -> list[OtherAccount]:
    compiled = rules.compile({**RULES, **changes})
    return list(what_if.accounts_changed(engine, rulebook, compiled, Count()))


def differences(account: OtherAccount) -> list[tuple[Any, ...]]:
    """Course, credits before and after, and why, of every grant that would change."""
    return [
        (one.target, one.before // 10_000, one.after // 10_000, one.reason, one.clause)
        for use in account.uses
        for one in use.differences
    ]


def test_under_the_same_rules_nothing_would_change(engine: Engine, desk: Desk) -> None:
    account_id = learner(desk, "a", "N1", "N2")
    use(desk, account_id, wish("N1", target="CAD"), wish("N1", target="BIM1"))
    use(desk, account_id, wish("N2"))
    count = Count()
    found = list(what_if.accounts_changed(engine, "exemptions", rules.compile(RULES), count))
    assert (found, count.accounts, count.decisions) == ([], 1, 2)


def test_a_grant_that_would_be_lost_is_named_with_reason_and_clause(engine: Engine, desk: Desk) -> None:
    account_id, other = learner(desk, "a", "N1"), learner(desk, "b", "N2")
    exemption = use(desk, account_id, wish("N1", target="CAD"), wish("N1", target="BIM1"))
    use(desk, other, wish("N2", target="CAD"))

    (found,) = changed(engine, {"caps": [NO_TWO]})

    assert (found.account_id, found.before, found.after) == (account_id, 60_000, 40_000)
    assert differences(found) == [("BIM1", 2, 0, "CAP_PER_OUTCOME", "/caps/0")]
    (touched,) = found.uses
    assert (touched.use_id, touched.kind, touched.programme, touched.version) == (
        exemption,
        "exemption",
        "construction",
        1,
    )


def test_a_grant_that_would_be_more_or_new_is_named_too(engine: Engine, desk: Desk) -> None:
    account_id = learner(desk, "a", "N1")
    use(desk, account_id, wish("N1", share="half"))
    half = {"sources": [{"match": {"r.target": {"absent": True}}, "value": {"ratio": [1, 2]}}]}
    (less,) = changed(engine, half)
    assert differences(less) == [(None, 6, 3, None, None)]
    (more,) = changed(engine, {"sources": [{"value": {"fixed": 8}}]})
    assert (more.before, more.after, differences(more)) == (60_000, 80_000, [(None, 6, 8, None, None)])


def test_what_the_old_rules_refused_and_the_new_ones_grant_is_named(engine: Engine, desk: Desk) -> None:
    account_id = learner(desk, "a", "N1", "N2")
    tell(desk, _once())
    use(desk, account_id, wish("N1", target="CAD"), wish("N2", target="CAD"))
    (found,) = changed(engine, {})
    assert differences(found) == [("CAD", 0, 4, None, None)]


def _once() -> catalogue.PublishRulebook:
    return catalogue.PublishRulebook(
        rulebook="exemptions",
        owner="college",
        title=None,
        rules={**RULES, "once": [{"scope": "target", "reason": "COURSE_ALREADY_SATISFIED"}]},
        cases=(),
        effective_from=date(2026, 1, 1),
    )


@pytest.mark.parametrize(
    "match",
    [
        {"o.level": "高级"},
        {"o.rank": {"ge": 3}},
        {"o.hours": {"ge": 100}},
        {"t.type": "project"},
        {"p.institution": "other"},
        {"g.applied_on": {"from": "2027-01-01"}},
    ],
)
def test_fields_that_the_old_rules_never_read_are_as_the_bank_knows_them(
    engine: Engine, desk: Desk, match: dict[str, Any]
) -> None:
    account_id = learner(desk, "a", "N1")
    use(desk, account_id, wish("N1", target="CAD"))
    reads = {"exclude": [{"match": match, "reason": "TARGET_NOT_EXEMPTIBLE"}]}
    assert changed(engine, reads) == []
    turned = {"require": [{"match": match, "reason": "TARGET_NOT_EXEMPTIBLE"}]}
    assert differences(changed(engine, turned)[0]) == [("CAD", 4, 0, "TARGET_NOT_EXEMPTIBLE", "/require/0")]


def test_earlier_grants_count_under_ceilings_that_the_old_rules_did_not_have(engine: Engine, desk: Desk) -> None:
    account_id = learner(desk, "a", "N1", "N2")
    use(desk, account_id, wish("N1", target="CAD"))
    use(desk, account_id, wish("N2", target="BIM1"))
    cap = {"id": "all", "measure": "credits", "limit": 5, "over": "drop", "reason": "CAP_PROGRAMME_TOTAL"}
    (found,) = changed(engine, {"caps": [cap]})
    assert differences(found) == [("BIM1", 2, 0, "CAP_PROGRAMME_TOTAL", "/caps/0")]


def test_what_no_longer_stands_and_what_another_rulebook_decided_would_not_change(engine: Engine, desk: Desk) -> None:
    account_id = learner(desk, "a", "N1", "N2")
    reversed_use = use(desk, account_id, wish("N1"))
    tell(desk, uses.reversal("conversion", reversed_use, "college", "-", None))
    assert changed(engine, {"sources": []}) == []
    use(desk, account_id, wish("N2"))
    assert changed(engine, {"sources": []}, rulebook="other") == []
    assert len(changed(engine, {"sources": []})) == 1


def test_an_open_reservation_would_change_and_is_not_counted_twice_when_it_is_confirmed(
    engine: Engine, desk: Desk
) -> None:
    account_id = learner(desk, "a", "N1")
    reservation = use(desk, account_id, wish("N1"), expires_at=NOW + 1_000_000)
    (found,) = changed(engine, {"sources": []})
    assert ([one.kind for one in found.uses], found.before) == (["reservation"], 60_000)
    tell(desk, uses.confirmation(reservation, "college", None))
    (found,) = changed(engine, {"sources": []})
    assert ([one.kind for one in found.uses], found.before) == (["conversion"], 60_000)


def test_what_came_with_a_merge_is_found_at_the_survivor(engine: Engine, desk: Desk) -> None:
    survivor, merged = learner(desk, "a", "N1"), learner(desk, "b", "N2")
    use(desk, merged, wish("N2", target="CAD"))
    tell(desk, Merge(account_id=survivor, merged=merged, reason="-", if_match=None))
    (found,) = changed(engine, {"sources": []})
    assert (found.account_id, differences(found)) == (survivor, [("CAD", 4, 0, "NO_RULE", "/sources")])
    assert found.uses[0].differences[0].certificate_ids == (certificate("N2"),)


def test_accounts_come_one_after_the_other_with_the_progress(
    engine: Engine, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(what_if, "PAGE", 2)
    accounts = [learner(desk, f"person {number}", f"N{number}") for number in range(5)]
    for number, account_id in enumerate(accounts):
        use(desk, account_id, wish(f"N{number}"))
    told: list[tuple[int, int]] = []
    compiled = rules.compile({"sources": []})
    found = what_if.accounts_changed(engine, "exemptions", compiled, Count(), lambda *done: told.append(done))
    assert next(found).account_id == min(accounts)
    assert told == []
    assert [one.account_id for one in found] == sorted(accounts)[1:]
    assert told == [(2, 5), (4, 5), (5, 5)]
