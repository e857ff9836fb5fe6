"""Which certificates the invented learners hold, and how their numbers are made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Any, Final, Literal

from creditbank.demo.people import Learner, group_of, learner
from creditbank.demo.province import Body, Issuer, Province

FIRST_DAY: Final = date(2020, 7, 1)
DAYS: Final = 1_800
"""Certificates are issued from the summer of 2020 to that of 2025: at no time in the future."""

Use = Literal["exemption", "conversion"]
COHORT_EVERY: Final = 50
COHORT_UP_TO: Final = 2_000
"""Of the first learners one in fifty asks for exemption and one for conversion: enough to see, quick to load."""


def use_of(number: int) -> Use | None:
    """What the learner asks of a college."""
    if number < COHORT_UP_TO:
        match number % COHORT_EVERY:
            case 0:
                return "exemption"
            case 8:
                return "conversion"
    return None


def certificates(province: Province, learners: int) -> Iterator[tuple[int, Body]]:
    """The number of each learner with each of the certificates, as the issuer posts it."""
    for number in range(learners):
        person = learner(number)
        for body in _certificates_of(province, number, person):
            yield number, body


def x_certificate(issuer: Issuer, standard: Body, level: str, issued_on: date, serial: int, person: Learner) -> Body:
    """A 1+X certificate; its number is the organisation's own."""
    number = f"{standard['code']}{issued_on.year}{serial:07d}"
    return _posted(issuer, standard, level, number, issued_on, person)


def skill_certificate(
    issuer: Issuer, rank: int, issued_on: date, serial: int, person: Learner, number_says: int | None = None
) -> Body:
    """A skill level certificate with its number of 22 characters, where `number_says` another rank if it is forged."""
    standard = issuer.standards[0]
    level = standard["levels"][rank - 1]["level"]
    number = skill_number(issuer, 6 - (number_says or rank), issued_on, serial)
    return _posted(issuer, standard, level, number, issued_on, person)


def skill_number(issuer: Issuer, level: int, issued_on: date, serial: int) -> str:
    """S, filed with a province first (0000), Hubei (42), site, year, level 1 to 5 (5 is the lowest), serial."""
    return f"S000042{int(issuer.code[-2:]):06d}{issued_on:%y}{level}{serial:06d}"


def _certificates_of(province: Province, number: int, person: Learner) -> Iterator[Body]:
    dice = Random(f"certificates of {number}")
    match use_of(number):
        case "exemption":
            issuer = province.x_issuers[0]
            yield _at(
                province.schools[0], x_certificate(issuer, issuer.standards[0], "中级", _day(dice), number, person)
            )
        case "conversion":
            issuer = dice.choice(province.skill_issuers)
            yield skill_certificate(issuer, 1, _day(dice), number, person)
            yield skill_certificate(issuer, 2, _day(dice), number, person)
        case None:
            yield _some(province, dice, number, person)


def _some(province: Province, dice: Random, number: int, person: Learner) -> Body:
    if group_of(number) == "student" or dice.random() < 0.3:
        issuer = dice.choice(province.x_issuers)
        standard = dice.choice(issuer.standards)
        level = dice.choices(["初级", "中级", "高级"], [45, 45, 10])[0]
        body = x_certificate(issuer, standard, level, _day(dice), number, person)
    else:
        body = skill_certificate(
            dice.choice(province.skill_issuers), dice.choice([1, 2, 3]), _day(dice), number, person
        )
    return _at(dice.choice(province.schools), body) if person.group == "student" else body


def _at(school: Body, body: Body) -> Body:
    return {**body, "site": school["code"]}


def _day(dice: Random) -> date:
    return FIRST_DAY + timedelta(days=dice.randrange(DAYS))


def _posted(issuer: Issuer, standard: Body, level: str, number: str, issued_on: date, person: Learner) -> Body:
    body: dict[str, Any] = {
        "issuer": issuer.code,
        "number": number,
        "standard": standard["code"],
        "level": level,
        "issued_on": issued_on.isoformat(),
        "holder": person.holder(),
        "learner_group": person.group,
        "subsidised": person.group != "student",
    }
    return body
