"""Issue and revoke API keys. The key itself is shown once and never stored, not even in the stored answer."""

from __future__ import annotations

from dataclasses import dataclass

from creditbank.commands.desk import Answer
from creditbank.commands.draft import Draft, Needs
from creditbank.domain import errors
from creditbank.domain.errors import Fault
from creditbank.domain.instants import instant_text
from creditbank.domain.organisations import organisation
from creditbank.vault import apikeys


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueKey:
    """A key for an organisation, in one of its roles. `expires_at` is in microseconds."""

    organisation: str
    role: str
    created_by: str
    expires_at: int | None

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        if self.role not in organisation(draft.catalogue, self.organisation).registered.roles:
            fault = Fault(code="role_not_held", pointer="/role", detail="The organisation does not have this role.")
            raise errors.Invalid(faults=[fault])
        key_id, key = apikeys.make(
            draft.unit.connection,
            draft.unit.bank.vault.keys,
            role=self.role,
            organisation=self.organisation,
            account_id=None,
            created_by=self.created_by,
            now=draft.unit.now,
            expires_at=self.expires_at,
        )
        body = {
            "key_id": key_id,
            "organisation": self.organisation,
            "role": self.role,
            "expires_at": None if self.expires_at is None else instant_text(self.expires_at),
        }
        return Answer(status=201, body=body, once={"key": key})


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeKey:
    key_id: str

    def needs(self) -> Needs:
        return Needs()

    def run(self, draft: Draft) -> Answer:
        if apikeys.find(draft.unit.connection, self.key_id) is None:
            raise errors.NotFound()
        draft.statements.append(lambda connection: apikeys.revoke(connection, self.key_id, draft.unit.now))
        return Answer(status=204, body={})
