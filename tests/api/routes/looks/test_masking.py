"""Auditors see everything and nobody: no answer of theirs names a person in clear, whoever might approve that."""

from __future__ import annotations

from typing import Any

import pytest

from creditbank.api.access import MATRIX
from tests.api.bank import ReadyBank, on_one_database, person
from tests.api.routes.access.calls import CALLS
from tests.api.routes.access.world import Case, World, made
from tests.api.routes.looks.test_routes import ROUTES

NAME, NUMBER, BORN = "欧阳无名氏", "HB-SECRET-77001", "2001-02-03"
STUDENT, WORDS, OFFICER = "STUDENT-88002-2026", "我自己的话", "OFFICER-99003-2026"
OF_AUDITORS = [
    route for route, operation in ROUTES.items() if operation and "auditor" in MATRIX[operation] and "GET " in route
]


@pytest.fixture(scope="module")
def world(bank: ReadyBank) -> World:
    return World(bank=bank, prefix="MASK")


@pytest.fixture(scope="module")
def case(world: World) -> Case:
    """A learner of whom everything is known that can be known, by names that are found again."""
    holder = {**person(NAME), "birth_date": BORN}
    holder["document"] = {"type": "LOCAL", "number": NUMBER}
    found = Case(side=world.own, holder=holder)
    found.awarded = found.award(level="高级", external_id=STUDENT, fields={"hours": 40})
    account = f"/v1/accounts/{found.account_id}"
    correction = {"holder": {"name": f"{NAME}二"}, "cause": "change", "reason": "x"}
    made(world.bank.authority.post(f"{account}/correction", correction))
    consent = {"institution": world.own.institution_code, "purpose": WORDS, "until": "2027-01-01"}
    made(found.learner.post(f"{account}/consents", consent))
    share = {"what": "balance", "purpose": WORDS, "expires_at": "2026-12-01T00:00:00Z"}
    made(found.learner.post(f"{account}/shares", share))
    made(found.learner.post(f"{account}/requests", {"kind": "correction", "text": WORDS}))
    made(world.bank.authority.get(account, headers={"Creditbank-On-Behalf-Of": OFFICER}))
    assert found.exemption_id
    return found


def _names(answer: Any) -> list[str]:
    text = answer.text
    return [one for one in (NAME, NAME[:3], NUMBER, BORN, STUDENT, WORDS, OFFICER) if one in text]


@on_one_database
@pytest.mark.parametrize("route", OF_AUDITORS)
def test_an_auditor_reads_nobody_in_clear(world: World, case: Case, route: str) -> None:
    answer = CALLS[route](case, world.own, "auditor").by(world.caller("auditor"), route)

    # A proof carries its record as it is: of what is masked there is none.
    assert answer.status_code == (403 if route.endswith("/proof") else 200)
    assert _names(answer) == []


@on_one_database
def test_the_feed_names_nobody_to_an_auditor(world: World, case: Case) -> None:
    answer = world.caller("auditor").get("/v1/events", headers={"Accept": "application/x-ndjson"})

    assert case.account_id in answer.text
    assert _names(answer) == []


@on_one_database
def test_what_is_masked_is_there(world: World, case: Case) -> None:
    """Otherwise the tests above would find nothing because there is nothing."""
    account = f"/v1/accounts/{case.account_id}"
    auditor = world.caller("auditor")

    assert auditor.get(account).json()["holder"]["name"] == "欧*****"
    certificate = auditor.get(f"/v1/certificates/{case.certificate_id}").json()
    assert certificate["external_id"] == "STUD**********2026"
    history = auditor.get(f"{account}/events").json()["items"]
    [awarded] = [one["data"] for one in history if one["data"].get("certificate_id") == case.certificate_id][:1]
    assert awarded["particulars"]["external_id"] == "STUD**********2026"
    export = auditor.get(f"{account}/export")
    assert "OFFI**********2026" in export.text
    assert {NAME[:3], NUMBER, STUDENT, WORDS, OFFICER} == {
        one for one in (NAME[:3], NUMBER, STUDENT, WORDS, OFFICER) if one in case.learner.get(f"{account}/export").text
    }
