"""Every route x every role x own, foreign and missing objects, nobody's credentials, and scopes that lack just this."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, get_args

import pytest

from creditbank.api.access import MATRIX, Operation, Role
from creditbank.api.declarations import declared
from creditbank.app import create_app
from creditbank.settings import Settings
from tests.api.bank import Caller, ReadyBank, on_one_database, on_the_other
from tests.api.routes.access.calls import BY_PERSONS, CALLS, CREATES, FORBIDDEN_NAMES, TARGETLESS, Call
from tests.api.routes.access.contract import ROLES, cells
from tests.api.routes.access.world import Case, Nothing, World, made

PUBLIC = {
    "GET /v1/verify",
    "GET /v1/verify/{issuer}/{number}",
    "POST /v1/shared",
    "GET /log/v1/checkpoint",
    "GET /log/v1/log.vkey",
    "GET /log/v1/tile/{path}",
    "GET /livez",
    "GET /readyz",
    "GET /metrics",
    "GET /docs",
    "GET /openapi.json",
    "GET /problems/{code}",
    "POST /oauth/token",
    "GET /.well-known/jwks.json",
    "GET /.well-known/oauth-authorization-server",
    "GET /",
    "GET /login",
    "GET /login/callback",
    "POST /logout",
}
"""What answers without credentials, each for a reason that the contract gives."""

ROUTES = {one.name: one.operation for one in declared(create_app(Settings()))}
ASKED = {route: operation for route, operation in ROUTES.items() if operation is not None}
EXPECTED = cells()
SEES_ALL = ("all", "masked")
DONE = (200, 201, 202, 204)
WITH_TARGET = ASKED.keys() - TARGETLESS


def test_the_matrix_is_that_of_the_contract() -> None:
    words = {"everything": "all"}

    in_code = {
        operation: {role: words.get(reach, reach) for role, reach in reaches.items()}
        for operation, reaches in MATRIX.items()
    }

    assert in_code == EXPECTED
    assert set(EXPECTED) == set(get_args(Operation))
    assert set(ROLES) == set(get_args(Role))


def test_every_route_says_what_it_is_or_is_public() -> None:
    assert {route for route, operation in ROUTES.items() if operation is None} == PUBLIC


def test_every_route_has_a_call_and_every_operation_a_route() -> None:
    assert CALLS.keys() == ASKED.keys()
    assert set(ASKED.values()) == set(get_args(Operation))
    assert CALLS.keys() >= TARGETLESS | FORBIDDEN_NAMES


def test_what_has_an_object_in_its_path_is_not_without_target() -> None:
    assert [route for route in TARGETLESS if "{" in route] == []


@pytest.fixture(scope="module")
def world(bank: ReadyBank) -> World:
    return World(bank=bank, prefix="CELL")


@pytest.fixture(scope="module")
def shared(world: World) -> tuple[Case, Case]:
    """An own and a foreign case that nothing but refusals and reads happen to."""
    return Case(side=world.own), Case(side=world.other)


def _outcome(answer: Any) -> tuple[int, str | None]:
    """Status and code; of a batch those of its one line."""
    if answer.status_code == 207:
        line = answer.json()["results"][0]
        return line["status"], line.get("problem", {}).get("code")
    return answer.status_code, None if answer.is_success else answer.json()["code"]


def _call(route: str, world: World, case: Case | Nothing, role: str) -> Call:
    return CALLS[route](case, world.own, role)


def _case(route: str, shared: Case) -> Case:
    """What a call that goes well may happen to: reads leave everything as it is."""
    return shared if route.startswith("GET ") else Case(side=shared.side)


def _operation(route: str) -> str:
    return ASKED[route]


def _kind(route: str) -> str:
    """What the operation is about: accounts, certificates, keys."""
    return ASKED[route].partition(":")[0]


def by_kind(routes: Collection[str]) -> list[Any]:
    """The routes of each kind together: hundreds of tests of one request each would cost as much as the requests."""
    inside = [route for route in ASKED if route in routes]
    return [
        pytest.param([route for route in inside if _kind(route) == kind], id=kind)
        for kind in dict.fromkeys(map(_kind, inside))
    ]


@on_one_database
@pytest.mark.parametrize("routes", by_kind(ASKED))
def test_nobody_gets_an_answer_without_credentials(world: World, shared: tuple[Case, Case], routes: list[str]) -> None:
    for route in routes:
        answer = _call(route, world, Nothing(), "authority").by(world.bank.public, route)

        assert _outcome(answer) == (401, "unauthenticated"), route
        assert answer.headers["WWW-Authenticate"].startswith("Bearer"), route


@on_one_database
@pytest.mark.parametrize("routes", by_kind(ASKED))
def test_a_role_without_the_operation_is_forbidden_whatever_it_names(
    world: World, shared: tuple[Case, Case], routes: list[str]
) -> None:
    own, foreign = shared
    for route in routes:
        for role in set(ROLES) - EXPECTED[ASKED[route]].keys():
            caller = world.caller(role, own.account_id if role == "learner" else None)
            for case in (own, foreign, Nothing()):
                answer = _call(route, world, case, "authority").by(caller, route)
                assert _outcome(answer) == (403, "forbidden"), (route, role)


@on_one_database
@pytest.mark.parametrize("routes", by_kind(ASKED))
def test_a_key_with_all_other_scopes_is_forbidden(world: World, shared: tuple[Case, Case], routes: list[str]) -> None:
    own, _ = shared
    for route in routes:
        for role in EXPECTED[ASKED[route]]:
            caller = world.caller(role, own.account_id if role == "learner" else None, without=ASKED[route])
            assert _outcome(_call(route, world, Nothing(), role).by(caller, route)) == (403, "forbidden"), (route, role)


@on_one_database
@pytest.mark.parametrize("routes", by_kind(ASKED))
def test_a_key_that_is_nobodys_is_forbidden(world: World, shared: tuple[Case, Case], routes: list[str]) -> None:
    own, _ = shared
    for route in routes:
        for role in ("issuer", "institution", "learner"):
            call = _call(route, world, own, "authority")
            assert _outcome(call.by(world.nobody(role), route)) == (403, "forbidden"), (route, role)


@pytest.mark.parametrize("routes", by_kind(ASKED.keys() - BY_PERSONS))
def test_a_role_does_it_on_what_is_its_own(world: World, shared: tuple[Case, Case], routes: list[str]) -> None:
    for route in routes:
        for role in EXPECTED[ASKED[route]]:
            case = _case(route, shared[0])
            caller = case.learner if role == "learner" else world.caller(role)
            answer = _call(route, world, case, role).by(caller, route)
            assert _outcome(answer)[0] in DONE, (route, role, answer.text)


@on_one_database
@pytest.mark.parametrize("routes", by_kind(WITH_TARGET))
def test_what_is_foreign_is_done_by_who_may_do_it_everywhere_and_found_by_nobody_else(
    world: World, shared: tuple[Case, Case], routes: list[str]
) -> None:
    own, foreign = shared
    for route in routes:
        for role, reach in EXPECTED[ASKED[route]].items():
            caller = own.learner if role == "learner" else world.caller(role)
            if reach in SEES_ALL:
                answer = _call(route, world, _case(route, foreign), role).by(caller, route)
                assert _outcome(answer)[0] in DONE, (route, role, answer.text)
                continue
            refused = (403, "forbidden") if route in FORBIDDEN_NAMES else (404, "not_found")
            called = _foreign(route, world, foreign, role).by(caller, route)
            assert _outcome(called) == refused, (route, role, called.text)


def _foreign(route: str, world: World, foreign: Case, role: str) -> Call:
    # What waits for the authority's second person is every authority's own; an institution's is foreign to it.
    return _call(route, world, foreign, "institution" if role == "authority" else role)


@on_one_database
@pytest.mark.parametrize("routes", by_kind(WITH_TARGET - CREATES))
def test_what_is_missing_is_found_by_nobody(world: World, shared: tuple[Case, Case], routes: list[str]) -> None:
    own, _ = shared
    for route in routes:
        for role in EXPECTED[ASKED[route]]:
            caller = own.learner if role == "learner" else world.caller(role)
            refused = (403, "forbidden") if route in FORBIDDEN_NAMES else (404, "not_found")
            answer = _call(route, world, Nothing(), role).by(caller, route)
            assert _outcome(answer) == refused, (route, role, answer.text)


# The other database


@on_the_other
@pytest.mark.parametrize(
    ("check", "one_of_each"),
    [
        (test_a_role_without_the_operation_is_forbidden_whatever_it_names, _kind),
        (test_a_key_with_all_other_scopes_is_forbidden, _kind),
        (test_a_key_that_is_nobodys_is_forbidden, _kind),
        (test_what_is_foreign_is_done_by_who_may_do_it_everywhere_and_found_by_nobody_else, _operation),
        (test_what_is_missing_is_found_by_nobody, _kind),
    ],
)
def test_it_is_so_on_the_other_database(
    world: World,
    shared: tuple[Case, Case],
    check: Callable[[World, tuple[Case, Case], list[str]], None],
    one_of_each: Callable[[str], str],
) -> None:
    # The policy is asked before any database, which is only to find the caller, and what is the caller's.
    routes = [route for route in ASKED if route in WITH_TARGET - BY_PERSONS - CREATES]
    check(world, shared, list({one_of_each(route): route for route in routes}.values()))


# Lists


def test_lists_hold_nothing_foreign(world: World) -> None:
    start = world.bank.end_of_feed()
    own, foreign = Case(side=world.own), Case(side=world.other)
    for case in (own, foreign):
        for name in ("exemption_id", "conversion_id", "reservation_id", "consent_id", "request_id"):
            assert getattr(case, name)
    waiting = {role: (world.own.approval(role), world.other.approval(role)) for role in ("issuer", "institution")}

    programmes = made(world.own.institution.get("/v1/programmes?limit=1000"))["items"]
    assert {one["institution"] for one in programmes} == {world.own.institution_code}
    requests = made(own.learner.get("/v1/requests?limit=1000"))["items"]
    assert {one["account_id"] for one in requests} == {own.account_id}
    for role, (ours, theirs) in waiting.items():
        listed = _all(world.caller(role), "/v1/approvals")
        assert ours in listed
        assert theirs not in listed
    for name in ("import_id", "mapping_id"):
        ours, theirs = getattr(own, name), getattr(foreign, name)
        listed = _all(world.own.issuer, "/v1/imports" if name == "import_id" else "/v1/import-mappings")
        assert ours in listed
        assert theirs not in listed
    for caller in (world.own.issuer, world.own.institution, own.learner):
        feed = _all(caller, "/v1/events", start)
        assert own.account_id in feed
        for name in ("account_id", "certificate_id", "exemption_id", "conversion_id", "consent_id", "request_id"):
            assert getattr(foreign, name) not in feed, name


def _all(caller: Caller, path: str, start: str = "") -> str:
    """Everything that a list holds behind a cursor, as text."""
    text, cursor = "", start and f"&cursor={start}"
    while True:
        page = made(caller.get(f"{path}?limit=1000{cursor}"))
        text += str(page["items"])
        further = page["next_cursor"]
        if not further or cursor == f"&cursor={further}":
            return text
        cursor = f"&cursor={further}"
