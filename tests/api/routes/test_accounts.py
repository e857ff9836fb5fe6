"""Accounts: one per person, found by document number, changed by the authority, merged, and erased for good."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.api.bank import TODAY, ReadyBank, certificate, person, wish, wishes

REASON = {"reason": "本人申请"}
NOWHERE = "0192f0c1-2d3e-7f40-8a5b-6c7d8e9f0a1b"


def _resident(number: str) -> dict[str, Any]:
    return {"name": "王小明", "document": {"type": "CN-RIC", "number": number}}


def test_an_account_is_opened(bank: ReadyBank) -> None:
    opened = bank.institution.post("/v1/accounts", {"holder": person()})

    assert opened.status_code == 201
    account = opened.json()
    assert set(account) == {"account_id", "status", "version", "opened_at"}
    assert (account["status"], account["version"]) == ("open", 1)
    assert account["opened_at"].startswith("2026-11-24T") and account["opened_at"].endswith("Z")


def test_the_same_person_has_one_account_however_the_number_is_written(own_bank: ReadyBank) -> None:
    first = own_bank.authority.post("/v1/accounts", {"holder": _resident("11010519491231002X")})

    for spelling in ("11010519491231002x", "110105 19491231 002X", "１１０１０５１９４９１２３１００２Ｘ"):
        again = own_bank.authority.post("/v1/accounts", {"holder": _resident(spelling)})
        assert (again.status_code, again.json()) == (200, first.json())


def test_the_same_number_of_another_document_type_is_another_person(bank: ReadyBank) -> None:
    passport = {"name": "A", "document": {"type": "PASSPORT", "number": "E12345678"}}
    permit = {"name": "A", "document": {"type": "CN-HKM", "number": "H12345678"}}

    first = bank.authority.post("/v1/accounts", {"holder": passport})
    second = bank.authority.post("/v1/accounts", {"holder": permit})

    assert (first.status_code, second.status_code) == (201, 201)


@pytest.mark.parametrize(
    ("document_type", "number"),
    [
        ("CN-RIC", "110105194912310021"),
        ("CN-RIC", "110105194902300025"),
        ("CN-RIC", "1101051949123100"),
        ("CN-HKM", "X12345678"),
        ("CN-TW", "1234567"),
        ("CN-FPR", "11010519491231002X"),
        ("PASSPORT", "E1"),
        ("LOCAL", "12345"),
        ("LOCAL", "​"),
    ],
)
def test_a_number_that_fails_its_check_is_refused_and_not_repeated(
    bank: ReadyBank, document_type: str, number: str
) -> None:
    holder = {"name": "王小明", "document": {"type": document_type, "number": number}}

    refused = bank.authority.post("/v1/accounts", {"holder": holder})

    assert (refused.status_code, refused.json()["code"]) == (422, "identity_number_invalid")
    assert number not in refused.text
    assert "王小明" not in refused.text


def test_a_person_is_looked_up_by_document_number(bank: ReadyBank) -> None:
    holder = person()
    opened = bank.authority.post("/v1/accounts", {"holder": holder}).json()

    found = bank.institution.post("/v1/accounts/lookup", {"document": holder["document"]})
    unknown = bank.institution.post("/v1/accounts/lookup", {"document": person()["document"]})

    assert (found.status_code, found.json()) == (200, {"account_id": opened["account_id"]})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


def test_many_accounts_are_opened_with_a_verdict_per_line(bank: ReadyBank) -> None:
    known = person()
    opened = bank.authority.post("/v1/accounts", {"holder": known}).json()
    twin = person()
    items = [
        {"holder": known},
        {"holder": twin},
        {"holder": twin},
        {"holder": _resident("110105194912310021")},
        {"holder": {"name": "x"}},
        7,
    ]

    answer = bank.authority.post("/v1/accounts:batch", {"items": items, "dry_run": False})

    assert answer.status_code == 207
    lines = answer.json()["results"]
    assert [line["index"] for line in lines] == [0, 1, 2, 3, 4, 5]
    assert [line["status"] for line in lines] == [200, 201, 200, 422, 422, 422]
    assert lines[0]["account_id"] == opened["account_id"]
    assert lines[1]["account_id"] == lines[2]["account_id"]
    codes = [line["problem"]["code"] for line in lines[3:]]
    assert codes == ["identity_number_invalid", "validation_failed", "validation_failed"]
    assert (answer.json()["accepted"], answer.json()["refused"]) == (3, 3)
    assert lines[1]["position"] == answer.headers["Creditbank-Position"]


def test_a_dry_run_opens_nothing_and_needs_no_key(bank: ReadyBank) -> None:
    holder, before = person(), bank.events()
    body = {"items": [{"holder": holder}], "dry_run": True}

    answer = bank.client.post("/v1/accounts:batch", json=body, headers=bank.authority.headers())

    assert (answer.status_code, answer.json()["accepted"]) == (207, 1)
    assert bank.events() == before
    assert bank.authority.post("/v1/accounts/lookup", {"document": holder["document"]}).status_code == 404


def test_the_holder_is_shown_masked(own_bank: ReadyBank) -> None:
    opened = own_bank.authority.post("/v1/accounts", {"holder": _resident("11010519491231002X")}).json()
    masked = {"name": "王**", "document": {"type": "CN-RIC", "number": "1101**********002X"}}

    for caller in (own_bank.authority, own_bank.auditor, own_bank.learner(opened["account_id"])):
        assert caller.get(f"/v1/accounts/{opened['account_id']}").json() == {**opened, "holder": masked}


def test_an_account_is_suspended_reinstated_and_closed(bank: ReadyBank) -> None:
    path = f"/v1/accounts/{bank.account()}"

    suspended = bank.authority.post(f"{path}/suspension", REASON)
    reinstated = bank.authority.post(f"{path}/reinstatement", REASON)
    closed = bank.authority.post(f"{path}/closure", REASON)

    assert [answer.status_code for answer in (suspended, reinstated, closed)] == [200, 200, 200]
    assert [answer.json()["status"] for answer in (suspended, reinstated, closed)] == ["suspended", "open", "closed"]
    assert [answer.json()["version"] for answer in (suspended, reinstated, closed)] == [2, 3, 4]
    assert bank.authority.get(path).json()["status"] == "closed"


@pytest.mark.parametrize(
    ("done", "asked", "status"),
    [
        ([], "reinstatement", "open"),
        (["suspension"], "suspension", "suspended"),
        (["closure"], "closure", "closed"),
        (["closure"], "suspension", "closed"),
        (["closure"], "reinstatement", "closed"),
        (["erasure"], "closure", "erased"),
        (["erasure"], "erasure", "erased"),
    ],
)
def test_a_change_that_does_not_fit_the_state_is_refused(
    bank: ReadyBank, done: list[str], asked: str, status: str
) -> None:
    path = f"/v1/accounts/{bank.account()}"
    for change in done:
        assert bank.authority.post(f"{path}/{change}", REASON).status_code == 200

    refused = bank.authority.post(f"{path}/{asked}", REASON)

    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
    assert refused.json()["current_status"] == status


@pytest.mark.parametrize("change", ["suspension", "closure", "erasure"])
def test_nothing_is_awarded_to_an_account_that_is_not_open(bank: ReadyBank, change: str) -> None:
    account_id = bank.account()
    bank.authority.post(f"/v1/accounts/{account_id}/{change}", REASON)

    posted = bank.issuer.post("/v1/certificates", certificate(holder={"account_id": account_id}))

    assert (posted.status_code, posted.json()["code"]) == (409, "account_not_open")


@pytest.mark.parametrize("change", ["suspension", "closure"])
def test_nothing_is_decided_on_an_account_that_is_not_open(bank: ReadyBank, change: str) -> None:
    holder = person()
    awarded = bank.award(holder=holder)
    bank.deal(holder)
    bank.authority.post(f"/v1/accounts/{awarded['account_id']}/{change}", REASON)

    refused = bank.institution.post("/v1/exemptions", wishes(awarded["account_id"], wish(awarded, "C1")))

    assert (refused.status_code, refused.json()["code"]) == (409, "account_not_open")
    assert bank.balance(awarded["account_id"])["available"] == "6"


def test_a_closed_account_stays_readable_for_who_looks_it_up(bank: ReadyBank) -> None:
    holder = person()
    awarded = bank.award(holder=holder)
    bank.authority.post(f"/v1/accounts/{awarded['account_id']}/closure", REASON)

    bank.deal(holder)

    assert bank.institution.get(f"/v1/accounts/{awarded['account_id']}/transcript").status_code == 200


@pytest.mark.parametrize("change", ["suspension", "reinstatement", "closure", "erasure"])
def test_an_account_that_is_not_there_is_not_found(bank: ReadyBank, change: str) -> None:
    for headers in ({}, {"If-Match": '"1"'}):
        missing = bank.authority.post(f"/v1/accounts/{NOWHERE}/{change}", REASON, headers=headers)
        assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


# Merging


def _twins(bank: ReadyBank) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A certificate in an account, one in a second account of the same person, and how that one is named."""
    second = person()
    return bank.award(), bank.award(holder=second), second


def _merge(bank: ReadyBank, survivor: str, merged: str, **headers: str) -> Any:
    body = {"merged": merged, "reason": "同一人"}
    return bank.authority.post(f"/v1/accounts/{survivor}/merge", body, headers=headers)


def test_after_a_merge_the_survivor_counts_each_certificate_once(bank: ReadyBank) -> None:
    kept, moved, _ = _twins(bank)

    answer = _merge(bank, kept["account_id"], moved["account_id"])

    assert (answer.status_code, answer.json()["status"]) == (200, "open")
    balance = bank.balance(kept["account_id"])
    assert (balance["earned"], balance["certificates"]) == ("12", 2)
    assert bank.balance(moved["account_id"])["earned"] == "0"
    found = bank.issuer.get(f"/v1/certificates/{moved['certificate_id']}").json()
    assert found["account_id"] == kept["account_id"]


def test_a_merged_account_points_to_its_survivor(bank: ReadyBank) -> None:
    kept, moved, second = _twins(bank)
    _merge(bank, kept["account_id"], moved["account_id"])

    merged = bank.authority.get(f"/v1/accounts/{moved['account_id']}").json()
    found = bank.authority.post("/v1/accounts/lookup", {"document": second["document"]}).json()
    again = bank.authority.post("/v1/accounts", {"holder": second})

    assert (merged["status"], merged["merged_into"]) == ("merged", kept["account_id"])
    assert found == {"account_id": kept["account_id"]}
    assert (again.status_code, again.json()["account_id"]) == (200, kept["account_id"])


def test_a_learners_key_goes_with_the_account_into_a_merge(own_bank: ReadyBank) -> None:
    awarded, survivor = own_bank.award(), own_bank.account()
    learner, merged, stranger = own_bank.learner(awarded["account_id"]), awarded["account_id"], own_bank.account()
    own_bank.authority.post(f"/v1/accounts/{survivor}/merge", {"merged": merged, "reason": "x"})
    own_bank.clock.set(TODAY + timedelta(days=1))  # well after the seconds for which a key is remembered

    pointer = learner.get(f"/v1/accounts/{merged}").json()

    assert (pointer["status"], pointer["merged_into"]) == ("merged", survivor)
    assert learner.get(f"/v1/accounts/{survivor}/balance").json()["available"] == "6"
    assert learner.get(f"/v1/certificates/{awarded['certificate_id']}").status_code == 200
    types = {item["type"] for item in learner.get("/v1/events?limit=1000").json()["items"]}
    assert {"account-merged/1", "certificate-received/1"} <= types
    assert learner.get(f"/v1/accounts/{stranger}").status_code == 404


def test_commands_on_a_merged_account_are_answered_with_the_pointer(bank: ReadyBank) -> None:
    kept, moved, second = _twins(bank)
    bank.deal(second)
    _merge(bank, kept["account_id"], moved["account_id"])
    path = f"/v1/accounts/{moved['account_id']}"

    refusals = [bank.authority.post(f"{path}/{one}", REASON) for one in ("suspension", "reinstatement", "closure")]
    refusals.append(bank.authority.post(f"{path}/erasure", REASON))
    refusals.append(_merge(bank, moved["account_id"], kept["account_id"]))
    refusals.append(_merge(bank, bank.account(), moved["account_id"]))
    refusals.append(bank.issuer.post("/v1/certificates", certificate(holder={"account_id": moved["account_id"]})))
    same = certificate(number=moved["number"], holder={"account_id": moved["account_id"]})
    refusals.append(bank.issuer.post("/v1/certificates", same))
    refusals.append(bank.institution.post("/v1/exemptions", wishes(moved["account_id"], wish(moved, "C1"))))

    for refused in refusals:
        assert (refused.status_code, refused.json()["code"]) == (409, "account_merged"), refused.text
        assert refused.json()["merged_into"] == kept["account_id"]


def test_uses_go_over_with_a_merge_so_that_nothing_used_becomes_free(bank: ReadyBank) -> None:
    kept, moved, second = _twins(bank)
    bank.deal(second)
    exempted = bank.institution.post("/v1/exemptions", wishes(moved["account_id"], wish(moved, "C1"))).json()

    _merge(bank, kept["account_id"], moved["account_id"])

    balance = bank.balance(kept["account_id"])
    assert (balance["earned"], balance["used"], balance["available"]) == ("12", "4", "8")
    read = bank.institution.get(f"/v1/exemptions/{exempted['exemption_id']}").json()
    assert (read["account_id"], read["status"]) == (kept["account_id"], "active")
    reversal = bank.institution.post(f"/v1/exemptions/{exempted['exemption_id']}/reversal", REASON)
    assert (reversal.status_code, reversal.json()["status"]) == (200, "reversed")
    assert bank.balance(kept["account_id"])["available"] == "12"


def test_certificates_keep_their_state_through_a_merge(bank: ReadyBank) -> None:
    kept, moved, second = _twins(bank)
    held = bank.award(holder=second)
    bank.issuer.post(f"/v1/certificates/{held['certificate_id']}/hold", REASON)
    bank.issuer.post(f"/v1/certificates/{moved['certificate_id']}/revocation", REASON)

    _merge(bank, kept["account_id"], moved["account_id"])

    balance = bank.balance(kept["account_id"])
    assert (balance["earned"], balance["held"], balance["certificates"]) == ("12", "6", 2)
    assert bank.public.get(f"/v1/verify/BIM-EVAL/{moved['number']}").json()["status"] == "revoked"


def test_a_merge_is_one_append(bank: ReadyBank) -> None:
    kept, moved, _ = _twins(bank)

    answer = _merge(bank, kept["account_id"], moved["account_id"])

    history = bank.authority.get(f"/v1/accounts/{kept['account_id']}/events").json()["items"]
    ended = bank.authority.get(f"/v1/accounts/{moved['account_id']}/events").json()["items"]
    assert [item["type"] for item in history[2:]] == ["account-received/1", "certificate-received/1"]
    assert [item["type"] for item in ended[2:]] == ["account-merged/1"]
    assert len({item["causation"] for item in [*history[2:], *ended[2:]]}) == 1
    positions = set(answer.headers["Creditbank-Position"].split(","))
    assert {history[-1]["position"], ended[-1]["position"]} >= positions


def test_an_account_is_not_merged_into_itself_or_with_nobody(bank: ReadyBank) -> None:
    account_id = bank.account()

    itself = _merge(bank, account_id, account_id)
    nobody = _merge(bank, account_id, NOWHERE)

    assert (itself.status_code, itself.json()["errors"][0]["pointer"]) == (422, "/merged")
    assert nobody.status_code == 404


# Erasure


def test_an_erased_person_cannot_be_found_and_numbers_stay_valid(bank: ReadyBank) -> None:
    holder = person()
    awarded = bank.award(holder=holder)
    path = f"/v1/accounts/{awarded['account_id']}"

    answer = bank.authority.post(f"{path}/erasure", REASON)

    assert (answer.status_code, answer.json()["status"]) == (200, "erased")
    assert answer.json()["receipt"]["account_id"] == awarded["account_id"]
    assert bank.authority.post("/v1/accounts/lookup", {"document": holder["document"]}).status_code == 404
    assert bank.authority.get(path).json()["holder"] is None
    verified = bank.public.get(f"/v1/verify/BIM-EVAL/{awarded['number']}").json()
    assert (verified["status"], verified["level"], verified["holder_masked"]) == ("active", "中级", None)
    assert bank.balance(awarded["account_id"])["available"] == "6"


def test_an_erased_person_may_open_a_new_account_which_is_unlinked(bank: ReadyBank) -> None:
    holder = person()
    awarded = bank.award(holder=holder)
    bank.authority.post(f"/v1/accounts/{awarded['account_id']}/erasure", REASON)

    opened = bank.authority.post("/v1/accounts", {"holder": holder})
    again = bank.issuer.post("/v1/certificates", certificate(number=awarded["number"], holder=holder))

    assert opened.status_code == 201
    assert opened.json()["account_id"] != awarded["account_id"]
    assert (again.status_code, again.json()["code"]) == (409, "certificate_number_taken")
    assert awarded["account_id"] not in again.text


def test_erasure_reaches_every_account_that_was_merged_on_the_way(bank: ReadyBank) -> None:
    people = [person() for _ in range(3)]
    first, second, third = (bank.authority.post("/v1/accounts", {"holder": one}).json()["account_id"] for one in people)
    _merge(bank, second, first)
    _merge(bank, third, second)

    bank.authority.post(f"/v1/accounts/{third}/erasure", REASON)

    for account_id in (first, second, third):
        assert bank.authority.get(f"/v1/accounts/{account_id}").json()["holder"] is None
    for one in people:
        assert bank.authority.post("/v1/accounts/lookup", {"document": one["document"]}).status_code == 404


def test_what_a_person_used_stays_used_after_erasure(bank: ReadyBank) -> None:
    holder = person()
    awarded = bank.award(holder=holder)
    bank.deal(holder)
    bank.institution.post("/v1/exemptions", wishes(awarded["account_id"], wish(awarded, "C1")))

    bank.authority.post(f"/v1/accounts/{awarded['account_id']}/erasure", REASON)

    assert bank.balance(awarded["account_id"])["used"] == "4"
    assert bank.institution.get(f"/v1/accounts/{awarded['account_id']}/balance").json()["used"] == "4"


# Versions


def test_account_reads_carry_their_version_as_entity_tag(bank: ReadyBank) -> None:
    awarded = bank.award()
    for answer_of in ("", "/balance", "/transcript"):
        path = f"/v1/accounts/{awarded['account_id']}{answer_of}"

        read = bank.authority.get(path)
        known = bank.authority.get(path, {"If-None-Match": '"2"'})
        stale = bank.authority.get(path, {"If-None-Match": '"1", W/"3"'})

        assert (read.headers["ETag"], read.json()["version"]) == ('"2"', 2)
        assert (known.status_code, known.content, known.headers["ETag"]) == (304, b"", '"2"')
        assert stale.status_code == 200


@pytest.mark.parametrize("change", ["suspension", "closure", "erasure", "merge"])
def test_a_command_decided_on_an_older_version_is_refused(bank: ReadyBank, change: str) -> None:
    account_id = bank.account()
    body = {"merged": bank.account(), "reason": "同一人"} if change == "merge" else REASON
    path = f"/v1/accounts/{account_id}/{change}"

    stale = bank.authority.post(path, body, headers={"If-Match": '"7"'})
    weak = bank.authority.post(path, body, headers={"If-Match": 'W/"1"'})
    fresh = bank.authority.post(path, body, headers={"If-Match": '"7", "1"'})

    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    assert weak.status_code == 412
    assert fresh.status_code == 200


def test_an_if_match_that_is_no_tag_is_malformed(bank: ReadyBank) -> None:
    path = f"/v1/accounts/{bank.account()}/suspension"

    refused = bank.authority.post(path, REASON, headers={"If-Match": "seven"})

    assert refused.status_code == 400
    assert refused.json()["errors"][0]["parameter"] == "If-Match"


def test_get_also_answers_head(bank: ReadyBank) -> None:
    path = f"/v1/accounts/{bank.account()}/balance"

    head = bank.client.head(path, headers=bank.authority.headers())

    assert (head.status_code, head.content, head.headers["ETag"]) == (200, b"", '"1"')
    assert int(head.headers["Content-Length"]) > 0


# Transcript and history


def test_the_transcript_is_in_the_order_of_record(bank: ReadyBank) -> None:
    holder = person()
    late = bank.award(holder=holder, issued_on="2026-07-01")
    bank.deal(holder)
    exempted = bank.institution.post("/v1/exemptions", wishes(late["account_id"], wish(late, "C1"))).json()
    early = bank.award(holder=holder, issued_on="2020-07-01")
    converted = bank.institution.post("/v1/conversions", wishes(late["account_id"], wish(early))).json()

    transcript = bank.institution.get(f"/v1/accounts/{late['account_id']}/transcript").json()

    entries = transcript["entries"]
    assert [entry["kind"] for entry in entries] == ["certificate", "exemption", "certificate", "conversion"]
    assert [entry["status"] for entry in entries] == ["active"] * 4
    assert [entry["credits"] for entry in entries] == ["6", "4", "6", "6"]
    assert entries[0]["certificate_id"] == late["certificate_id"]
    assert entries[1]["exemption_id"] == exempted["exemption_id"]
    assert entries[3]["conversion_id"] == converted["conversion_id"]
    recorded = [entry["recorded_at"] for entry in entries]
    assert recorded == sorted(recorded)


def test_the_history_of_an_account_is_complete_and_oldest_first(bank: ReadyBank) -> None:
    awarded = bank.award()
    path = f"/v1/accounts/{awarded['account_id']}"
    bank.authority.post(f"{path}/suspension", REASON)

    first = bank.authority.get(f"{path}/events?limit=2")
    rest = bank.authority.get(f"{path}/events?limit=2&cursor={first.json()['next_cursor']}").json()

    items = [*first.json()["items"], *rest["items"]]
    assert [item["version"] for item in items] == [1, 2, 3]
    assert [item["type"] for item in items] == ["account-opened/1", "certificate-awarded/1", "account-suspended/1"]
    assert items[1]["data"]["number"] == awarded["number"]
    assert all(set(item) >= {"position", "recorded_at", "actor", "data"} for item in items)
    assert rest["next_cursor"] is None
    assert 'rel="next"' in first.headers["Link"] and first.json()["next_cursor"] in first.headers["Link"]


def test_no_event_holds_personal_data(own_bank: ReadyBank) -> None:
    holder = {**_resident("11010519491231002X"), "birth_date": "1949-12-31"}
    own_bank.award(holder=holder)

    feed = own_bank.authority.get("/v1/events?limit=1000").text

    for secret in ("王小明", "11010519491231002", "1949-12-31"):
        assert secret not in feed
