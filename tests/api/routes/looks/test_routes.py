"""Every route that shows personal data x every role: each look leaves exactly the record that it should.

A route that is new is in none of the tables here, and fails until somebody says what it shows.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from creditbank.api.access import MATRIX, Operation
from creditbank.api.body import gates
from creditbank.api.declarations import declared
from creditbank.api.looks import USUAL, Looking
from creditbank.app import create_app
from creditbank.ledger.accesses import WHOLE_BANK, Look
from creditbank.settings import Settings
from tests.api.bank import ReadyBank, certificate
from tests.api.conformance import description
from tests.api.routes.access.calls import CALLS, Call
from tests.api.routes.access.contract import ROLES
from tests.api.routes.access.world import Case, World
from tests.api.routes.looks.records import looks_at

SHOWN = {
    "GET /v1/accounts/{account_id}": "status holder_masked",
    "GET /v1/accounts/{account_id}/balance": "balance",
    "GET /v1/accounts/{account_id}/transcript": "transcript",
    "GET /v1/accounts/{account_id}/events": "history",
    "GET /v1/events/{position}/proof": "history",
    "GET /v1/accounts/{account_id}/export": "export",
    "GET /v1/accounts/{account_id}/accesses": "accesses",
    "GET /v1/accounts/{account_id}/consents": "consents",
    "GET /v1/accounts/{account_id}/shares": "shares",
    "GET /v1/accounts/{account_id}/requests": "requests",
    "GET /v1/requests": "requests",
    "GET /v1/events": "feed",
    "GET /v1/certificates": "certificate",
    "GET /v1/certificates/{certificate_id}": "certificate",
    "GET /v1/exemptions/{exemption_id}": "exemption",
    "GET /v1/conversions/{conversion_id}": "conversion",
    "GET /v1/reservations/{reservation_id}": "reservation",
    "POST /v1/eligibility": "eligibility",
    "POST /v1/award-checks": "award_check",
    "POST /v1/accounts": "account_id status",
    "POST /v1/accounts:batch": "account_id",
    "POST /v1/accounts/lookup": "account_id",
    "POST /v1/certificates:batch": "account_id",
    "POST /v1/exemptions": "eligibility",
    "POST /v1/conversions": "eligibility",
    "POST /v1/reservations": "eligibility",
}
"""Which kinds of personal data a route shows."""

ABOUT_NO_LEARNER = {
    "GET /v1/organisations",
    "GET /v1/organisations/{code}",
    "GET /v1/organisations/{code}/accreditations",
    "GET /v1/organisations/{code}/clients",
    "GET /v1/organisations/{code}/keys",
    "GET /v1/organisations/{code}/retention",
    "GET /v1/jobs/{job_id}",
    "GET /v1/standards",
    "GET /v1/standards/{code}",
    "GET /v1/programmes",
    "GET /v1/programmes/{institution}/{code}",
    "GET /v1/rulebooks/{rulebook}",
    "GET /v1/rulebooks/{rulebook}/versions/{number}",
    "POST /v1/rulebooks:evaluate",
    # An import names accounts by their ids; what else its file said goes back to its sender alone.
    "GET /v1/imports",
    "GET /v1/imports/{import_id}",
    "GET /v1/imports/{import_id}/preview",
    "GET /v1/imports/{import_id}/events",
    "GET /v1/imports/{import_id}/results",
    "GET /v1/imports/{import_id}/result-file",
    "GET /v1/imports/{import_id}/error-file",
    "GET /v1/import-templates/csv",
    "GET /v1/import-templates/xlsx",
    "GET /v1/import-mappings",
    "GET /v1/import-mappings/{mapping_id}",
    # Who works for the bank and its organisations, and the sessions of the one who asks.
    "GET /v1/members",
    "GET /v1/session",
    "GET /v1/sessions",
    # What waits for a second person names accounts by their ids, and nothing that is in them.
    "GET /v1/approvals",
    "GET /v1/approvals/{approval_id}",
}
"""What is read and is about no learner, or about the one who asks."""


def _batch(case: Case) -> Call:
    items = [certificate(issuer=case.issuer_code, holder=case.account_id and case.holder)]
    return Call(body={"items": items, "dry_run": True})


def _refused(case: Case, target: str | None, **more: str) -> Call:
    """A use that the rules do not grant: of a project, or of credits that are used."""
    if target is None:
        made = {"certificate_id": case.certificate_id}
        body = {"account_id": case.account_id, "programme": case.side.programme("CONSTR-2026"), "requests": [made]}
        assert case.side.institution.post("/v1/conversions", body).status_code == 201
        return Call(body=body)
    wish = {"certificate_id": case.certificate_id, "target": target}
    programme = case.side.programme("CONSTR-2026")
    return Call(body={"account_id": case.account_id, "programme": programme, "requests": [wish], **more})


OTHERWISE: dict[str, Callable[[Case], Call]] = {
    "GET /v1/requests": lambda case: Call(query={"limit": "1000", "status": "open"} if case.request_id else {}),
    "POST /v1/accounts": lambda case: Call(body={"holder": case.account_id and case.holder}),
    "POST /v1/accounts:batch": lambda case: Call(body={"items": [{"holder": case.account_id and case.holder}]}),
    "POST /v1/certificates:batch": _batch,
    "POST /v1/exemptions": lambda case: _refused(case, "P1"),
    "POST /v1/conversions": lambda case: _refused(case, None),
    "POST /v1/reservations": lambda case: _refused(case, "P1", expires_at="2026-12-01T00:00:00Z"),
}
"""Calls that show something of a person where the usual one does not."""

APP = create_app(Settings())
ROUTES = {one.name: one.operation for one in declared(APP)}
LOOKING = {
    f"{method} {context.path_format}": gate
    for context in iter_route_contexts(APP.routes)
    if isinstance(route := context.original_route, APIRoute)
    for gate in gates(route.dependant)
    if isinstance(gate, Looking)
    for method in context.methods or ()
}


def test_every_route_that_reads_says_whether_it_shows_personal_data() -> None:
    reads = {route for route, operation in ROUTES.items() if operation and route.startswith("GET ")}
    keyless = {
        f"POST {path}"
        for path, item in description()["paths"].items()
        if "post" in item and ROUTES[f"POST {path}"]
        if "idempotency-key" not in {one["name"].lower() for one in item["post"].get("parameters", ())}
    }

    assert reads | keyless <= SHOWN.keys() | ABOUT_NO_LEARNER
    assert ROUTES.keys() >= ABOUT_NO_LEARNER
    assert SHOWN.keys() & ABOUT_NO_LEARNER == set()


def test_every_route_that_shows_personal_data_puts_looks_on_record_as_what_they_are() -> None:
    assert {route: gate.fields for route, gate in LOOKING.items()} == SHOWN
    assert {route: gate.operation for route, gate in LOOKING.items()} == {route: ROUTES[route] for route in SHOWN}


def test_an_auditor_writes_nothing_but_the_end_of_an_own_session() -> None:
    of_auditors = {route for route, operation in ROUTES.items() if operation and "auditor" in MATRIX[operation]}

    others = {"POST /v1/rulebooks:evaluate", "DELETE /v1/sessions/{session_id}"}
    assert {route for route in of_auditors if not route.startswith("GET ")} == others


@pytest.fixture(scope="module")
def world(bank: ReadyBank) -> World:
    return World(bank=bank, prefix="LOOK")


@pytest.fixture(scope="module")
def shared(world: World) -> tuple[Case, Case]:
    """An own and a foreign case that nothing but refusals happen to."""
    return Case(side=world.own), Case(side=world.other)


def _call(route: str, case: Case, world: World, role: str) -> Call:
    return OTHERWISE[route](case) if route in OTHERWISE else CALLS[route](case, world.own, role)


@pytest.mark.parametrize("route", SHOWN)
def test_a_look_leaves_exactly_its_record(world: World, route: str) -> None:
    operation = ROUTES[route]
    assert operation is not None
    case = Case(side=world.own)
    for role in MATRIX[operation]:
        caller = case.learner if role == "learner" else world.caller(role)
        call = _call(route, case, world, role)
        looked_at = WHOLE_BANK if route == "GET /v1/events" else case.account_id
        before = len(looks_at(world.bank, looked_at))

        answer = call.by(caller, route)

        assert answer.status_code in (200, 202, 207, 422), (role, answer.text)
        new = looks_at(world.bank, looked_at)[before:]
        assert new == ([] if role == "learner" else [_expected(world, role, operation, SHOWN[route])]), role


def _expected(world: World, role: str, operation: Operation, fields: str) -> Look:
    token = world.caller(role).token
    assert token is not None
    codes = {"issuer": world.own.issuer_code, "institution": world.own.institution_code, "auditor": "AUDIT"}
    return Look(
        credential=token.split("_")[1],
        role=role,
        organisation=codes.get(role),
        operation=operation,
        fields=fields,
        purpose="audit" if role == "auditor" else USUAL[operation],
    )


@pytest.mark.parametrize("route", [route for route in SHOWN if "{" in route])
def test_who_may_not_look_leaves_no_record(world: World, shared: tuple[Case, Case], route: str) -> None:
    operation = ROUTES[route]
    assert operation is not None
    own, foreign = shared
    call = _call(route, foreign, world, "authority")
    before = looks_at(world.bank, foreign.account_id)
    for role in ROLES:
        if MATRIX[operation].get(role) in ("everything", "masked"):  # type: ignore[call-overload]
            continue
        caller = own.learner if role == "learner" else world.caller(role)
        assert call.by(caller, route).status_code in (403, 404), role

    assert looks_at(world.bank, foreign.account_id) == before
