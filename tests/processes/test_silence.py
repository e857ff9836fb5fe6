"""What a bank writes about its work names nobody, and no key: neither its logs nor its metrics."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

from tests.personal import WATCH
from tests.processes.bank import certificate, done, first_key, person, prepare
from tests.processes.calls import Caller
from tests.processes.server import Installation


def test_neither_logs_nor_metrics_name_anybody(database_url: str, tmp_path: Path) -> None:
    installation = Installation(database_url, tmp_path, {"CREDITBANK_ACCESS_LOG": "true"})
    authority = first_key(installation)
    holder, stranger = person(), person()
    with installation.serving() as process, Caller(process.address) as caller:
        keys = prepare(caller, authority)
        opened = done(caller, "/v1/accounts", keys.institution, {"holder": holder})
        done(caller, "/v1/certificates", keys.issuer, certificate(holder=holder))
        wrong = {"holder": {**stranger, "document": {"type": "CN-RIC", "number": "11010519491231002A"}}}
        refused = [
            caller.post("/v1/accounts/lookup", keys.institution, {"document": stranger["document"]}, str(uuid4())),
            caller.post("/v1/accounts", keys.institution, wrong, str(uuid4())),
            caller.post("/v1/accounts", keys.institution, {"holder": holder["name"]}, str(uuid4())),
            caller.get(f"/v1/accounts/{opened['account_id']}?name={holder['document']['number']}", "cb_wrong"),
        ]
        assert [answer.status for answer in refused] == [404, 422, 422, 401]
        metrics = caller.get("/metrics").body.decode()
        written = process.kill()
    assert {"王小明", holder["document"]["number"].upper(), "11010519491231002A", authority} <= (
        WATCH.names | WATCH.numbers | WATCH.secrets
    )
    assert 'route="/v1/accounts/lookup"' in metrics
    assert {json.loads(line)["route"] for line in written.splitlines()} >= {"/v1/accounts", "/v1/certificates"}
    assert WATCH.found(metrics + written + installation.log.read_text()) == set()
