"""Principals: who asks, as the routes know them, whatever credentials they came with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from creditbank.api.access import MATRIX, STEP_UP, Operation, Reach, Role
from creditbank.commands.sight import Viewer
from creditbank.domain import errors

TENANTS: frozenset[Role] = frozenset({"issuer", "institution", "learner"})
"""Who is nothing without an organisation or an account; the others are the bank itself, or look at all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks: a role, for an organisation, the bank itself, or one learner.

    `credential` is the public id of the key, client or session that speaks for it. `scopes` narrow what the role
    may do; None leaves all of it. `reach` is on whose objects, once an operation has been allowed. A learner's
    `former_accounts` are those that were merged into the account. `person` is the human behind it where one signed
    in, a name that stays the same from one session to the next: a member's id, or a learner's account. It is None for
    keys and clients, of which the bank knows only who made them. `is_fresh` is False for somebody who signed in too
    long ago to do what cannot be undone.
    """

    role: Role
    credential: str
    organisation: str | None
    account_id: UUID | None
    former_accounts: frozenset[UUID] = frozenset()
    scopes: frozenset[str] | None = None
    reach: Reach | None = None
    person: str | None = None
    is_fresh: bool = True

    @property
    def scope(self) -> str:
        """Whose idempotency keys these are. No organisation's code holds a colon, so none is taken for a role."""
        return self.organisation or (f"learner:{self.account_id}" if self.account_id else f"role:{self.role}")

    @property
    def actor(self) -> str:
        """How the events name it: by the person where it is known, since sessions come and go."""
        return f"{self.organisation or self.role}:{self.person or self.credential}"

    @property
    def own_code(self) -> str:
        """The organisation in whose name it acts. Raises Forbidden for a key that belongs to none."""
        if self.organisation is None:
            raise errors.Forbidden()
        return self.organisation

    @property
    def as_institution(self) -> str | None:
        return self.organisation if self.role == "institution" else None

    @property
    def as_issuer(self) -> str | None:
        return self.organisation if self.role == "issuer" else None

    @property
    def viewer(self) -> Viewer:
        """As whom it looks at accounts, certificates and events."""
        return Viewer(
            issuer=self.as_issuer,
            institution=self.as_institution,
            account_id=self.account_id,
            former_accounts=self.former_accounts,
            sees_all=self.reach in ("everything", "masked"),
        )

    def require_account(self, account_id: UUID) -> None:
        """Raise NotFound where this is the learner of another account."""
        if self.account_id not in (None, account_id) and account_id not in self.former_accounts:
            raise errors.NotFound()

    def allowed(self, operation: Operation) -> Principal:
        """The same with its reach. Raises Forbidden unless the matrix and its own scopes let it do this.

        Who may act on own objects only, and is nobody's, may do nothing. Raises ReauthenticationRequired where the
        operation wants somebody who has just signed in.
        """
        reach = MATRIX[operation].get(self.role)
        if reach is None or (self.scopes is not None and operation not in self.scopes):
            raise errors.Forbidden()
        tenant = self.account_id if self.role == "learner" else self.organisation
        if tenant is None and self.role in TENANTS:
            raise errors.Forbidden()
        if not self.is_fresh and self.role in STEP_UP.get(operation, ()):
            raise errors.ReauthenticationRequired()
        return replace(self, reach=reach)
