"""Decisions about reference data: publish once, accredit, withdraw, and which rules decide on which day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from creditbank.domain import errors, organisations
from creditbank.domain.catalogue import Catalogue, evolve
from creditbank.domain.events import AccreditationWithdrawn, RulebookVersionPublished
from tests.domain.facts import ACCREDITATION, ACCREDITED, CATALOGUE, COLLEGE, ISSUER, PROGRAMME, STANDARD, catalogue_of

NOTHING = Catalogue()
PUBLISHED: list[tuple[Callable[[Catalogue, Any], Any], Any, Any, type[errors.BankError]]] = [
    (organisations.register, ISSUER, replace(ISSUER, name="Another"), errors.OrganisationExists),
    (organisations.publish_standard, STANDARD, replace(STANDARD, title="Another"), errors.StandardExists),
    (organisations.publish_programme, PROGRAMME, replace(PROGRAMME, credits=1), errors.ProgrammeExists),
]


@pytest.mark.parametrize(("publish", "wanted", "other", "refusal"), PUBLISHED)
def test_the_same_is_published_once_and_something_else_under_its_code_never(
    publish: Any, wanted: Any, other: Any, refusal: type[errors.BankError]
) -> None:
    assert publish(catalogue_of(COLLEGE), wanted) == wanted
    assert publish(CATALOGUE, wanted) is None
    with pytest.raises(refusal):
        publish(CATALOGUE, other)


def test_a_programme_belongs_to_an_institution_and_needs_no_rulebook_yet() -> None:
    assert organisations.publish_programme(catalogue_of(COLLEGE), replace(PROGRAMME, rulebook="later"))
    for catalogue in (NOTHING, catalogue_of(replace(COLLEGE, roles=("issuer",)))):
        with pytest.raises(errors.OrganisationUnknown):
            organisations.publish_programme(catalogue, PROGRAMME)


def test_an_organisation_that_is_not_there_is_not_found() -> None:
    with pytest.raises(errors.NotFound):
        organisations.organisation(NOTHING, "BIM-EVAL")


@pytest.mark.parametrize(
    ("catalogue", "changes", "refusal"),
    [
        (catalogue_of(STANDARD), {}, errors.NotFound),
        (catalogue_of(replace(ISSUER, roles=("institution",)), STANDARD), {}, errors.WrongState),
        (catalogue_of(ISSUER), {}, errors.StandardUnknown),
        (catalogue_of(ISSUER, STANDARD), {"levels": ("中级", "大师")}, errors.LevelUnknown),
        (catalogue_of(ISSUER, STANDARD), {}, None),
    ],
)
def test_an_issuer_is_accredited_for_levels_that_the_standard_has(
    catalogue: Catalogue, changes: Any, refusal: type[errors.BankError] | None
) -> None:
    wanted = replace(ACCREDITED, **changes)
    if refusal is None:
        assert organisations.accredit(catalogue, wanted) == wanted
        return
    with pytest.raises(refusal):
        organisations.accredit(catalogue, wanted)


def withdraw(catalogue: Catalogue, day: date, accreditation_id: UUID = ACCREDITATION) -> AccreditationWithdrawn:
    return organisations.withdraw(catalogue, "BIM-EVAL", accreditation_id, day, "inspection")


def test_a_second_withdrawal_may_only_reach_further_back() -> None:
    march = withdraw(CATALOGUE, date(2026, 3, 1))
    withdrawn = evolve(CATALOGUE, march)
    for day in (date(2026, 3, 1), date(2026, 4, 1)):
        with pytest.raises(errors.WrongState):
            withdraw(withdrawn, day)
    assert withdraw(withdrawn, date(2026, 2, 28)).effective_from == date(2026, 2, 28)


def test_what_was_never_accredited_cannot_be_withdrawn() -> None:
    with pytest.raises(errors.NotFound):
        withdraw(CATALOGUE, date(2026, 3, 1), UUID(int=0xBAD))
    with pytest.raises(errors.NotFound):
        organisations.withdraw(CATALOGUE, "nobody", ACCREDITATION, date(2026, 3, 1), "-")


# Suspension


def test_an_organisation_is_suspended_and_reinstated_in_turn() -> None:
    suspended = evolve(CATALOGUE, organisations.suspend(CATALOGUE, "BIM-EVAL", "audit"))
    assert (suspended.organisations["BIM-EVAL"].status, suspended.organisations["college"].status) == (
        "suspended",
        "active",
    )
    reinstated = evolve(suspended, organisations.reinstate(suspended, "BIM-EVAL", "passed"))
    assert reinstated.organisations["BIM-EVAL"].status == "active"
    assert reinstated.organisations["BIM-EVAL"].accreditations == CATALOGUE.organisations["BIM-EVAL"].accreditations
    with pytest.raises(errors.WrongState):
        organisations.suspend(suspended, "BIM-EVAL", "again")
    with pytest.raises(errors.WrongState):
        organisations.reinstate(CATALOGUE, "BIM-EVAL", "never suspended")


def test_what_is_not_registered_is_neither_suspended_nor_reinstated() -> None:
    for change in (organisations.suspend, organisations.reinstate):
        with pytest.raises(errors.NotFound):
            change(CATALOGUE, "nobody", "-")


# Rulebooks


def version(number: int, effective_from: date, owner: str = "college") -> RulebookVersionPublished:
    return RulebookVersionPublished(
        rulebook="exemptions",
        owner=owner,
        number=number,
        effective_from=effective_from,
        rules={},
        rules_sha256=str(number),
    )


JANUARY, JUNE = date(2026, 1, 1), date(2026, 6, 1)
TWO = catalogue_of(version(1, JANUARY), version(2, JUNE))


@pytest.mark.parametrize(("day", "number"), [(JANUARY, 1), (date(2026, 5, 31), 1), (JUNE, 2), (date(2030, 1, 1), 2)])
def test_the_version_that_was_in_effect_on_the_day_decides(day: date, number: int) -> None:
    assert organisations.rulebook_on(TWO, "exemptions", day).number == number


def test_before_the_first_version_and_under_another_name_there_is_no_rulebook() -> None:
    for name, day in (("exemptions", date(2025, 12, 31)), ("unheard of", JUNE)):
        with pytest.raises(errors.RulebookUnknown):
            organisations.rulebook_on(TWO, name, day)


def test_of_two_versions_of_one_day_the_later_decides() -> None:
    corrected = evolve(TWO, organisations.publish_rulebook(TWO, "college", version(3, JUNE)))
    assert organisations.rulebook_on(corrected, "exemptions", JUNE).number == 3


def test_a_version_cannot_take_effect_before_an_earlier_one() -> None:
    with pytest.raises(errors.Invalid) as refused:
        organisations.publish_rulebook(TWO, "college", version(3, date(2026, 5, 31)))
    assert [fault.pointer for fault in refused.value.faults] == ["/effective_from"]


def test_the_first_publisher_owns_a_rulebook() -> None:
    with pytest.raises(errors.Forbidden):
        organisations.publish_rulebook(TWO, "other college", version(3, JUNE, owner="other college"))
