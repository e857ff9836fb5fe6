"""Two tenants side by side, each with everything that a route can name, and what nobody has."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from typing import Any
from uuid import UUID

from creditbank.api.access import scopes_of
from creditbank.ledger import log
from creditbank.ledger.database import writing
from creditbank.vault import apikeys
from tests.api.bank import PROGRAMME, RULES, Caller, ReadyBank, certificate, person
from tests.api.imports import COLUMNS, imported, line
from tests.api.sessions import session_of
from tests.imports.files import csv_bytes

NOWHERE = "0192f0c1-2d3e-7f40-8a5b-6c7d8e9f0a1b"
REASON = {"reason": "x"}
BOOK = {**RULES, "award": {"diploma": [{"id": "all", "min": 14}]}}
WORKFLOW = {**RULES, "workflow": [{"role": "registrar"}]}
_numbers = count(1)


def fresh(prefix: str) -> str:
    """A code that nothing has yet."""
    return f"{prefix}-{next(_numbers):06}"


def made(answer: Any) -> dict[str, Any]:
    """The body of an answer that must have gone well."""
    assert answer.is_success, answer.text
    return dict(answer.json())


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """An issuer and an institution that have to do with each other, and with nobody of the other side."""

    bank: ReadyBank
    issuer_code: str
    issuer: Caller
    institution_code: str
    institution: Caller

    def programme(self, code: str) -> dict[str, str]:
        return {"institution": self.institution_code, "code": code}

    def approval(self, role: str) -> str:
        """What waits for a second person of a role."""
        state = self.bank.client.app.state
        state.two_persons, before = (
            frozenset({"erasure", "revocation-in-use", "rulebook-publication"}),
            state.two_persons,
        )
        try:
            if role == "institution":
                asked = self.institution.post(f"/v1/rulebooks/{fresh('waits')}/versions", {"rules": RULES})
            elif role == "issuer":
                case = Case(side=self)
                assert case.exemption_id
                asked = self.issuer.post(f"/v1/certificates/{case.certificate_id}/revocation", REASON)
            else:
                asked = self.bank.caller("authority").post(f"/v1/accounts/{self.bank.account()}/erasure", REASON)
        finally:
            state.two_persons = before
        assert asked.status_code == 202, asked.text
        return str(asked.json()["approval_id"])


@dataclass(kw_only=True)
class Case:
    """One learner of a side with everything around; each thing is made when it is first looked at."""

    side: Side
    holder: dict[str, Any] = field(default_factory=person)

    @property
    def bank(self) -> ReadyBank:
        return self.side.bank

    @property
    def issuer_code(self) -> str:
        return self.side.issuer_code

    @property
    def institution_code(self) -> str:
        return self.side.institution_code

    programme_code = "CONSTR-2026"

    @property
    def rulebook(self) -> str:
        return f"book-{self.side.institution_code}".lower()

    @cached_property
    def awarded(self) -> dict[str, Any]:
        return self.award(level="高级")

    def award(self, **changes: Any) -> dict[str, Any]:
        """A certificate of the side's issuer in the account, which the side's institution deals with."""
        posted = certificate(issuer=self.side.issuer_code, holder=self.holder, **changes)
        awarded = made(self.side.issuer.post("/v1/certificates", posted))
        made(self.side.institution.post("/v1/accounts/lookup", {"document": self.holder["document"]}))
        return awarded

    @property
    def account_id(self) -> str:
        return str(self.awarded["account_id"])

    @property
    def certificate_id(self) -> str:
        return str(self.awarded["certificate_id"])

    @property
    def number(self) -> str:
        return str(self.awarded["number"])

    @cached_property
    def held_id(self) -> str:
        """A certificate that its issuer has put on hold."""
        held = self.award()["certificate_id"]
        made(self.side.issuer.post(f"/v1/certificates/{held}/hold", REASON))
        return str(held)

    @cached_property
    def learner(self) -> Caller:
        return self.bank.learner(self.account_id)

    def position(self, role: str) -> str:
        """Where an event of the account stands that this role of the side sees."""
        wanted = "dealing-opened/1" if role == "institution" else "certificate-awarded/1"
        with self.bank.core.engine.connect() as connection, connection.begin():
            history = log.stream(connection, UUID(self.account_id))
        return next(item.at for item in history if item.type == wanted)

    @cached_property
    def merged(self) -> str:
        """Another account of the same person."""
        return self.bank.account()

    @cached_property
    def suspended(self) -> str:
        """The account of another learner of the side, in this state."""
        account_id = Case(side=self.side).account_id
        made(self.bank.authority.post(f"/v1/accounts/{account_id}/suspension", REASON))
        return account_id

    @cached_property
    def restricted(self) -> str:
        """The account of another learner of the side, in this state."""
        account_id = Case(side=self.side).account_id
        made(self.bank.authority.post(f"/v1/accounts/{account_id}/restriction", REASON))
        return account_id

    def _use(self, kind: str, target: str | None, programme: str = programme_code, **more: Any) -> str:
        wish = {"certificate_id": self.award()["certificate_id"]} | ({"target": target} if target else {})
        body = {"account_id": self.account_id, "programme": self.side.programme(programme), "requests": [wish], **more}
        return str(made(self.side.institution.post(f"/v1/{kind}s", body))[f"{kind}_id"])

    @cached_property
    def exemption_id(self) -> str:
        wish = {"certificate_id": self.certificate_id, "target": "C2"}
        body = {"account_id": self.account_id, "programme": self.side.programme("CONSTR-2026"), "requests": [wish]}
        return str(made(self.side.institution.post("/v1/exemptions", body))["exemption_id"])

    @cached_property
    def conversion_id(self) -> str:
        return self._use("conversion", None)

    @cached_property
    def reservation_id(self) -> str:
        return self._use("reservation", "C3", expires_at="2026-12-01T00:00:00Z")

    @cached_property
    def waiting_exemption_id(self) -> str:
        """An exemption that awaits the registrar's approval."""
        return self._use("exemption", "C1", "WORKFLOW")

    @cached_property
    def waiting_conversion_id(self) -> str:
        return self._use("conversion", None, "WORKFLOW")

    @cached_property
    def reviewed_id(self) -> str:
        """An exemption of another learner of the side, under review."""
        other = Case(side=self.side)
        exemption_id = other.exemption_id
        made(self.side.issuer.post(f"/v1/certificates/{other.certificate_id}/revocation", REASON))
        return exemption_id

    @cached_property
    def consent_id(self) -> str:
        body = {"institution": self.side.institution_code, "purpose": "x", "until": "2027-01-01"}
        return str(made(self.learner.post(f"/v1/accounts/{self.account_id}/consents", body))["consent_id"])

    @cached_property
    def share_id(self) -> str:
        body = {"what": "balance", "purpose": "x", "expires_at": "2026-12-01T00:00:00Z"}
        return str(made(self.learner.post(f"/v1/accounts/{self.account_id}/shares", body))["share_id"])

    @cached_property
    def request_id(self) -> str:
        return str(
            made(self.learner.post(f"/v1/accounts/{self.account_id}/requests", {"kind": "closure"}))["request_id"]
        )

    @cached_property
    def organisation(self) -> str:
        """An organisation that has nothing to do with anybody."""
        code = fresh("ORG")
        roles = ["issuer", "institution"]
        made(self.bank.authority.post("/v1/organisations", {"code": code, "name": code, "roles": roles}))
        return code

    @cached_property
    def suspended_organisation(self) -> str:
        code = self.organisation
        made(self.bank.authority.post(f"/v1/organisations/{code}/suspension", REASON))
        return code

    @cached_property
    def accreditation_id(self) -> str:
        body = {"standard": "BIM", "levels": ["初级"], "valid_from": "2019-04-01"}
        granted = self.bank.authority.post(f"/v1/organisations/{self.organisation}/accreditations", body)
        return str(made(granted)["accreditation_id"])

    @cached_property
    def job_id(self) -> str:
        path = f"/v1/organisations/{self.organisation}/accreditations/{self.accreditation_id}/withdrawal"
        return str(made(self.bank.authority.post(path, {**REASON, "effective_from": "2026-01-01"}))["job_id"])

    @cached_property
    def key_id(self) -> str:
        issued = self.bank.authority.post(f"/v1/organisations/{self.organisation}/keys", {"role": "issuer"})
        return str(made(issued)["key_id"])

    @cached_property
    def client_id(self) -> str:
        body = {"role": "issuer", "secret": True}
        registered = self.bank.authority.post(f"/v1/organisations/{self.organisation}/clients", body)
        return str(made(registered)["client_id"])

    @cached_property
    def import_id(self) -> str:
        """A file that has been imported, down to its last row."""
        return self._imported("")

    @cached_property
    def waiting_import_id(self) -> str:
        return self._imported("?wait=true")

    def _imported(self, query: str) -> str:
        row = line(颁证机构=self.side.issuer_code)
        return str(imported(self.side.issuer, csv_bytes(row, header=(*COLUMNS, "颁证机构")), query)["import_id"])

    @cached_property
    def mapping_id(self) -> str:
        return str(made(self.side.issuer.post("/v1/import-mappings", {"name": fresh("MAP")}))["mapping_id"])

    @cached_property
    def member_id(self) -> str:
        """A member of the side's institution."""
        body = {"issuer": "https://idp.example", "subject": fresh("subject"), "role": "institution"}
        added = self.bank.authority.post("/v1/members", {**body, "organisation": self.side.institution_code})
        return str(made(added)["member_id"])

    @cached_property
    def session_id(self) -> str:
        """A session of that member."""
        return session_of(self.bank.core, member_id=self.member_id).session_id

    standard = "BIM"

    def approval_id(self, role: str) -> str:
        return self.side.approval(role)


class Nothing:
    """The same names for what nobody has."""

    holder = person()

    def __getattr__(self, name: str) -> str:
        return NOWHERE if name.endswith("_id") or name in ("merged", "suspended", "restricted") else "none"

    def approval_id(self, _role: str) -> str:
        return NOWHERE

    def position(self, _role: str) -> str:
        return "0:999999999999"


@dataclass(kw_only=True)
class World:
    """A bank with two sides, whose codes begin alike, and callers of every role on the first one."""

    bank: ReadyBank
    prefix: str
    own: Side = field(init=False)
    other: Side = field(init=False)
    _keys: dict[tuple[Any, ...], Caller] = field(default_factory=dict)

    def __post_init__(self) -> None:
        bank = self.bank
        accreditation = {"standard": "BIM", "levels": ["初级", "中级", "高级"], "valid_from": "2019-04-01"}
        for code in (f"{self.prefix}-{name}" for name in ("EVAL", "ALIEN-EVAL", "UNI", "ALIEN-UNI")):
            role = "issuer" if code.endswith("EVAL") else "institution"
            made(bank.authority.post("/v1/organisations", {"code": code, "name": code, "roles": [role]}))
            if role == "issuer":
                made(bank.authority.post(f"/v1/organisations/{code}/accreditations", accreditation))
        self.own, self.other = self._side(self.prefix), self._side(f"{self.prefix}-ALIEN")

    def _side(self, name: str) -> Side:
        issuer, institution = f"{name}-EVAL", f"{name}-UNI"
        side = Side(
            bank=self.bank,
            issuer_code=issuer,
            issuer=self.bank.caller("issuer", issuer),
            institution_code=institution,
            institution=self.bank.caller("institution", institution),
        )
        for book, rules, code in (("book", BOOK, "CONSTR-2026"), ("flow", WORKFLOW, "WORKFLOW")):
            rulebook = f"{book}-{institution}".lower()
            body = {"rules": rules, "effective_from": "2020-01-01"}
            made(side.institution.post(f"/v1/rulebooks/{rulebook}/versions", body))
            programme = {**PROGRAMME, "code": code, "institution": institution, "rulebook": rulebook}
            made(side.institution.post("/v1/programmes", programme))
        return side

    def caller(self, role: str, account_id: str | None = None, without: str | None = None) -> Caller:
        """Somebody of a role on the own side, a learner of an account; with all scopes of the role but one."""
        named = (role, account_id, without)
        if named not in self._keys:
            self._keys[named] = Caller(self.bank.client, self._key(role, account_id, without))
        return self._keys[named]

    def nobody(self, role: str) -> Caller:
        """Somebody of a role with a key that is no organisation's and no learner's."""
        if ("nobody", role) not in self._keys:
            self._keys["nobody", role] = self.bank.caller(role)
        return self._keys["nobody", role]

    def _key(self, role: str, account_id: str | None, without: str | None) -> str:
        own = self.own
        code = {"issuer": own.issuer_code, "institution": own.institution_code, "auditor": "AUDIT"}.get(role)
        core = self.bank.core
        with writing(core.engine) as connection:
            _, key = apikeys.make(
                connection,
                core.vault.keys,
                role=role,
                organisation=code,
                account_id=UUID(account_id) if account_id else None,
                created_by="desk",
                now=core.clock(),
                expires_at=None,
                scopes=None if without is None else scopes_of(role) - {without},  # type: ignore[arg-type]
            )
        return key
