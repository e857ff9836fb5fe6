"""Reservations: credits held for one application, confirmed, released or lapsed; a rival waits and is told how long."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from creditbank.commands.jobs import lapse_reservations
from tests.api.bank import PROGRAMME, RULES, TODAY, Caller, ReadyBank, person, wish, wishes

REASON = {"reason": "学生撤回申请"}
LAPSES = "2026-12-01T00:00:00Z"
Asked = Callable[[Caller, str], Any]


def _dealt(bank: ReadyBank, **changes: Any) -> dict[str, Any]:
    """A certificate of 6 credits in an account that both institutions deal with."""
    holder = changes.pop("holder", None) or person()
    awarded = bank.award(holder=holder, **changes)
    for caller in (bank.institution, bank.other_institution):
        assert caller.post("/v1/accounts/lookup", {"document": holder["document"]}).status_code == 200
    return awarded


def _reserve(bank: ReadyBank, awarded: dict[str, Any], target: str | None = "C1", **changes: Any) -> Any:
    body = wishes(awarded["account_id"], wish(awarded, target), expires_at=LAPSES, **changes)
    return bank.institution.post("/v1/reservations", body)


def _reserved(bank: ReadyBank, awarded: dict[str, Any], target: str | None = "C1", **changes: Any) -> str:
    answer = _reserve(bank, awarded, target, **changes)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["reservation_id"])


@pytest.fixture
def rival(bank: ReadyBank) -> Caller:
    """The other institution, with a programme of its own."""
    return _with_programme(bank, bank.other_institution)


def _with_programme(bank: ReadyBank, caller: Caller) -> Caller:
    programme = {"institution": "WHUT", **PROGRAMME, "rulebook": "whut"}
    if bank.authority.get("/v1/rulebooks/whut").status_code == 404:
        published = caller.post("/v1/rulebooks/whut/versions", {"rules": RULES, "effective_from": "2020-01-01"})
        assert published.status_code == 201, published.text
        assert caller.post("/v1/programmes", programme).status_code == 201
    return caller


def _theirs(awarded: dict[str, Any], target: str | None = None, **changes: Any) -> dict[str, Any]:
    programme = {"institution": "WHUT", "code": PROGRAMME["code"]}
    return wishes(awarded["account_id"], wish(awarded, target), programme=programme, **changes)


def test_a_reservation_holds_what_the_rulebook_grants(bank: ReadyBank) -> None:
    awarded = _dealt(bank)

    answer = _reserve(bank, awarded)

    made = answer.json()
    assert answer.status_code == 201
    assert (made["status"], made["kind"], made["expires_at"]) == ("open", "exemption", "2026-12-01T00:00:00.000000Z")
    assert [(one["target"], one["credits"]) for one in made["granted"]] == [("C1", "4")]
    assert made["caps"][0].items() >= {"id": "each", "before": "0", "after": "4"}.items()
    assert (made["rulebook"], made["version"], made["version_of_account"]) == ("hbvtc-x", 1, 5)
    assert answer.headers["Creditbank-Position"]
    balance = bank.balance(awarded["account_id"])
    assert (balance["used"], balance["reserved"], balance["available"]) == ("0", "4", "2")
    read = bank.institution.get(f"/v1/reservations/{made['reservation_id']}").json()
    assert {name: read[name] for name in ("status", "granted", "expires_at")} == {
        name: made[name] for name in ("status", "granted", "expires_at")
    }


def test_a_rival_is_told_when_it_lapses_and_not_who_holds_it(bank: ReadyBank, rival: Caller) -> None:
    awarded = _dealt(bank)
    _reserved(bank, awarded)
    asked = [
        ("/v1/exemptions", _theirs(awarded, "C1")),
        ("/v1/conversions", _theirs(awarded)),
        ("/v1/reservations", _theirs(awarded, "C1", expires_at=LAPSES)),
    ]

    for path, body in asked:
        refused = rival.post(path, body)

        assert (refused.status_code, refused.json()["code"]) == (409, "outcome_reserved"), refused.text
        assert refused.json()["lapses_at"] == "2026-12-01T00:00:00.000000Z"
        assert "2026-12-01" in refused.json()["detail"]
        assert "HBVTC" not in refused.text and "CONSTR-2026" not in refused.text


def test_what_the_reservation_leaves_is_anybodys(bank: ReadyBank, rival: Caller) -> None:
    awarded = _dealt(bank)
    _reserved(bank, awarded)

    granted = rival.post("/v1/exemptions", _theirs(awarded, "C2"))

    assert granted.status_code == 201
    balance = bank.balance(awarded["account_id"])
    assert (balance["used"], balance["reserved"], balance["available"]) == ("2", "4", "0")


def test_in_a_partial_answer_the_reserved_certificate_is_one_refusal_among_others(
    bank: ReadyBank, rival: Caller
) -> None:
    holder = person()
    first, second = _dealt(bank, holder=holder), _dealt(bank, holder=holder)
    _reserved(bank, first, None)
    programme = {"institution": "WHUT", "code": PROGRAMME["code"]}

    answer = rival.post(
        "/v1/exemptions",
        wishes(first["account_id"], wish(first, "C1"), wish(second, "C3"), programme=programme),
    )

    assert answer.status_code == 201
    assert [(one["certificate_id"], one["reason"]) for one in answer.json()["refused"]] == [
        (first["certificate_id"], "OUTCOME_RESERVED")
    ]


def _at_once(asked: list[Callable[[], Any]]) -> list[Any]:
    ready = Barrier(len(asked))

    def ask(one: Callable[[], Any]) -> Any:
        ready.wait()
        return one()

    with ThreadPoolExecutor(len(asked)) as threads:
        return [waiting.result() for waiting in [threads.submit(ask, one) for one in asked]]


@pytest.mark.parametrize("path", ["reservations", "exemptions"])
def test_of_two_institutions_at_the_same_moment_exactly_one_wins(bank: ReadyBank, rival: Caller, path: str) -> None:
    more = {"expires_at": LAPSES} if path == "reservations" else {}
    for _ in range(5):
        awarded = _dealt(bank)
        ours = wishes(awarded["account_id"], wish(awarded, "C1"), **more)
        theirs = _theirs(awarded, "C1", **more)

        answers = _at_once(
            [
                lambda body=ours: bank.institution.post(f"/v1/{path}", body),
                lambda body=theirs: rival.post(f"/v1/{path}", body),
            ]
        )

        won = [answer for answer in answers if answer.status_code == 201]
        (lost,) = [answer for answer in answers if answer.status_code != 201]
        assert len(won) == 1
        expected = (409, "outcome_reserved") if path == "reservations" else (422, "not_eligible")
        assert (lost.status_code, lost.json()["code"]) == expected
        balance = bank.balance(awarded["account_id"])
        assert (balance["used"], balance["reserved"]) in {("4", "0"), ("0", "4")}


# Confirmation and release


@pytest.mark.parametrize(("target", "kind"), [("C1", "exemption"), (None, "conversion")])
def test_a_confirmation_makes_the_use_that_was_decided(bank: ReadyBank, target: str | None, kind: str) -> None:
    awarded = _dealt(bank)
    reservation = _reserve(bank, awarded, target).json()

    answer = bank.institution.post(f"/v1/reservations/{reservation['reservation_id']}/confirmation")

    use = answer.json()
    assert (answer.status_code, use["status"]) == (201, "active")
    assert (use["granted"], use["caps"]) == (reservation["granted"], reservation["caps"])
    assert bank.institution.get(f"/v1/{kind}s/{use[f'{kind}_id']}").json()["granted"] == reservation["granted"]
    read = bank.institution.get(f"/v1/reservations/{reservation['reservation_id']}").json()
    assert read["status"] == "confirmed"
    balance = bank.balance(awarded["account_id"])
    assert (balance["used"], balance["reserved"]) == (use["credits"], "0")


@pytest.mark.parametrize("first", ["confirmation", "release"])
@pytest.mark.parametrize("second", ["confirmation", "release"])
def test_what_has_ended_does_not_end_again(bank: ReadyBank, first: str, second: str) -> None:
    path = f"/v1/reservations/{_reserved(bank, _dealt(bank))}"
    bodies = {"confirmation": None, "release": REASON}
    assert bank.institution.post(f"{path}/{first}", bodies[first]).is_success

    refused = bank.institution.post(f"{path}/{second}", bodies[second])

    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
    assert refused.json()["current_status"] == {"confirmation": "confirmed", "release": "released"}[first]


def test_a_confirmation_that_is_sent_again_gets_the_same_answer(bank: ReadyBank) -> None:
    path = f"/v1/reservations/{_reserved(bank, _dealt(bank))}/confirmation"

    first = bank.institution.post(path, key="confirm-once")
    again = bank.institution.post(path, key="confirm-once")

    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"


def test_what_is_released_is_free_for_the_rival(bank: ReadyBank, rival: Caller) -> None:
    awarded = _dealt(bank)
    reservation_id = _reserved(bank, awarded)

    released = bank.institution.post(f"/v1/reservations/{reservation_id}/release", REASON)

    assert (released.status_code, released.json()["status"]) == (200, "released")
    assert bank.balance(awarded["account_id"])["reserved"] == "0"
    assert rival.post("/v1/exemptions", _theirs(awarded, "C1")).status_code == 201


def test_a_command_decided_on_an_older_version_is_refused(bank: ReadyBank) -> None:
    awarded = _dealt(bank)
    body = wishes(awarded["account_id"], wish(awarded, "C1"), expires_at=LAPSES)

    stale = bank.institution.post("/v1/reservations", body, headers={"If-Match": '"2"'})
    fresh = bank.institution.post("/v1/reservations", body, headers={"If-Match": '"4"'})
    path = f"/v1/reservations/{fresh.json()['reservation_id']}"
    late = bank.institution.post(f"{path}/confirmation", headers={"If-Match": '"4"'})

    assert (stale.status_code, fresh.status_code, late.status_code) == (412, 201, 412)


def test_a_reservation_of_another_institution_is_not_found(bank: ReadyBank, rival: Caller) -> None:
    path = f"/v1/reservations/{_reserved(bank, _dealt(bank))}"

    for answer in (rival.get(path), rival.post(f"{path}/confirmation"), rival.post(f"{path}/release", REASON)):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("made", ["exemptions", "conversions"])
def test_a_use_is_no_reservation_and_a_reservation_is_no_use(bank: ReadyBank, made: str) -> None:
    awarded = _dealt(bank)
    target = "C1" if made == "exemptions" else None
    use = bank.institution.post(f"/v1/{made}", wishes(awarded["account_id"], wish(awarded, target))).json()
    reservation_id = _reserved(bank, _dealt(bank), target)

    assert bank.institution.get(f"/v1/reservations/{use[made[:-1] + '_id']}").status_code == 404
    assert bank.institution.get(f"/v1/{made}/{reservation_id}").status_code == 404
    assert bank.institution.post(f"/v1/{made}/{reservation_id}/reversal", REASON).status_code == 404


def test_issuers_and_auditors_reserve_nothing(bank: ReadyBank) -> None:
    awarded = _dealt(bank)
    body = wishes(awarded["account_id"], wish(awarded, "C1"), expires_at=LAPSES)

    for caller in (bank.issuer, bank.auditor, bank.authority, bank.learner(awarded["account_id"])):
        assert caller.post("/v1/reservations", body).status_code == 403


# Terms


@pytest.mark.parametrize(
    "expires_at",
    [
        "2026-11-24T11:59:59Z",
        "2020-01-01T00:00:00Z",
        "2026-12-25T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "2026-12-01T00:00:00",
        "2026-12-01",
        "soon",
        1,
        None,
    ],
)
def test_a_term_is_an_instant_in_the_future_within_thirty_days(bank: ReadyBank, expires_at: Any) -> None:
    awarded = _dealt(bank)
    body = {**wishes(awarded["account_id"], wish(awarded, "C1")), "expires_at": expires_at}

    refused = bank.institution.post("/v1/reservations", body)

    assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
    assert [fault["pointer"] for fault in refused.json()["errors"]] == ["/expires_at"]
    assert bank.balance(awarded["account_id"])["reserved"] == "0"


def test_requests_with_and_without_a_course_do_not_mix(bank: ReadyBank) -> None:
    awarded = _dealt(bank)
    body = wishes(awarded["account_id"], wish(awarded, "C1"), wish(awarded), expires_at=LAPSES)

    refused = bank.institution.post("/v1/reservations", body)

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/requests/1/target")


def test_what_the_rulebook_refuses_is_not_reserved(bank: ReadyBank) -> None:
    awarded = _dealt(bank)

    refused = _reserve(bank, awarded, "P1")

    assert (refused.status_code, refused.json()["code"]) == (422, "not_eligible")
    assert refused.json()["refused"][0]["reason"] == "TARGET_NOT_EXEMPTIBLE"


def _types(bank: ReadyBank, account_id: str) -> list[str]:
    items = bank.authority.get(f"/v1/accounts/{account_id}/events").json()["items"]
    return [item["type"].removesuffix("/1") for item in items]


def test_a_reservation_lapses_by_the_clock_alone(own_bank: ReadyBank) -> None:
    bank = own_bank
    rival = _with_programme(bank, bank.other_institution)
    awarded = _dealt(bank)
    path = f"/v1/reservations/{_reserved(bank, awarded)}"

    bank.clock.set(TODAY + timedelta(days=8))

    assert bank.institution.get(path).json()["status"] == "lapsed"
    balance = bank.balance(awarded["account_id"])
    assert (balance["reserved"], balance["available"]) == ("0", "6")
    late = bank.institution.post(f"{path}/confirmation")
    assert (late.status_code, late.json()["code"], late.json()["current_status"]) == (409, "wrong_state", "lapsed")
    assert bank.institution.post(f"{path}/release", REASON).status_code == 409
    assert rival.post("/v1/exemptions", _theirs(awarded, "C1")).status_code == 201


def test_a_recorded_lapse_holds_when_the_clock_is_set_back(own_bank: ReadyBank) -> None:
    bank = own_bank
    awarded = _dealt(bank)
    path = f"/v1/reservations/{_reserved(bank, awarded)}"
    desk = bank.client.app.state.desk
    lapse_reservations(bank.core, desk)
    assert "reservation-lapsed" not in _types(bank, awarded["account_id"])
    bank.clock.set(TODAY + timedelta(days=8))
    lapse_reservations(bank.core, desk)
    lapse_reservations(bank.core, desk)

    assert _types(bank, awarded["account_id"]).count("reservation-lapsed") == 1
    bank.clock.set(TODAY)
    assert bank.institution.get(path).json()["status"] == "lapsed"
    assert bank.balance(awarded["account_id"])["available"] == "6"
    assert bank.institution.post(f"{path}/confirmation").status_code == 409


def test_what_somebody_else_took_when_it_had_lapsed_stays_theirs_when_the_clock_is_set_back(
    own_bank: ReadyBank,
) -> None:
    bank, rival = own_bank, _with_programme(own_bank, own_bank.other_institution)
    awarded = _dealt(bank)
    reservation_id = _reserved(bank, awarded)
    bank.clock.set(TODAY + timedelta(days=8))
    assert rival.post("/v1/exemptions", _theirs(awarded, "C1")).status_code == 201

    bank.clock.set(TODAY)

    refused = bank.institution.post(f"/v1/reservations/{reservation_id}/confirmation")
    assert (refused.status_code, refused.json()["current_status"]) == (409, "lapsed")
    lapse_reservations(bank.core, bank.client.app.state.desk)
    balance = bank.balance(awarded["account_id"])
    assert (balance["used"], balance["available"], balance["shortfall"]) == ("4", "2", "0")


def test_a_confirmed_or_released_reservation_does_not_lapse(sqlite_bank: ReadyBank) -> None:
    bank = sqlite_bank
    awarded = [_dealt(bank), _dealt(bank)]
    paths = [f"/v1/reservations/{_reserved(bank, one)}" for one in awarded]
    bank.institution.post(f"{paths[0]}/confirmation")
    bank.institution.post(f"{paths[1]}/release", REASON)

    bank.clock.set(TODAY + timedelta(days=40))
    lapse_reservations(bank.core, bank.client.app.state.desk)

    assert [bank.institution.get(path).json()["status"] for path in paths] == ["confirmed", "released"]
    for one in awarded:
        assert "reservation-lapsed" not in _types(bank, one["account_id"])
    assert bank.balance(awarded[0]["account_id"])["used"] == "4"


# What happens to the certificate or the account meanwhile


def test_a_revocation_releases_the_reservation_and_names_it_as_dependant(bank: ReadyBank) -> None:
    awarded = _dealt(bank)
    reservation_id = _reserved(bank, awarded)

    revoked = bank.issuer.post(f"/v1/certificates/{awarded['certificate_id']}/revocation", {"reason": "成绩造假"})

    assert revoked.status_code == 200
    named = {"kind": "reservation", "reservation_id": reservation_id, "status": "released"}
    assert [{name: one[name] for name in named} for one in revoked.json()["dependants"]] == [named]
    assert bank.institution.get(f"/v1/reservations/{reservation_id}").json()["status"] == "released"
    balance = bank.balance(awarded["account_id"])
    assert (balance["earned"], balance["reserved"], balance["shortfall"]) == ("0", "0", "0")


def test_a_certificate_on_hold_is_not_confirmed_before_the_hold_is_lifted(bank: ReadyBank) -> None:
    awarded = _dealt(bank)
    path = f"/v1/reservations/{_reserved(bank, awarded)}"
    certificate = f"/v1/certificates/{awarded['certificate_id']}"
    bank.issuer.post(f"{certificate}/hold", REASON)

    refused = bank.institution.post(f"{path}/confirmation")
    bank.issuer.post(f"{certificate}/hold-release", REASON)
    confirmed = bank.institution.post(f"{path}/confirmation")

    assert (refused.status_code, refused.json()["current_status"]) == (409, "held")
    assert confirmed.status_code == 201


def test_a_merge_carries_the_reservation_over(bank: ReadyBank, rival: Caller) -> None:
    awarded, survivor = _dealt(bank), bank.account()
    reservation_id = _reserved(bank, awarded)

    merged = bank.authority.post(
        f"/v1/accounts/{survivor}/merge", {"merged": awarded["account_id"], "reason": "同一人"}
    )

    assert merged.status_code == 200
    read = bank.institution.get(f"/v1/reservations/{reservation_id}").json()
    assert (read["account_id"], read["status"]) == (survivor, "open")
    assert bank.balance(survivor)["reserved"] == "4"
    assert rival.post("/v1/exemptions", {**_theirs(awarded, "C1"), "account_id": survivor}).status_code == 409
    assert bank.institution.post(f"/v1/reservations/{reservation_id}/confirmation").status_code == 201
    assert bank.balance(survivor)["used"] == "4"


def test_an_open_reservation_keeps_the_dealing_alive(sqlite_bank: ReadyBank) -> None:
    """A look-up is good for 180 days; a reservation made on its last day is confirmed weeks later."""
    bank = sqlite_bank
    awarded = _dealt(bank)
    last = TODAY + timedelta(days=180)
    bank.clock.set(last)
    body = wishes(awarded["account_id"], wish(awarded, "C1"), expires_at=f"{last + timedelta(days=20)}T00:00:00Z")
    made = bank.institution.post("/v1/reservations", body)
    assert made.status_code == 201, made.text

    bank.clock.set(last + timedelta(days=10))

    assert bank.institution.get(f"/v1/accounts/{awarded['account_id']}/balance").json()["reserved"] == "4"
    path = f"/v1/reservations/{made.json()['reservation_id']}"
    assert bank.institution.post(f"{path}/confirmation").status_code == 201


def test_reservations_of_a_programme_count_under_its_ceiling(bank: ReadyBank) -> None:
    """One certificate may replace 8 credits; reserved for 4 and 3, it is not asked for 2 more."""
    awarded = _dealt(bank, level="高级")
    _reserved(bank, awarded, "C1")
    _reserved(bank, awarded, "C3")

    over = bank.institution.post("/v1/exemptions", wishes(awarded["account_id"], wish(awarded, "C2")))
    twice = bank.institution.post("/v1/exemptions", wishes(awarded["account_id"], wish(awarded, "C1")))

    assert over.json()["refused"][0].items() >= {"reason": "CAP_PER_OUTCOME", "would_be": "9", "limit": "8"}.items()
    assert twice.json()["refused"][0]["reason"] == "COURSE_ALREADY_SATISFIED"
