"""The public log over HTTP: anybody reads the files, whoever sees an event gets its proof."""

from __future__ import annotations

from typing import Any

import pytest

from creditbank.audit import checking
from creditbank.audit.transparency import notes, tiles
from creditbank.audit.transparency.notes import VerifierKey
from creditbank.publication import open_publisher
from tests.api.bank import ReadyBank, on_one_database, person, wish, wishes


def publish(bank: ReadyBank) -> None:
    """Publish all there is, as the publisher beside the server would within a second."""
    state: Any = bank.client.app.state  # type: ignore[attr-defined]
    publisher = open_publisher(state.settings, state.bank.engine, bank.clock)
    publisher.open()
    while publisher.publish() is not None:
        pass


def keys_of(bank: ReadyBank) -> list[VerifierKey]:
    return [notes.verifier_key(line) for line in bank.public.get("/log/v1/log.vkey").text.splitlines()]


def test_anybody_reads_the_log(bank: ReadyBank) -> None:
    bank.award()
    publish(bank)

    answer = bank.public.get("/log/v1/checkpoint")

    head = checking.signed_checkpoint(answer.text, keys_of(bank))
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert head.size > 0
    for tile in [*tiles.tiles_of(head.size), *tiles.bundles_of(head.size)]:
        found = bank.public.get(f"/log/v1/{tile.path}")
        assert found.status_code == 200
        assert "immutable" in found.headers["Cache-Control"]
        assert found.headers["Content-Type"] == "application/octet-stream"
    *_, last = tiles.bundles_of(head.size)
    assert len(tiles.unpack(bank.public.get(f"/log/v1/{last.path}").content)) == last.width


@on_one_database
@pytest.mark.parametrize(
    "path",
    ["0/999", "0/000.p/0", "entries/999", "64/000", "0/%2e%2e/000", "..%2f..%2fkeys%2flog", "0/", "x"],
)
def test_there_is_nothing_else(bank: ReadyBank, path: str) -> None:
    assert bank.public.get(f"/log/v1/tile/{path}").status_code == 404


def test_whoever_sees_an_event_gets_its_proof(bank: ReadyBank) -> None:
    awarded = bank.award()
    publish(bank)
    history = bank.issuer.get(f"/v1/accounts/{awarded['account_id']}/events").json()["items"]

    answer = bank.issuer.get(f"/v1/events/{history[0]['position']}/proof")

    proven = checking.event(answer.text, keys_of(bank))
    assert (proven.record["type"], proven.record["at"]) == ("certificate-awarded/1", history[0]["position"])
    assert bank.other_issuer.get(f"/v1/events/{history[0]['position']}/proof").status_code == 404
    assert bank.public.get(f"/v1/events/{history[0]['position']}/proof").status_code == 401


@on_one_database
@pytest.mark.parametrize("position", ["0:999999999", "63:999999999999999999", "99:1"])
def test_an_event_that_is_not_there_has_no_proof(bank: ReadyBank, position: str) -> None:
    assert bank.auditor.get(f"/v1/events/{position}/proof").status_code == 404


@on_one_database
@pytest.mark.parametrize("position", ["x", "1:0", "1", "1:1:1", "-1:1", "1:99999999999999999999"])
def test_a_position_is_partition_and_number(bank: ReadyBank, position: str) -> None:
    assert bank.auditor.get(f"/v1/events/{position}/proof").status_code == 422


def test_a_proof_comes_when_a_checkpoint_covers_the_event(postgresql_bank: ReadyBank) -> None:
    bank = postgresql_bank  # where nobody publishes by himself
    awarded = bank.award()
    history = bank.authority.get(f"/v1/accounts/{awarded['account_id']}/events").json()["items"]
    path = f"/v1/events/{history[-1]['position']}/proof"

    early = bank.authority.get(path)
    publish(bank)

    assert (early.status_code, early.headers["Retry-After"]) == (202, "1")
    assert bank.authority.get(path).status_code == 200


def test_every_line_of_a_transcript_carries_its_proof(bank: ReadyBank) -> None:
    holder = person()
    awarded = bank.award(holder=holder)
    bank.deal(holder)
    bank.institution.post("/v1/exemptions", wishes(awarded["account_id"], wish(awarded, "C1")))
    publish(bank)
    later = bank.award(holder=holder)
    path = f"/v1/accounts/{awarded['account_id']}/transcript"

    plain = bank.institution.get(path)
    proven = bank.institution.get(path, params={"proofs": "1"}).json()["entries"]

    assert "proof" not in plain.json()["entries"][0]
    records = [checking.event(entry["proof"], keys_of(bank)).record for entry in proven[:2]]
    assert [(one["type"], one["version"]) for one in records] == [
        ("certificate-awarded/1", proven[0]["recorded_version"]),
        ("courses-exempted/1", proven[1]["recorded_version"]),
    ]
    assert {one["stream"] for one in records} == {awarded["account_id"]}
    assert proven[2]["certificate_id"] == later["certificate_id"]
    publish(bank)
    assert bank.institution.get(path, params={"proofs": "1"}).json()["entries"][2]["proof"] is not None


def test_an_auditor_gets_no_proof_of_what_is_masked(bank: ReadyBank) -> None:
    plain, named = bank.award(), bank.award(external_id="S-20260001")
    publish(bank)

    def proof_of(awarded: dict[str, Any]) -> int:
        history = bank.issuer.get(f"/v1/accounts/{awarded['account_id']}/events").json()["items"]
        return bank.auditor.get(f"/v1/events/{history[0]['position']}/proof").status_code

    assert (proof_of(plain), proof_of(named)) == (200, 403)
    path = f"/v1/accounts/{plain['account_id']}/transcript"
    assert bank.auditor.get(path, params={"proofs": "1"}).status_code == 403
    assert bank.auditor.get(path).status_code == 200
