"""Hubei's plan of 2020 as a catalogue: 220 schools, 73 evaluation organisations, what they certify and since when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any, Final

from creditbank import rulebooks
from creditbank.demo.sources import source

SCHOOLS: Final = 220
ORGANISATIONS: Final = 73
REGION: Final = "HB"
AUDITOR: Final = "HB-AUDIT"
RULES_FROM: Final = "2020-01-01"

Body = dict[str, Any]
"""A request of the bank, ready to be posted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """An evaluation organisation: how it is registered, which standards it examines, and since when."""

    registration: Body
    standards: tuple[Body, ...]
    since: str

    @property
    def code(self) -> str:
        return str(self.registration["code"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Province:
    """Everything that stands before the first learner comes."""

    schools: tuple[Body, ...]
    x_issuers: tuple[Issuer, ...]
    skill_issuers: tuple[Issuer, ...]
    colleges: tuple[Mapping[str, Any], ...]

    @property
    def issuers(self) -> tuple[Issuer, ...]:
        return self.x_issuers + self.skill_issuers

    @property
    def standards(self) -> list[Body]:
        """Each once: several organisations may examine the same one."""
        return list({body["code"]: body for issuer in self.issuers for body in issuer.standards}.values())


@cache
def province() -> Province:
    """The province, always the same."""
    colleges = tuple(source("colleges")["colleges"])
    x_issuers = tuple(_x_issuer(one) for one in source("organisations")["organisations"])
    return Province(
        schools=(*(_school(one["code"], one["name"]) for one in colleges), *_schools(SCHOOLS - len(colleges))),
        x_issuers=x_issuers,
        skill_issuers=tuple(_skill_issuer(number) for number in range(ORGANISATIONS - len(x_issuers))),
        colleges=colleges,
    )


def rules_of(college: Mapping[str, Any]) -> Body:
    """The college's by-law, as it is published: a rulebook that is shipped with the bank."""
    document = rulebooks.document(college["rulebook"])
    return {"title": document["title"], "rules": document["rules"], "effective_from": RULES_FROM}


def programmes_of(college: Mapping[str, Any]) -> Sequence[Body]:
    return [
        {**programme, "institution": college["code"], "rulebook": college["rulebook"]}
        for programme in college["programmes"]
    ]


def _schools(count: int) -> list[Body]:
    places = source("places")
    names = [f"{city}示例{kind}" for kind, city in product(places["schools"], places["cities"])]
    return [_school(f"HB-{number:03d}", name) for number, name in enumerate(names[:count], start=1)]


def _school(code: str, name: str) -> Body:
    return {"code": code, "name": name, "roles": ["institution"], "region": REGION}


def _x_issuer(one: Mapping[str, Any]) -> Issuer:
    organisations = source("organisations")
    registration = {"code": one["code"], "name": one["name"], "roles": ["issuer"], "aliases": one.get("aliases", [])}
    standards = tuple({"scheme": "1+X", "levels": organisations["levels"], **standard} for standard in one["standards"])
    since = organisations["accredited_from"][str(one["batch"])]
    return Issuer(registration=registration, standards=standards, since=since)


def _skill_issuer(number: int) -> Issuer:
    places = source("places")
    occupations, cities = places["occupations"], places["cities"]
    occupation = number % len(occupations)
    name = f"{cities[number % len(cities)]}示例{occupations[occupation]}评价中心"
    standard = {
        "code": f"SKILL-{occupation + 1:02d}",
        "title": occupations[occupation],
        "scheme": "职业技能等级",
        "kind": "vocational-cert",
        "levels": places["skill_levels"],
        "fields": {"occupation": occupations[occupation]},
    }
    registration = {
        "code": f"HB-EVAL-{number + 1:02d}",
        "name": name,
        "roles": ["issuer"],
        "region": REGION,
        "assessor_kind": "S",
    }
    return Issuer(registration=registration, standards=(standard,), since="2020-01-01")
