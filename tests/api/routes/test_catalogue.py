"""Standards, programmes and rulebooks: published once under a code, owned, versioned and read."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.bank import PROGRAMME, RULES, STANDARD, ReadyBank, on_one_database


def test_a_standard_is_published_with_its_levels(bank: ReadyBank) -> None:
    wanted = {**STANDARD, "code": "WEB", "kind": "skill-cert", "aliases": ["Web 前端"], "fields": {"field": "IT"}}

    published = bank.authority.post("/v1/standards", wanted)

    assert (published.status_code, published.json()) == (201, wanted)
    assert bank.issuer.get("/v1/standards/WEB").json() == wanted


def test_the_same_standard_again_changes_nothing_and_another_one_is_refused(bank: ReadyBank) -> None:
    bank.authority.post("/v1/standards", {**STANDARD, "code": "ONCE"})

    again = bank.authority.post("/v1/standards", {**STANDARD, "code": "ONCE"})
    other = bank.authority.post("/v1/standards", {**STANDARD, "code": "ONCE", "title": "别的"})

    assert again.status_code == 200
    assert (other.status_code, other.json()["code"]) == (409, "standard_exists")


@on_one_database
@pytest.mark.parametrize(
    "credits", [4, 4.5, "4e1", "-4", "04", "4.", ".5", "4.00001", "1234567890", "٤", " 4", "4\n", "", None, True]
)
def test_credits_are_decimal_text_and_nothing_else(bank: ReadyBank, credits: Any) -> None:
    wanted = {**STANDARD, "code": "ODD", "levels": [{"level": "初级", "rank": 1, "credits": credits}]}

    refused = bank.authority.post("/v1/standards", wanted)

    assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
    assert refused.json()["errors"][0]["pointer"] == "/levels/0/credits"


def test_credits_keep_four_places_and_lose_idle_zeros(bank: ReadyBank) -> None:
    levels = [
        {"level": "初级", "rank": 1, "credits": "0.0001"},
        {"level": "中级", "rank": 2, "credits": "1.50"},
        {"level": "高级", "rank": 3, "credits": "999999999.9999"},
    ]

    published = bank.authority.post("/v1/standards", {**STANDARD, "code": "FINE", "levels": levels})

    assert [level["credits"] for level in published.json()["levels"]] == ["0.0001", "1.5", "999999999.9999"]


def test_two_levels_of_one_name_are_refused(bank: ReadyBank) -> None:
    level = {"level": "初级", "rank": 1, "credits": "4"}

    refused = bank.authority.post("/v1/standards", {**STANDARD, "code": "DOUBLE", "levels": [level, level]})

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/levels")


def test_standards_are_listed_in_the_order_of_their_codes(own_bank: ReadyBank) -> None:
    own_bank.authority.post("/v1/standards", {**STANDARD, "code": "ABC"})

    first = own_bank.issuer.get("/v1/standards?limit=1")
    second = own_bank.issuer.get(f"/v1/standards?limit=1&cursor={first.json()['next_cursor']}")

    assert [item["code"] for item in first.json()["items"] + second.json()["items"]] == ["ABC", "BIM"]
    assert second.json()["next_cursor"] is None


def test_an_institution_publishes_its_programme(bank: ReadyBank) -> None:
    wanted = {"institution": "HBVTC", **PROGRAMME, "code": "ROADS-2026", "fields": {"degree": "associate", "max": 30}}

    published = bank.institution.post("/v1/programmes", wanted)

    assert published.status_code == 201
    courses = [{**course, "fields": {}} for course in PROGRAMME["courses"]]  # type: ignore[attr-defined]
    assert published.json() == {**wanted, "courses": courses, "consent": None}
    assert bank.institution.get("/v1/programmes/HBVTC/ROADS-2026").json() == published.json()
    assert bank.auditor.get("/v1/programmes/HBVTC/ROADS-2026").json() == published.json()


def test_a_programme_of_another_institution_is_forbidden_to_write_and_not_found_to_read(bank: ReadyBank) -> None:
    foreign = bank.other_institution.post("/v1/programmes", {"institution": "HBVTC", **PROGRAMME, "code": "THEIRS"})
    listed = bank.other_institution.get("/v1/programmes").json()

    assert (foreign.status_code, foreign.json()["code"]) == (403, "forbidden")
    assert bank.other_institution.get("/v1/programmes/HBVTC/CONSTR-2026").status_code == 404
    assert {item["institution"] for item in listed["items"]} <= {"WHUT"}


def test_other_content_under_a_programme_code_is_refused(bank: ReadyBank) -> None:
    same = bank.institution.post("/v1/programmes", {"institution": "HBVTC", **PROGRAMME})
    other = bank.institution.post("/v1/programmes", {"institution": "HBVTC", **PROGRAMME, "credits": "120"})

    assert same.status_code == 200
    assert (other.status_code, other.json()["code"]) == (409, "programme_exists")


def test_programmes_are_listed_page_by_page(own_bank: ReadyBank) -> None:
    own_bank.institution.post("/v1/programmes", {"institution": "HBVTC", **PROGRAMME, "code": "A-2026"})
    own_bank.other_institution.post("/v1/programmes", {"institution": "WHUT", **PROGRAMME, "code": "A-2026"})

    first = own_bank.authority.get("/v1/programmes?limit=2").json()
    second = own_bank.authority.get(f"/v1/programmes?limit=2&cursor={first['next_cursor']}").json()

    listed = [(item["institution"], item["code"]) for item in first["items"] + second["items"]]
    assert listed == [("HBVTC", "A-2026"), ("HBVTC", "CONSTR-2026"), ("WHUT", "A-2026")]


def test_versions_of_a_rulebook_count_from_one(bank: ReadyBank) -> None:
    path = "/v1/rulebooks/counting/versions"
    first = bank.institution.post(path, {"rules": RULES, "effective_from": "2020-01-01", "title": "认定办法"})
    second = bank.institution.post(path, {"rules": {"sources": []}, "effective_from": "2021-01-01"})

    assert (first.status_code, first.json()["version"], second.json()["version"]) == (201, 1, 2)
    assert bank.institution.get("/v1/rulebooks/counting/versions/1").json()["rules"] == RULES
    whole = bank.auditor.get("/v1/rulebooks/counting").json()
    assert (whole["id"], whole["owner"]) == ("counting", "HBVTC")
    assert [version["sha256"] for version in whole["versions"]] == [first.json()["sha256"], second.json()["sha256"]]
    assert bank.institution.get("/v1/rulebooks/counting/versions/3").status_code == 404


def test_the_first_publisher_owns_a_rulebook(bank: ReadyBank) -> None:
    bank.institution.post("/v1/rulebooks/owned/versions", {"rules": RULES})

    foreign = bank.other_institution.post("/v1/rulebooks/owned/versions", {"rules": RULES})

    assert (foreign.status_code, foreign.json()["code"]) == (403, "forbidden")
    assert bank.other_institution.get("/v1/rulebooks/owned").status_code == 404
    assert bank.other_institution.get("/v1/rulebooks/owned/versions/1").status_code == 404


def test_a_malformed_rulebook_is_answered_with_a_pointer_per_fault(bank: ReadyBank) -> None:
    rules = {"sources": [{"value": {"fixed": "many"}}], "caps": [{"id": "each", "measure": "weight"}]}

    refused = bank.institution.post("/v1/rulebooks/broken/versions", {"rules": rules})

    assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
    pointers = {fault["pointer"] for fault in refused.json()["errors"]}
    assert "/rules/sources/0/value/fixed" in pointers
    assert any(pointer.startswith("/rules/caps/0") for pointer in pointers)
    assert bank.institution.get("/v1/rulebooks/broken").status_code == 404


def test_a_later_version_does_not_take_effect_before_an_earlier_one(bank: ReadyBank) -> None:
    path = "/v1/rulebooks/ordered/versions"
    bank.institution.post(path, {"rules": RULES, "effective_from": "2021-01-01"})

    refused = bank.institution.post(path, {"rules": RULES, "effective_from": "2020-12-31"})

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/effective_from")


@pytest.mark.parametrize("path", ["standards/NONE", "programmes/HBVTC/NONE", "programmes/NONE/NONE", "rulebooks/none"])
def test_what_was_never_published_is_not_found(bank: ReadyBank, path: str) -> None:
    missing = bank.authority.get(f"/v1/{path}")

    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
