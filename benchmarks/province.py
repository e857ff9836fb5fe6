"""A province, the same in every run: learners with a certificate each, the organisations that issue, the schools.

Names and codes are made up; identity numbers are those of `people`, of an area that does not exist.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks import people
from benchmarks.bank import Bank

ORGANISATIONS = 73
SCHOOLS = 220
ADVISED = 10  # schools that have a programme
RULES = {"sources": [{"match": {"o.kind": "x-cert"}, "value": {"target": True}}]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Province:
    """The learners `0..learners`, and who has a key to the bank: organisations and schools by their code."""

    learners: int
    issuers: dict[str, str]
    schools: dict[str, str]

    def files(self, most: int) -> Iterator[tuple[str, range]]:
        """What the organisations send: each its own learners, at most so many at once; in turn, one file each."""
        codes = list(self.issuers)
        each = -(-self.learners // len(codes))
        for first in range(0, each, most):
            for number, code in enumerate(codes):
                start = number * each + first
                stop = min(start + most, (number + 1) * each, self.learners)
                if start < stop:
                    yield code, range(start, stop)

    def awards(self, issuer: str, learners: range) -> list[dict[str, Any]]:
        return [people.award(index) | {"issuer": issuer, "standard": _standard(issuer)} for index in learners]

    def school_of(self, learner: int) -> str:
        """A school that has a programme."""
        return _school(learner % ADVISED)


def founded(bank: Bank, authority: str, learners: int) -> Province:
    """Register everybody and publish what they work with."""
    issuers = {code: _organisation(bank, authority, code, "issuer") for code in map(_issuer, range(ORGANISATIONS))}
    schools = {code: _organisation(bank, authority, code, "institution") for code in map(_school, range(SCHOOLS))}
    for code in issuers:
        _accredit(bank, authority, code)
    for code in map(_school, range(ADVISED)):
        _programme(bank, schools[code], code)
    return Province(learners=learners, issuers=issuers, schools=schools)


def _issuer(number: int) -> str:
    return f"EVAL-{number + 1:02}"


def _school(number: int) -> str:
    return f"SCHOOL-{number + 1:03}"


def _standard(issuer: str) -> str:
    return f"STANDARD-{issuer}"


def _organisation(bank: Bank, authority: str, code: str, role: str) -> str:
    name = f"{'评价组织' if role == 'issuer' else '职业学院'}{code}"
    organisation = {"code": code, "name": name, "roles": [role], "uscc": None, "region": "HB", "aliases": []}
    bank.post("/v1/organisations", authority, organisation)
    key: str = bank.post(f"/v1/organisations/{code}/keys", authority, {"role": role, "expires_at": None})["key"]
    return key


def _accredit(bank: Bank, authority: str, issuer: str) -> None:
    levels = [{"level": people.LEVEL, "rank": 2, "credits": people.CREDITS}]
    standard = {"code": _standard(issuer), "title": _standard(issuer), "scheme": "1+X", "aliases": [], "levels": levels}
    bank.post("/v1/standards", authority, standard)
    accreditation = {"standard": _standard(issuer), "levels": [people.LEVEL], "valid_from": "2019-04-01"}
    bank.post(f"/v1/organisations/{issuer}/accreditations", authority, accreditation | {"valid_until": None})


def _programme(bank: Bank, key: str, school: str) -> None:
    rulebook = f"rules-{school.lower()}"
    bank.post(f"/v1/rulebooks/{rulebook}/versions", key, {"rules": RULES, "effective_from": "2020-01-01"})
    courses = [{"code": "C1", "name": "建模", "credits": "4", "type": "core"}]
    programme = {"code": "P-2026", "name": "建筑工程技术", "credits": "140", "rulebook": rulebook, "courses": courses}
    bank.post("/v1/programmes", key, {"institution": school, **programme})
