"""A bank to ask things of: one issuer, one institution with a programme of many courses, and the authority."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import uuid4

from creditbank.clock import clock
from creditbank.ledger.database import open_engine, writing
from creditbank.vault import apikeys, generations, keyfiles
from tests.processes.calls import Caller
from tests.processes.server import Installation

COURSES = 64
PROGRAMME = {"institution": "HBVTC", "code": "CONSTR-2026"}
_numbers = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    authority: str
    issuer: str
    institution: str
    accreditation_id: str


def first_key(installation: Installation) -> str:
    """The authority's key, made as the command line makes it."""
    engine = open_engine(installation.database_url)
    files = keyfiles.load(installation.data_dir)
    with writing(engine) as connection:
        generations.bind(connection, files)
        _, key = apikeys.make(
            connection,
            files,
            role="authority",
            organisation=None,
            account_id=None,
            created_by="desk",
            now=clock(),
            expires_at=None,
        )
    engine.dispose()
    return key


def prepare(caller: Caller, authority: str) -> Keys:
    """Everything that has to stand before certificates and exemptions, posted through the API."""
    issuer = organisation(caller, authority, "BIM-EVAL", "issuer")
    institution = organisation(caller, authority, "HBVTC", "institution")
    levels = [{"level": "中级", "rank": 2, "credits": "6"}]
    done(caller, "/v1/standards", authority, {"code": "BIM", "title": "BIM", "scheme": "1+X", "levels": levels})
    accreditation = {"standard": "BIM", "levels": ["中级"], "valid_from": "2019-04-01"}
    accredited = done(caller, "/v1/organisations/BIM-EVAL/accreditations", authority, accreditation)
    rules = {"sources": [{"match": {"o.kind": "x-cert"}, "value": {"target": True}}]}
    published = {"rules": rules, "effective_from": "2020-01-01"}
    done(caller, "/v1/rulebooks/hbvtc-x/versions", institution, published)
    courses = [{"code": f"C{number}", "name": f"C{number}", "credits": "4"} for number in range(COURSES)]
    programme = {**PROGRAMME, "name": "建筑工程技术", "credits": "140", "rulebook": "hbvtc-x", "courses": courses}
    done(caller, "/v1/programmes", institution, programme)
    return Keys(
        authority=authority,
        issuer=issuer,
        institution=institution,
        accreditation_id=accredited["accreditation_id"],
    )


def organisation(caller: Caller, authority: str, code: str, role: str) -> str:
    """A new organisation, by its key."""
    done(caller, "/v1/organisations", authority, {"code": code, "name": code, "roles": [role]})
    return str(done(caller, f"/v1/organisations/{code}/keys", authority, {"role": role})["key"])


def done(caller: Caller, path: str, token: str, body: Any) -> dict[str, Any]:
    """The answer to a write that must succeed."""
    answer = caller.post(path, token, body, str(uuid4()))
    assert answer.is_success, f"{path}: {answer.status} {answer.body.decode()}"
    return answer.content


def person() -> dict[str, Any]:
    """A person whom no bank has seen."""
    return {"name": "王小明", "document": {"type": "LOCAL", "number": f"HB-{uuid4().hex}"}}


def certificate(**changes: Any) -> dict[str, Any]:
    """A certificate of 6 credits with a new number, for a new person."""
    return {
        "issuer": "BIM-EVAL",
        "number": f"BIM{uuid4().hex[:8]}{next(_numbers):06}",
        "standard": "BIM",
        "level": "中级",
        "issued_on": "2026-07-01",
        "holder": person(),
        **changes,
    }


def exemption(account_id: str, certificate_id: str, course: int = 0) -> dict[str, Any]:
    """Ask for a course of 4 credits in exchange for a certificate of 6: it is enough for one of them."""
    wish = {"certificate_id": certificate_id, "target": f"C{course}"}
    return {"account_id": account_id, "programme": PROGRAMME, "requests": [wish]}


def shared_account(caller: Caller, keys: Keys, certificates: int = 1) -> tuple[str, list[str]]:
    """An account that the institution deals with, and the certificates in it."""
    account_id = str(done(caller, "/v1/accounts", keys.institution, {"holder": person()})["account_id"])
    holder = {"account_id": account_id}
    awarded = [
        str(done(caller, "/v1/certificates", keys.issuer, certificate(holder=holder))["certificate_id"])
        for _ in range(certificates)
    ]
    return account_id, awarded
