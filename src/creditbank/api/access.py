"""Who may do what, on whose objects: the operation table of the contract, read by every route.

An operation's name is also the scope that a key or an access token is given for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Role = Literal["authority", "issuer", "institution", "learner", "auditor"]
Reach = Literal["everything", "masked", "own", "dealing"]
"""On whose objects: all of them; all, but personal data masked only; those of the own organisation or account;
accounts that the own institution has a dealing with. What is out of reach is not found."""

Operation = Literal[
    "catalogue:read",
    "catalogue:write",
    "accreditations:withdraw",
    "organisations:suspend",
    "programmes:read",
    "programmes:write",
    "rulebooks:publish",
    "rules:evaluate",
    "keys:manage",
    "members:manage",
    "sessions:manage",
    "accounts:open",
    "accounts:read",
    "accounts:history",
    "accounts:export",
    "accesses:read",
    "accounts:correct",
    "accounts:restrict",
    "accounts:suspend",
    "accounts:merge",
    "accounts:erase",
    "certificates:award",
    "certificates:amend",
    "certificates:hold",
    "certificates:revoke",
    "certificates:read",
    "eligibility:ask",
    "exemptions:decide",
    "conversions:decide",
    "reservations:decide",
    "uses:read",
    "consents:give",
    "consents:read",
    "shares:grant",
    "shares:read",
    "requests:make",
    "requests:read",
    "requests:settle",
    "retention:set",
    "approvals:read",
    "approvals:decide",
    "imports:write",
    "imports:cancel",
    "imports:read",
]

MATRIX: Mapping[Operation, Mapping[Role, Reach]] = {
    "catalogue:read": {
        "authority": "everything",
        "issuer": "everything",
        "institution": "everything",
        "auditor": "everything",
    },
    "catalogue:write": {"authority": "everything"},
    "accreditations:withdraw": {"authority": "everything"},
    "organisations:suspend": {"authority": "everything"},
    "programmes:read": {"authority": "everything", "institution": "own", "auditor": "everything"},
    "programmes:write": {"institution": "own"},
    "rulebooks:publish": {"institution": "own"},
    "rules:evaluate": {
        "authority": "everything",
        "issuer": "everything",
        "institution": "everything",
        "auditor": "everything",
    },
    "keys:manage": {"authority": "everything"},
    "members:manage": {"authority": "everything"},
    "sessions:manage": {
        "authority": "everything",
        "issuer": "own",
        "institution": "own",
        "learner": "own",
        "auditor": "own",
    },
    "accounts:open": {"authority": "everything", "institution": "everything"},
    "accounts:read": {"authority": "everything", "institution": "dealing", "learner": "own", "auditor": "masked"},
    "accounts:history": {
        "authority": "everything",
        "issuer": "own",
        "institution": "dealing",
        "learner": "own",
        "auditor": "masked",
    },
    "accounts:export": {
        "authority": "everything",
        "issuer": "own",
        "institution": "dealing",
        "learner": "own",
        "auditor": "masked",
    },
    "accesses:read": {"authority": "everything", "learner": "own", "auditor": "masked"},
    "accounts:correct": {"authority": "everything"},
    "accounts:restrict": {"authority": "everything"},
    "accounts:suspend": {"authority": "everything"},
    "accounts:merge": {"authority": "everything"},
    "accounts:erase": {"authority": "everything"},
    "certificates:award": {"issuer": "own"},
    "certificates:amend": {"issuer": "own"},
    "certificates:hold": {"authority": "everything", "issuer": "own"},
    "certificates:revoke": {"authority": "everything", "issuer": "own"},
    "certificates:read": {
        "authority": "everything",
        "issuer": "own",
        "institution": "dealing",
        "learner": "own",
        "auditor": "masked",
    },
    "eligibility:ask": {"institution": "dealing"},
    "exemptions:decide": {"institution": "dealing"},
    "conversions:decide": {"institution": "dealing"},
    "reservations:decide": {"institution": "dealing"},
    "consents:give": {"learner": "own"},
    "consents:read": {"authority": "everything", "institution": "dealing", "learner": "own", "auditor": "masked"},
    "shares:grant": {"learner": "own"},
    "shares:read": {"authority": "everything", "learner": "own", "auditor": "masked"},
    "requests:make": {"learner": "own"},
    "requests:read": {"authority": "everything", "learner": "own", "auditor": "masked"},
    "requests:settle": {"authority": "everything"},
    "retention:set": {"authority": "everything"},
    "approvals:read": {"authority": "own", "issuer": "own", "institution": "own", "auditor": "everything"},
    "approvals:decide": {"authority": "own", "issuer": "own", "institution": "own"},
    "uses:read": {"authority": "everything", "institution": "own", "learner": "own", "auditor": "masked"},
    "imports:write": {"issuer": "own"},
    "imports:cancel": {"authority": "everything", "issuer": "own"},
    "imports:read": {"authority": "everything", "issuer": "own"},
}

STEP_UP: Mapping[Operation, frozenset[Role]] = {
    "accounts:erase": frozenset({"authority"}),
    "accounts:merge": frozenset({"authority"}),
    "accounts:export": frozenset({"auditor"}),
}
"""What cannot be undone, or shows much at once, and by whom: who comes with a session must have just signed in."""


def scopes_of(role: Role) -> frozenset[Operation]:
    """Everything that a role may do: what its credentials allow where they are not narrowed."""
    return frozenset(operation for operation, reaches in MATRIX.items() if role in reaches)
