"""A call that would go well, for every route: on whatever objects it is given, by whoever is to make it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from httpx2 import Response
from joserfc.jwk import OKPKey

from tests.api.bank import PROGRAMME, RULES, STANDARD, Caller, certificate, person
from tests.api.imports import line, table
from tests.api.routes.access.world import REASON, Case, Nothing, Side, fresh

Objects = Case | Nothing


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked of a route: values for its path, a body or a file, parameters of the query."""

    path: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    file: bytes | None = None
    query: Mapping[str, str] = field(default_factory=dict)

    def by(self, caller: Caller, route: str) -> Response:
        method, _, template = route.partition(" ")
        path = template.format(**self.path)
        match method:
            case "GET":
                return caller.get(path, params=self.query or None)
            case "DELETE":
                return caller.delete(path)
            case _ if self.file is not None:
                return caller.send(path, self.file, media_type="text/csv")
            case _:
                return caller.post(path, self.body)


Make = Callable[[Any, Side, str], Call]
"""Of objects that are named, the caller's own side, and the caller's role."""


def _account(body: Any = None, *, of: str = "account_id") -> Make:
    return lambda it, _, __: Call({"account_id": getattr(it, of)}, body)


def _certificate(body: Any = None, *, of: str = "certificate_id") -> Make:
    return lambda it, _, __: Call({"certificate_id": getattr(it, of)}, body)


def _named(name: str, body: Any = None, *, of: str | None = None) -> Make:
    return lambda it, _, __: Call({name: getattr(it, of or name)}, body)


def _use(target: str | None, **more: Any) -> Make:
    """A use of a certificate of the objects, in the caller's own programme."""

    def make(it: Objects, mine: Side, _: str) -> Call:
        wish = {"certificate_id": it.certificate_id} | ({"target": target} if target else {})
        body = {"account_id": it.account_id, "programme": mine.programme("CONSTR-2026"), "requests": [wish], **more}
        return Call(body=body)

    return make


def _award_check(it: Objects, mine: Side, _: str) -> Call:
    return Call(body={"account_id": it.account_id, "programme": mine.programme("CONSTR-2026"), "award": "diploma"})


def _post_certificate(it: Objects, _: Side, __: str) -> Call:
    return Call(body=certificate(issuer=it.issuer_code))


def _post_certificates(it: Objects, _: Side, __: str) -> Call:
    return Call(body={"items": [certificate(issuer=it.issuer_code)]})


def _organisation(_: Objects, __: Side, ___: str) -> Call:
    code = fresh("NEW")
    return Call(body={"code": code, "name": code, "roles": ["issuer"]})


def _standard(_: Objects, __: Side, ___: str) -> Call:
    return Call(body={**STANDARD, "code": fresh("STD")})


def _programme(it: Objects, _: Side, __: str) -> Call:
    body = {**PROGRAMME, "code": fresh("P"), "institution": it.institution_code}
    return Call(body={name: value for name, value in body.items() if name != "rulebook"})


def _accreditation(it: Objects, _: Side, __: str) -> Call:
    body = {"standard": "BIM", "levels": ["初级"], "valid_from": "2019-04-01"}
    return Call({"code": it.organisation}, body)


def _withdrawal(it: Objects, _: Side, __: str) -> Call:
    path = {"accreditation_id": it.accreditation_id, "code": it.organisation}
    return Call(path, {**REASON, "effective_from": "2026-01-01"})


def _client(it: Objects, _: Side, __: str) -> Call:
    return Call({"code": it.organisation}, {"role": "issuer", "secret": True})


def _member(_: Objects, __: Side, ___: str) -> Call:
    return Call(body={"issuer": "https://idp.example", "subject": fresh("subject"), "role": "authority"})


def _jwks(it: Objects, _: Side, __: str) -> Call:
    return Call({"client_id": it.client_id}, {"keys": [OKPKey.generate_key("Ed25519").as_dict(private=False)]})


def _correction(it: Objects, _: Side, __: str) -> Call:
    return Call({"account_id": it.account_id}, {"holder": {"name": "李华"}, "cause": "error", **REASON})


def _consent(it: Objects, mine: Side, _: str) -> Call:
    body = {"institution": mine.institution_code, "purpose": "x", "until": "2027-01-01"}
    return Call({"account_id": it.account_id}, body)


def _find_certificate(it: Objects, _: Side, __: str) -> Call:
    return Call(query={"issuer": it.issuer_code, "number": it.number})


def _approval(body: Any = None) -> Make:
    return lambda it, _, role: Call({"approval_id": it.approval_id(role)}, body)


def _learners(name: str, body: Any = None) -> Make:
    """Something of a learner, under the account."""
    return lambda it, _, __: Call({"account_id": it.account_id, name: getattr(it, name)}, body)


_NOTHING: Make = lambda _, __, ___: Call()  # noqa: E731 -- a value among values
_SHARE = {"what": "balance", "purpose": "x", "expires_at": "2026-12-01T00:00:00Z"}

CALLS: dict[str, Make] = {
    "GET /v1/organisations": _NOTHING,
    "POST /v1/organisations": _organisation,
    "GET /v1/organisations/{code}": _named("code", of="organisation"),
    "GET /v1/organisations/{code}/accreditations": _named("code", of="organisation"),
    "POST /v1/organisations/{code}/accreditations": _accreditation,
    "POST /v1/organisations/{code}/accreditations/{accreditation_id}/withdrawal": _withdrawal,
    "GET /v1/organisations/{code}/keys": _named("code", of="organisation"),
    "POST /v1/organisations/{code}/keys": _named("code", {"role": "issuer"}, of="organisation"),
    "DELETE /v1/keys/{key_id}": _named("key_id"),
    "GET /v1/organisations/{code}/clients": _named("code", of="organisation"),
    "POST /v1/organisations/{code}/clients": _client,
    "POST /v1/clients/{client_id}/jwks": _jwks,
    "POST /v1/clients/{client_id}/secret": _named("client_id", {}),
    "DELETE /v1/clients/{client_id}": _named("client_id"),
    "POST /v1/members": _member,
    "GET /v1/members": _NOTHING,
    "DELETE /v1/members/{member_id}": _named("member_id"),
    "GET /v1/session": _NOTHING,
    "GET /v1/sessions": _NOTHING,
    "DELETE /v1/sessions/{session_id}": _named("session_id"),
    "POST /v1/organisations/{code}/suspension": _named("code", REASON, of="organisation"),
    "POST /v1/organisations/{code}/reinstatement": _named("code", REASON, of="suspended_organisation"),
    "GET /v1/organisations/{code}/retention": _named("code", of="organisation"),
    "POST /v1/organisations/{code}/retention": _named(
        "code", {"kind": "certificate", "years": 1, "basis": "x"}, of="organisation"
    ),
    "GET /v1/jobs/{job_id}": _named("job_id"),
    "GET /v1/standards": _NOTHING,
    "POST /v1/standards": _standard,
    "GET /v1/standards/{code}": _named("code", of="standard"),
    "GET /v1/programmes": _NOTHING,
    "POST /v1/programmes": _programme,
    "GET /v1/programmes/{institution}/{code}": lambda it, _, __: Call(
        {"institution": it.institution_code, "code": it.programme_code}
    ),
    "GET /v1/rulebooks/{rulebook}": _named("rulebook"),
    "POST /v1/rulebooks/{rulebook}/versions": _named("rulebook", {"rules": RULES}),
    "GET /v1/rulebooks/{rulebook}/versions/{number}": lambda it, _, __: Call({"rulebook": it.rulebook, "number": "1"}),
    "POST /v1/rulebooks:evaluate": lambda _, __, ___: Call(body={"rules": {}, "op": "convert", "given": {}}),
    "POST /v1/accounts": lambda _, __, ___: Call(body={"holder": person()}),
    "POST /v1/accounts:batch": lambda _, __, ___: Call(body={"items": [{"holder": person()}]}),
    "POST /v1/accounts/lookup": lambda it, _, __: Call(body={"document": it.account_id and it.holder["document"]}),
    "GET /v1/accounts/{account_id}": _account(),
    "GET /v1/accounts/{account_id}/balance": _account(),
    "GET /v1/accounts/{account_id}/transcript": _account(),
    "GET /v1/accounts/{account_id}/events": _account(),
    "GET /v1/accounts/{account_id}/export": _account(),
    "GET /v1/accounts/{account_id}/accesses": _account(),
    "POST /v1/accounts/{account_id}/correction": _correction,
    "POST /v1/accounts/{account_id}/restriction": _account(REASON),
    "POST /v1/accounts/{account_id}/restriction-lifting": _account(REASON, of="restricted"),
    "POST /v1/accounts/{account_id}/suspension": _account(REASON),
    "POST /v1/accounts/{account_id}/reinstatement": _account(REASON, of="suspended"),
    "POST /v1/accounts/{account_id}/closure": _account(REASON),
    "POST /v1/accounts/{account_id}/merge": lambda it, _, __: Call(
        {"account_id": it.account_id}, {**REASON, "merged": it.merged}
    ),
    "POST /v1/accounts/{account_id}/erasure": _account(REASON),
    "GET /v1/accounts/{account_id}/consents": _account(),
    "POST /v1/accounts/{account_id}/consents": _consent,
    "POST /v1/accounts/{account_id}/consents/{consent_id}/withdrawal": _learners("consent_id"),
    "GET /v1/accounts/{account_id}/shares": _account(),
    "POST /v1/accounts/{account_id}/shares": _account(_SHARE),
    "POST /v1/accounts/{account_id}/shares/{share_id}/revocation": _learners("share_id"),
    "GET /v1/accounts/{account_id}/requests": _account(),
    "POST /v1/accounts/{account_id}/requests": _account({"kind": "closure"}),
    "GET /v1/requests": _NOTHING,
    "POST /v1/requests/{request_id}/settlement": _named("request_id", {**REASON, "outcome": "done"}),
    "GET /v1/events": _NOTHING,
    "GET /v1/events/{position}/proof": lambda it, _, role: Call({"position": it.position(role)}),
    "POST /v1/certificates": _post_certificate,
    "POST /v1/certificates:batch": _post_certificates,
    "GET /v1/certificates": _find_certificate,
    "GET /v1/certificates/{certificate_id}": _certificate(),
    "POST /v1/certificates/{certificate_id}/amendment": _certificate({**REASON, "changes": {"level": "中级"}}),
    "POST /v1/certificates/{certificate_id}/hold": _certificate(REASON),
    "POST /v1/certificates/{certificate_id}/hold-release": _certificate(REASON, of="held_id"),
    "POST /v1/certificates/{certificate_id}/revocation": _certificate(REASON),
    "POST /v1/imports": lambda _, __, ___: Call(file=table(line())),
    "GET /v1/imports": _NOTHING,
    "GET /v1/imports/{import_id}": _named("import_id"),
    "GET /v1/imports/{import_id}/preview": _named("import_id"),
    "POST /v1/imports/{import_id}/start": _named("import_id", {}, of="waiting_import_id"),
    "POST /v1/imports/{import_id}/cancellation": _named("import_id", of="waiting_import_id"),
    "GET /v1/imports/{import_id}/events": _named("import_id"),
    "GET /v1/imports/{import_id}/results": _named("import_id"),
    "GET /v1/imports/{import_id}/result-file": _named("import_id"),
    "GET /v1/imports/{import_id}/error-file": _named("import_id"),
    "GET /v1/import-templates/csv": _NOTHING,
    "GET /v1/import-templates/xlsx": _NOTHING,
    "GET /v1/import-mappings": _NOTHING,
    "POST /v1/import-mappings": lambda _, __, ___: Call(body={"name": fresh("MAP")}),
    "GET /v1/import-mappings/{mapping_id}": _named("mapping_id"),
    "DELETE /v1/import-mappings/{mapping_id}": _named("mapping_id"),
    "POST /v1/eligibility": _use("C1"),
    "POST /v1/award-checks": _award_check,
    "POST /v1/exemptions": _use("C1"),
    "GET /v1/exemptions/{exemption_id}": _named("exemption_id"),
    "POST /v1/exemptions/{exemption_id}/approval": _named(
        "exemption_id", {"role": "registrar"}, of="waiting_exemption_id"
    ),
    "POST /v1/exemptions/{exemption_id}/reversal": _named("exemption_id", REASON),
    "POST /v1/exemptions/{exemption_id}/review": _named(
        "exemption_id", {**REASON, "outcome": "upheld"}, of="reviewed_id"
    ),
    "POST /v1/conversions": _use(None),
    "GET /v1/conversions/{conversion_id}": _named("conversion_id"),
    "POST /v1/conversions/{conversion_id}/approval": _named(
        "conversion_id", {"role": "registrar"}, of="waiting_conversion_id"
    ),
    "POST /v1/conversions/{conversion_id}/reversal": _named("conversion_id", REASON),
    "POST /v1/reservations": _use("C1", expires_at="2026-12-01T00:00:00Z"),
    "GET /v1/reservations/{reservation_id}": _named("reservation_id"),
    "POST /v1/reservations/{reservation_id}/confirmation": _named("reservation_id"),
    "POST /v1/reservations/{reservation_id}/release": _named("reservation_id"),
    "GET /v1/approvals": _NOTHING,
    "GET /v1/approvals/{approval_id}": _approval(),
    "POST /v1/approvals/{approval_id}": _approval(),
    "POST /v1/approvals/{approval_id}/refusal": _approval(REASON),
}

TARGETLESS = {
    "GET /v1/organisations",
    "POST /v1/organisations",
    "GET /v1/standards",
    "POST /v1/standards",
    "GET /v1/programmes",
    "POST /v1/rulebooks:evaluate",
    "POST /v1/accounts",
    "POST /v1/accounts:batch",
    "GET /v1/requests",
    "GET /v1/events",
    "POST /v1/imports",
    "GET /v1/imports",
    "GET /v1/import-templates/csv",
    "GET /v1/import-templates/xlsx",
    "GET /v1/import-mappings",
    "POST /v1/import-mappings",
    "GET /v1/approvals",
    "POST /v1/members",
    "GET /v1/members",
    "GET /v1/session",
    "GET /v1/sessions",
}
"""What names no object: there is nothing foreign or missing about it. Lists are looked at by themselves."""

FORBIDDEN_NAMES = {
    "POST /v1/certificates",
    "POST /v1/certificates:batch",
    "POST /v1/programmes",
    "POST /v1/rulebooks/{rulebook}/versions",
}
"""Where a body or path says in whose name: to name somebody else is forbidden, and gives nothing away."""

BY_PERSONS = {"DELETE /v1/sessions/{session_id}"}
"""Where what is own is a person's, and no key has any: `test_sessions.py` looks at persons of every role."""

CREATES = {"POST /v1/rulebooks/{rulebook}/versions"}
"""Where what is missing comes to be."""
