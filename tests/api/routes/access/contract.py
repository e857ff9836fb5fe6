"""The table of the contract, as it is written there, one line for each operation: what the matrix in code must say."""

from __future__ import annotations

ROLES = ("authority", "issuer", "institution", "learner", "auditor")

TABLE = """
| operation               | authority | issuer | institution | learner | auditor |
|-------------------------|-----------|--------|-------------|---------|---------|
| catalogue:read          | all       | all    | all         | -       | all     |
| catalogue:write         | all       | -      | -           | -       | -       |
| accreditations:withdraw | all       | -      | -           | -       | -       |
| organisations:suspend   | all       | -      | -           | -       | -       |
| keys:manage             | all       | -      | -           | -       | -       |
| members:manage          | all       | -      | -           | -       | -       |
| sessions:manage         | all       | own    | own         | own     | own     |
| retention:set           | all       | -      | -           | -       | -       |
| programmes:read         | all       | -      | own         | -       | all     |
| programmes:write        | -         | -      | own         | -       | -       |
| rulebooks:publish       | -         | -      | own         | -       | -       |
| rules:evaluate          | all       | all    | all         | -       | all     |
| accounts:open           | all       | -      | all         | -       | -       |
| accounts:read           | all       | -      | dealing     | own     | masked  |
| accounts:history        | all       | own    | dealing     | own     | masked  |
| accounts:export         | all       | own    | dealing     | own     | masked  |
| accesses:read           | all       | -      | -           | own     | masked  |
| accounts:correct        | all       | -      | -           | -       | -       |
| accounts:restrict       | all       | -      | -           | -       | -       |
| accounts:suspend        | all       | -      | -           | -       | -       |
| accounts:merge          | all       | -      | -           | -       | -       |
| accounts:erase          | all       | -      | -           | -       | -       |
| certificates:award      | -         | own    | -           | -       | -       |
| certificates:amend      | -         | own    | -           | -       | -       |
| certificates:hold       | all       | own    | -           | -       | -       |
| certificates:revoke     | all       | own    | -           | -       | -       |
| certificates:read       | all       | own    | dealing     | own     | masked  |
| eligibility:ask         | -         | -      | dealing     | -       | -       |
| exemptions:decide       | -         | -      | dealing     | -       | -       |
| conversions:decide      | -         | -      | dealing     | -       | -       |
| reservations:decide     | -         | -      | dealing     | -       | -       |
| uses:read               | all       | -      | own         | own     | masked  |
| imports:write           | -         | own    | -           | -       | -       |
| imports:cancel          | all       | own    | -           | -       | -       |
| imports:read            | all       | own    | -           | -       | -       |
| consents:give           | -         | -      | -           | own     | -       |
| consents:read           | all       | -      | dealing     | own     | masked  |
| shares:grant            | -         | -      | -           | own     | -       |
| shares:read             | all       | -      | -           | own     | masked  |
| requests:make           | -         | -      | -           | own     | -       |
| requests:read           | all       | -      | -           | own     | masked  |
| requests:settle         | all       | -      | -           | -       | -       |
| approvals:read          | own       | own    | own         | -       | all     |
| approvals:decide        | own       | own    | own         | -       | -       |
"""


def cells() -> dict[str, dict[str, str]]:
    """Operation, role, reach; roles that may not do it are missing."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in TABLE.strip().splitlines()]
    header, _, *body = rows
    assert tuple(header[1:]) == ROLES
    return {row[0]: {role: cell for role, cell in zip(ROLES, row[1:], strict=True) if cell != "-"} for row in body}
