"""Reference data: what the catalogue makes of each event, and for which certificates an accreditation stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from creditbank.domain.catalogue import Accreditation, Catalogue, evolve
from creditbank.domain.events import AccreditationWithdrawn, RulebookVersionPublished
from tests.domain.facts import ACCREDITATION, ACCREDITED, CATALOGUE, ISSUER, PROGRAMME, STANDARD, catalogue_of

MARCH = date(2026, 3, 1)
WITHDRAWN = AccreditationWithdrawn(
    organisation="BIM-EVAL", accreditation_id=ACCREDITATION, effective_from=MARCH, reason="inspection"
)


@pytest.mark.parametrize(
    ("standard", "level", "on", "covered"),
    [
        ("BIM", "初级", date(2026, 1, 1), True),
        ("BIM", "中级", date(2026, 12, 31), True),
        ("BIM", "中级", date(2025, 12, 31), False),
        ("BIM", "中级", date(2027, 1, 1), False),
        ("BIM", "高级", MARCH, False),
        ("WEB", "中级", MARCH, False),
    ],
)
def test_an_accreditation_covers_its_standard_its_levels_and_both_ends_of_its_term(
    standard: str, level: str, on: date, covered: bool
) -> None:
    assert Accreditation(granted=ACCREDITED).covers(standard, level, on) is covered


def test_an_accreditation_without_an_end_goes_on() -> None:
    endless = Accreditation(granted=replace(ACCREDITED, valid_until=None))
    assert endless.covers("BIM", "中级", date(2099, 1, 1))


def test_a_withdrawal_counts_from_its_day_on_and_leaves_the_days_before() -> None:
    organisation = evolve(CATALOGUE, WITHDRAWN).organisations["BIM-EVAL"]
    assert organisation.accreditation("BIM", "中级", date(2026, 2, 28)) is not None
    assert organisation.accreditation("BIM", "中级", MARCH) is None


def test_a_second_accreditation_carries_on_where_the_first_was_withdrawn() -> None:
    second = replace(ACCREDITED, accreditation_id=UUID(int=2), valid_from=date(2026, 6, 1))
    organisation = catalogue_of(ISSUER, STANDARD, ACCREDITED, WITHDRAWN, second).organisations["BIM-EVAL"]
    found = organisation.accreditation("BIM", "中级", date(2026, 6, 1))
    assert found is not None
    assert found.granted == second
    assert organisation.accreditation("BIM", "中级", date(2026, 5, 31)) is None


def test_a_later_withdrawal_takes_the_place_of_the_earlier() -> None:
    further = replace(WITHDRAWN, effective_from=date(2026, 2, 1))
    organisation = catalogue_of(ISSUER, ACCREDITED, WITHDRAWN, further).organisations["BIM-EVAL"]
    assert organisation.accreditations[ACCREDITATION].withdrawn_from == date(2026, 2, 1)


def test_an_organisation_counts_its_versions() -> None:
    versions = [
        catalogue_of(*events).organisations["BIM-EVAL"].version
        for events in ((ISSUER,), (ISSUER, ACCREDITED), (ISSUER, ACCREDITED, WITHDRAWN))
    ]
    assert versions == [1, 2, 3]


def test_versions_of_a_rulebook_stand_in_the_order_of_their_publication() -> None:
    first = RulebookVersionPublished(
        rulebook="r", owner="college", number=1, effective_from=MARCH, rules={}, rules_sha256="0"
    )
    second = replace(first, number=2)
    assert catalogue_of(first, second).rulebooks == {"r": (first, second)}


def test_programmes_of_two_institutions_may_have_the_same_code() -> None:
    theirs = replace(PROGRAMME, institution="other college", credits=5)
    assert catalogue_of(PROGRAMME, theirs).programmes["other college", "construction"] == theirs
    assert catalogue_of(PROGRAMME, theirs).programmes["college", "construction"] == PROGRAMME


def test_evolve_leaves_the_catalogue_it_was_given_and_the_epoch_alone() -> None:
    before = Catalogue(epoch=7)
    after = evolve(before, STANDARD)
    assert (before.standards, after.standards, after.epoch) == ({}, {"BIM": STANDARD}, 7)
