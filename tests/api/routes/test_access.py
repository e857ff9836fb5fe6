"""Access: every operation has its row in the table of the contract, and what is foreign is not found."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from creditbank.app import create_app
from creditbank.settings import Settings
from tests.api.bank import TODAY, Caller, ReadyBank, certificate, on_one_database, person, wish, wishes

NOWHERE = "0192f0c1-2d3e-7f40-8a5b-6c7d8e9f0a1b"
ROLES = ("authority", "issuer", "institution", "learner", "auditor")
CATALOGUE = {"authority", "issuer", "institution", "auditor"}
OWN = {"authority", "institution", "learner", "auditor"}
ALL = set(ROLES)
PUBLIC = {"GET /v1/verify", "GET /v1/verify/{issuer}/{number}", "GET /livez", "GET /readyz", "GET /metrics"}

PERMITTED: dict[str, set[str]] = {
    "POST /v1/organisations": {"authority"},
    "GET /v1/organisations": CATALOGUE,
    "GET /v1/organisations/{code}": CATALOGUE,
    "POST /v1/organisations/{code}/accreditations": {"authority"},
    "GET /v1/organisations/{code}/accreditations": CATALOGUE,
    "POST /v1/organisations/{code}/accreditations/{accreditation_id}/withdrawal": {"authority"},
    "POST /v1/organisations/{code}/keys": {"authority"},
    "DELETE /v1/keys/{key_id}": {"authority"},
    "GET /v1/jobs/{job_id}": {"authority"},
    "POST /v1/standards": {"authority"},
    "GET /v1/standards": CATALOGUE,
    "GET /v1/standards/{code}": CATALOGUE,
    "POST /v1/programmes": {"institution"},
    "GET /v1/programmes": {"authority", "institution", "auditor"},
    "GET /v1/programmes/{institution}/{code}": {"authority", "institution", "auditor"},
    "POST /v1/rulebooks/{rulebook}/versions": {"institution"},
    "GET /v1/rulebooks/{rulebook}": {"authority", "institution", "auditor"},
    "GET /v1/rulebooks/{rulebook}/versions/{number}": {"authority", "institution", "auditor"},
    "POST /v1/rulebooks:evaluate": CATALOGUE,
    "POST /v1/accounts": {"authority", "institution"},
    "POST /v1/accounts:batch": {"authority", "institution"},
    "POST /v1/accounts/lookup": {"authority", "institution"},
    "GET /v1/accounts/{account_id}": OWN,
    "GET /v1/accounts/{account_id}/balance": OWN,
    "GET /v1/accounts/{account_id}/transcript": OWN,
    "GET /v1/accounts/{account_id}/events": ALL,
    "GET /v1/events": ALL,
    "POST /v1/accounts/{account_id}/suspension": {"authority"},
    "POST /v1/accounts/{account_id}/reinstatement": {"authority"},
    "POST /v1/accounts/{account_id}/closure": {"authority"},
    "POST /v1/accounts/{account_id}/merge": {"authority"},
    "POST /v1/accounts/{account_id}/erasure": {"authority"},
    "POST /v1/certificates": {"issuer"},
    "POST /v1/certificates:batch": {"issuer"},
    "GET /v1/certificates": ALL,
    "GET /v1/certificates/{certificate_id}": ALL,
    "POST /v1/certificates/{certificate_id}/amendment": {"issuer"},
    "POST /v1/certificates/{certificate_id}/hold": {"authority", "issuer"},
    "POST /v1/certificates/{certificate_id}/hold-release": {"authority", "issuer"},
    "POST /v1/certificates/{certificate_id}/revocation": {"authority", "issuer"},
    "POST /v1/eligibility": {"institution"},
    "POST /v1/award-checks": {"institution"},
    "POST /v1/exemptions": {"institution"},
    "GET /v1/exemptions/{exemption_id}": OWN,
    "POST /v1/exemptions/{exemption_id}/approval": {"institution"},
    "POST /v1/exemptions/{exemption_id}/reversal": {"institution"},
    "POST /v1/exemptions/{exemption_id}/review": {"institution"},
    "POST /v1/conversions": {"institution"},
    "GET /v1/conversions/{conversion_id}": OWN,
    "POST /v1/conversions/{conversion_id}/approval": {"institution"},
    "POST /v1/conversions/{conversion_id}/reversal": {"institution"},
    "POST /v1/imports": {"issuer"},
    "GET /v1/imports": {"authority", "issuer"},
    "GET /v1/imports/{import_id}": {"authority", "issuer"},
    "GET /v1/imports/{import_id}/preview": {"authority", "issuer"},
    "POST /v1/imports/{import_id}/start": {"issuer"},
    "POST /v1/imports/{import_id}/cancellation": {"issuer"},
    "GET /v1/imports/{import_id}/events": {"authority", "issuer"},
    "GET /v1/imports/{import_id}/results": {"authority", "issuer"},
    "GET /v1/imports/{import_id}/result-file": {"authority", "issuer"},
    "GET /v1/imports/{import_id}/error-file": {"authority", "issuer"},
    "GET /v1/import-templates/{format}": {"authority", "issuer"},
    "POST /v1/import-mappings": {"issuer"},
    "GET /v1/import-mappings": {"issuer"},
    "GET /v1/import-mappings/{mapping_id}": {"issuer"},
    "DELETE /v1/import-mappings/{mapping_id}": {"issuer"},
    "POST /v1/reservations": {"institution"},
    "GET /v1/reservations/{reservation_id}": OWN,
    "POST /v1/reservations/{reservation_id}/confirmation": {"institution"},
    "POST /v1/reservations/{reservation_id}/release": {"institution"},
}
"""Who may call an operation at all. On whose objects is a matter of the other tests here."""


@pytest.fixture(scope="session")
def described() -> FastAPI:
    return create_app(Settings())


@pytest.fixture(scope="module")
def callers(bank: ReadyBank) -> dict[str, Caller]:
    named = {role: getattr(bank, role) for role in ("authority", "issuer", "institution", "auditor")}
    return {**named, "learner": bank.learner(bank.account())}


def _ask(caller: Caller, operation: str) -> Any:
    method, _, path = operation.partition(" ")
    path = path.replace("{number}", "1")
    for name in (
        "account",
        "accreditation",
        "certificate",
        "exemption",
        "conversion",
        "reservation",
        "job",
        "import",
        "mapping",
    ):
        path = path.replace(f"{{{name}_id}}", NOWHERE)
    for name in ("code", "institution", "rulebook", "key_id", "issuer"):
        path = path.replace(f"{{{name}}}", "none")
    if method == "POST":
        return caller.post(path, {})
    return caller.get(path) if method == "GET" else caller.delete(path)


def test_every_operation_has_its_row(described: FastAPI) -> None:
    operations = {f"{method.upper()} {path}" for path, item in described.openapi()["paths"].items() for method in item}

    assert operations == PERMITTED.keys() | PUBLIC


@on_one_database
@pytest.mark.parametrize("operation", PERMITTED)
def test_a_role_may_do_what_its_column_says(callers: dict[str, Caller], operation: str) -> None:
    for role in ROLES:
        answer = _ask(callers[role], operation)

        if role in PERMITTED[operation]:
            assert answer.status_code not in (401, 403), (role, answer.text)
        else:
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), role


@on_one_database
@pytest.mark.parametrize("operation", PERMITTED)
def test_nobody_gets_an_answer_without_credentials(bank: ReadyBank, operation: str) -> None:
    answer = _ask(bank.public, operation)

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", ["/v1/verify/BIM-EVAL/1", "/livez", "/readyz", "/openapi.json"])
def test_what_is_public_needs_no_credentials(bank: ReadyBank, path: str) -> None:
    assert bank.public.get(path).status_code == 200


# Keys


@on_one_database
@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer cb_0000000000_" + "0" * 38,
        "Basic dXNlcjpwYXNz",
        "Bearer " + "k" * 5000,
        b"Bearer cb_\xe4\xbd\xa0\xe5\xa5\xbd_key",
    ],
)
def test_bad_credentials_are_all_alike(bank: ReadyBank, header: str | bytes) -> None:
    answer = bank.client.get("/v1/organisations", headers={"Authorization": header})

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


def test_a_key_with_one_sign_changed_is_unknown(bank: ReadyBank) -> None:
    key = bank.auditor.token
    assert key is not None
    changed = key[:20] + ("A" if key[20] != "A" else "B") + key[21:]

    assert Caller(bank.client, changed).get("/v1/organisations").status_code == 401


def test_a_revoked_key_works_no_more(bank: ReadyBank) -> None:
    made = bank.authority.post("/v1/organisations/AUDIT/keys", {"role": "auditor"}).json()
    caller = Caller(bank.client, made["key"])
    assert caller.get("/v1/organisations").status_code == 200

    revoked = bank.authority.delete(f"/v1/keys/{made['key_id']}")

    assert (revoked.status_code, revoked.content) == (204, b"")
    assert caller.get("/v1/organisations").status_code == 401
    assert bank.auditor.get("/v1/organisations").status_code == 200


def test_a_key_that_is_not_there_cannot_be_revoked(bank: ReadyBank) -> None:
    for key_id in ("0000000000", "é", "k" * 500):
        assert bank.authority.delete(f"/v1/keys/{key_id}").json()["code"] == "not_found"


def test_a_key_works_until_it_expires(own_bank: ReadyBank) -> None:
    body = {"role": "auditor", "expires_at": "2026-11-25T00:00:00+08:00"}
    made = own_bank.authority.post("/v1/organisations/AUDIT/keys", body).json()
    caller = Caller(own_bank.client, made["key"])

    assert made["expires_at"] == "2026-11-24T16:00:00.000000Z"
    assert caller.get("/v1/organisations").status_code == 200
    own_bank.clock.set(TODAY + timedelta(days=1))
    assert caller.get("/v1/organisations").status_code == 401


# What is foreign


def _same_refusal(foreign: Any, missing: Any) -> None:
    assert foreign.status_code == missing.status_code == 404
    volatile = {"instance", "request_id"}
    assert {name: value for name, value in foreign.json().items() if name not in volatile} == {
        name: value for name, value in missing.json().items() if name not in volatile
    }


@pytest.mark.parametrize("part", ["", "/balance", "/transcript", "/events"])
def test_a_learner_sees_the_own_account_only(bank: ReadyBank, part: str) -> None:
    own, other = bank.award(), bank.award()
    learner = bank.learner(own["account_id"])

    assert learner.get(f"/v1/accounts/{own['account_id']}{part}").status_code == 200
    _same_refusal(
        learner.get(f"/v1/accounts/{other['account_id']}{part}"), learner.get(f"/v1/accounts/{NOWHERE}{part}")
    )


def test_a_learner_sees_the_own_certificates_and_uses_only(bank: ReadyBank) -> None:
    holder = person()
    awarded = bank.award(holder=holder)
    bank.deal(holder)
    used = bank.institution.post("/v1/exemptions", wishes(awarded["account_id"], wish(awarded, "C1"))).json()
    owner, stranger = bank.learner(awarded["account_id"]), bank.learner(bank.account())

    for path, missing in (
        (f"/v1/certificates/{awarded['certificate_id']}", f"/v1/certificates/{NOWHERE}"),
        (f"/v1/exemptions/{used['exemption_id']}", f"/v1/exemptions/{NOWHERE}"),
        (
            f"/v1/certificates?issuer=BIM-EVAL&number={awarded['number']}",
            "/v1/certificates?issuer=BIM-EVAL&number=NO-SUCH",
        ),
    ):
        assert owner.get(path).status_code == 200
        _same_refusal(stranger.get(path), stranger.get(missing))


@pytest.mark.parametrize("part", ["", "/balance", "/transcript", "/events"])
def test_a_foreign_account_looks_like_a_missing_one(bank: ReadyBank, part: str) -> None:
    foreign = bank.award()["account_id"]
    caller = bank.other_institution

    _same_refusal(caller.get(f"/v1/accounts/{foreign}{part}"), caller.get(f"/v1/accounts/{NOWHERE}{part}"))


def test_foreign_certificates_and_uses_look_like_missing_ones(bank: ReadyBank) -> None:
    holder, reason = person(), {"reason": "x"}
    awarded = bank.award(holder=holder)
    bank.deal(holder)
    used = bank.institution.post("/v1/exemptions", wishes(awarded["account_id"], wish(awarded, "C1"))).json()
    own, missing = awarded["certificate_id"], NOWHERE

    for caller, path, foreign in (
        (bank.other_issuer, "/v1/certificates/{}", own),
        (bank.other_institution, "/v1/certificates/{}", own),
        (bank.other_institution, "/v1/exemptions/{}", used["exemption_id"]),
    ):
        _same_refusal(caller.get(path.format(foreign)), caller.get(path.format(missing)))
    for caller, path, foreign in (
        (bank.other_issuer, "/v1/certificates/{}/hold", own),
        (bank.other_issuer, "/v1/certificates/{}/revocation", own),
        (bank.other_institution, "/v1/exemptions/{}/reversal", used["exemption_id"]),
    ):
        _same_refusal(caller.post(path.format(foreign), reason), caller.post(path.format(missing), reason))
    asked = wishes(awarded["account_id"], wish(awarded, "C1"), programme={"institution": "WHUT", "code": "X"})
    _same_refusal(
        bank.other_institution.post("/v1/exemptions", asked),
        bank.other_institution.post("/v1/exemptions", {**asked, "account_id": NOWHERE}),
    )


def test_an_issuer_sees_of_an_account_what_concerns_its_certificates(bank: ReadyBank) -> None:
    awarded = bank.award()
    path = f"/v1/accounts/{awarded['account_id']}/events"

    own = bank.issuer.get(path).json()["items"]

    assert [item["type"] for item in own] == ["certificate-awarded/1"]
    _same_refusal(bank.other_issuer.get(path), bank.other_issuer.get(f"/v1/accounts/{NOWHERE}/events"))


def test_an_institution_sees_of_an_account_what_concerns_its_dealings(bank: ReadyBank) -> None:
    holder = person()
    awarded = bank.award(holder=holder)
    bank.deal(holder)
    bank.other_institution.post("/v1/accounts/lookup", {"document": holder["document"]})
    bank.institution.post("/v1/exemptions", wishes(awarded["account_id"], wish(awarded, "C1")))
    path = f"/v1/accounts/{awarded['account_id']}/events"

    own = [item["type"] for item in bank.institution.get(path).json()["items"]]
    other = [item["type"] for item in bank.other_institution.get(path).json()["items"]]

    assert own == ["dealing-opened/1", "courses-exempted/1"]
    assert other == ["dealing-opened/1"]


def test_an_issuer_naming_another_one_is_forbidden_to_post(bank: ReadyBank) -> None:
    before = bank.events()

    single = bank.issuer.post("/v1/certificates", certificate(issuer="OTHER-EVAL"))
    nobody = bank.issuer.post("/v1/certificates", certificate(issuer="NOBODY"))

    assert (single.status_code, single.json()["code"]) == (403, "forbidden")
    assert nobody.status_code == 403
    assert bank.events() == before


def test_an_auditor_sees_holders_masked(bank: ReadyBank) -> None:
    holder = person(name="欧阳小明")
    awarded = bank.award(holder=holder)

    seen = bank.auditor.get(f"/v1/accounts/{awarded['account_id']}")

    assert seen.json()["holder"]["name"] == "欧***"
    assert holder["document"]["number"] not in seen.text
