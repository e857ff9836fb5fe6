"""The auditor finds what was taken out of the record of who looked, at its end and within."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import Engine

from creditbank.audit.replay import differences
from creditbank.domain.values import partition_of
from creditbank.ledger import accesses
from creditbank.ledger.accesses import Access, Look
from creditbank.ledger.database import writing

ACCOUNT = UUID(int=7)
LOOK = Look(
    credential="key", role="auditor", organisation="AUDIT", operation="accounts:read", fields="balance", purpose="audit"
)


@pytest.mark.parametrize("removed", [1, 2, 3])
def test_a_record_that_was_removed_is_missed(engine: Engine, removed: int) -> None:
    with writing(engine) as connection:
        accesses.append(connection, [Access(ACCOUNT, LOOK)] * 3, now=1)
    assert list(differences(engine)) == []

    with engine.begin() as connection:
        connection.exec_driver_sql(f"DELETE FROM access_record WHERE position = {removed}")

    [found] = differences(engine)
    assert found.where == f"accesses of partition {partition_of(ACCOUNT)}"
    assert found.expected == "Extent(count=3, first=1, last=3)"
