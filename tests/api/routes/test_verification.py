"""Public verification: what anybody may know of a certificate number, and nothing more."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from creditbank.app import create_app
from creditbank.settings import Settings
from tests.api.bank import ReadyBank

UNKNOWN = {"status": "unknown", "standard": None, "level": None, "issued_on": None, "holder_masked": None}


def test_anybody_may_verify_a_certificate(bank: ReadyBank) -> None:
    awarded = bank.award()

    verified = bank.public.get(f"/v1/verify/BIM-EVAL/{awarded['number']}")

    assert verified.status_code == 200
    assert verified.json() == {
        "status": "active",
        "standard": "BIM",
        "level": "中级",
        "issued_on": "2026-07-01",
        "holder_masked": "王**",
    }


@pytest.mark.parametrize(("change", "status"), [("hold", "held"), ("revocation", "revoked")])
def test_verification_follows_the_state_of_the_certificate(bank: ReadyBank, change: str, status: str) -> None:
    awarded = bank.award()
    bank.issuer.post(f"/v1/certificates/{awarded['certificate_id']}/{change}", {"reason": "复核"})

    assert bank.public.get(f"/v1/verify/BIM-EVAL/{awarded['number']}").json()["status"] == status


@pytest.mark.parametrize(
    "path",
    [
        "/v1/verify/BIM-EVAL/NO-SUCH-NUMBER",
        "/v1/verify/NOBODY/BIM2026000001",
        "/v1/verify/BIM-EVAL/%E2%80%8B",
        "/v1/verify/BIM-EVAL/%FF%FE",
        "/v1/verify/BIM-EVAL/" + "9" * 5000,
        "/v1/verify/%F0%9F%98%80/';DROP",
        "/v1/verify?issuer=BIM-EVAL&number=",
        "/v1/verify?issuer=&number=%ED%A0%80",
    ],
)
def test_an_unknown_number_and_an_unreadable_one_look_alike(bank: ReadyBank, path: str) -> None:
    verified = bank.public.get(path)

    assert (verified.status_code, verified.json()) == (200, UNKNOWN)


def test_a_number_with_slashes_is_verified_by_query(bank: ReadyBank) -> None:
    awarded = bank.award(number="BIM/2026/SLASHED 1")

    verified = bank.public.get("/v1/verify", params={"issuer": "BIM-EVAL", "number": awarded["number"]})

    assert verified.json()["status"] == "active"


def test_the_number_may_be_spelled_as_people_do(bank: ReadyBank) -> None:
    bank.award(number="BIM-VER-0001a")

    for spelling in ("bim-ver-0001A", "ＢＩＭ-VER-0001A", "BIM-VER-%200001A"):
        assert bank.public.get(f"/v1/verify/BIM-EVAL/{spelling}").json()["status"] == "active"


def test_both_parameters_are_needed(bank: ReadyBank) -> None:
    refused = bank.public.get("/v1/verify?issuer=BIM-EVAL")

    assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
    assert refused.json()["errors"][0]["parameter"] == "number"


def test_sixty_verifications_a_minute_are_answered_to_one_address(sqlite_url: str, tmp_path: Path) -> None:
    settings = Settings(database_url=sqlite_url, data_dir=tmp_path)
    with TestClient(create_app(settings)) as client:
        answers = [client.get("/v1/verify/BIM-EVAL/1") for _ in range(61)]
        others = client.get("/v1/organisations")

    assert [answer.status_code for answer in answers] == [200] * 60 + [429]
    assert answers[-1].json()["code"] == "rate_limited"
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert others.status_code == 401
