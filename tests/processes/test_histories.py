"""Many clients exempt, reserve, reverse, hold and revoke on a few accounts: every version of them is legal."""

from __future__ import annotations

from creditbank.ledger.database import open_engine
from tests.processes import bank, findings, histories
from tests.processes.contenders import Contenders
from tests.processes.histories import Shared

ACCOUNTS, CERTIFICATES, CLIENTS, OPERATIONS = 3, 4, 16, 320
SLOWEST_SECONDS = 5.0


def test_every_version_of_a_shared_account_is_legal(contenders: Contenders) -> None:
    shared = [Shared(*bank.shared_account(contenders.first, contenders.keys, CERTIFICATES)) for _ in range(ACCOUNTS)]
    outcomes = histories.work(
        contenders.addresses, contenders.keys, shared, clients=CLIENTS, operations=OPERATIONS, seed=20261124
    )
    assert outcomes.operations == OPERATIONS
    assert outcomes.slowest < SLOWEST_SECONDS
    assert {
        "exempt 201",
        "exempt not_eligible",
        "reverse 200",
        "reverse wrong_state",
        "reserve 201",
    } <= outcomes.told.keys()
    assert any(told.startswith("confirm ") for told in outcomes.told)  # of few, none need find its hold still open
    assert not [told for told in outcomes.told if "internal" in told or "unavailable" in told]
    engine = open_engine(contenders.installation.database_url)
    assert histories.anomalies(engine, shared, outcomes) == []
    assert findings.against_history(engine) == []
    engine.dispose()
