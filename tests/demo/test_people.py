"""Invented learners: valid identity numbers that belong to nobody, each only once, and names that lists lose."""

from __future__ import annotations

import re
from datetime import date

from creditbank.demo.people import MOST, identity_number, learner
from creditbank.demo.story import cast
from creditbank.domain import identifiers

CAST = ("xiaoming", "yi", "ayguli", "wei", "yan")


def test_identity_numbers_are_valid_and_of_no_place() -> None:
    people = [*(learner(number) for number in range(3_000)), learner(MOST - 1), *(cast(name) for name in CAST)]
    for person in people:
        assert identifiers.normalise("CN-RIC", person.identity_number) == person.identity_number
        assert person.identity_number.startswith("990000")


def test_the_check_sign_is_that_of_the_standard() -> None:
    assert identity_number(date(1990, 1, 1), 1) == "990000199001010017"
    assert identity_number(date(2000, 2, 29), 2) == "990000200002290028"
    assert identity_number(date(1985, 12, 31), 123) == "990000198512311239"


def test_no_two_learners_have_the_same_number() -> None:
    # All days of both spans come round several times: where the serials do not move on, numbers repeat.
    numbers = [learner(number).identity_number for number in range(24_000)]
    numbers += [learner(number).identity_number for number in range(MOST - 1_000, MOST)]
    numbers += [cast(name).identity_number for name in CAST]
    assert len(set(numbers)) == len(numbers)


def test_there_are_three_groups_of_learners() -> None:
    assert {learner(number).group for number in range(10)} == {"student", "rural", "unemployed"}


def test_names_hold_rare_characters_and_middle_dots() -> None:
    names = "".join(learner(number).name for number in range(2_000))
    assert set("𬱖韡𬍛䶮㛃𬭎") <= set(names)
    assert any(re.fullmatch(r"\w+·\w+", learner(number).name) for number in range(100))


def test_a_number_gives_the_same_person_every_time() -> None:
    assert learner(1_234) == learner(1_234)
