"""What a bank needs before it can be measured, posted through its public API as a new installation would."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from benchmarks import load, people
from benchmarks.load import Refused

INSTITUTION = "HBVTC"
BATCH = 5000  # the most that the API takes at once


@dataclass(frozen=True, slots=True)
class Keys:
    authority: str
    issuer: str
    institution: str


class Bank:
    """A caller of one running creditbank; every answer that is not a success raises Refused."""

    def __init__(self, address: str, name: str = "bank") -> None:
        """`name` tells this caller's idempotency keys from another one's."""
        self._http = httpx.Client(base_url=address, timeout=120)
        self._name = name
        self._posted = 0

    def close(self) -> None:
        self._http.close()

    def post(self, path: str, key: str, body: object) -> dict[str, Any]:
        return read(self.send(path, key, encode(body)))

    def send(self, path: str, key: str, content: bytes, media_type: str = "application/json") -> httpx.Response:
        """Post encoded content under a new idempotency key and hand back the whole answer unread."""
        self._posted += 1
        headers = {**bearer(key), "Idempotency-Key": f"{self._name}-{self._posted}", "Content-Type": media_type}
        return self._http.post(path, content=content, headers=headers)

    def get(self, path: str, key: str) -> dict[str, Any]:
        return read(self._http.get(path, headers=bearer(key)))


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def encode(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def prepare(bank: Bank, authority: str) -> Keys:
    """One issuer, accredited for one standard, and one institution, each with a key."""
    for code, name, role in ((people.ISSUER, "测评中心", "issuer"), (INSTITUTION, "职业技术学院", "institution")):
        organisation = {"code": code, "name": name, "roles": [role], "uscc": None, "region": "HB", "aliases": []}
        bank.post("/v1/organisations", authority, organisation)
    levels = [{"level": people.LEVEL, "rank": 2, "credits": people.CREDITS}]
    standard = {"code": people.STANDARD, "title": "建筑信息模型", "scheme": "1+X", "aliases": [], "levels": levels}
    bank.post("/v1/standards", authority, standard)
    accreditation = {
        "standard": people.STANDARD,
        "levels": [people.LEVEL],
        "valid_from": "2019-04-01",
        "valid_until": None,
    }
    bank.post(f"/v1/organisations/{people.ISSUER}/accreditations", authority, accreditation)
    return Keys(
        authority, _key(bank, authority, people.ISSUER, "issuer"), _key(bank, authority, INSTITUTION, "institution")
    )


def _key(bank: Bank, authority: str, code: str, role: str) -> str:
    answer = bank.post(f"/v1/organisations/{code}/keys", authority, {"role": role, "expires_at": None})
    key: str = answer["key"]
    return key


def batch(first: int, count: int) -> bytes:
    """The body of POST /v1/certificates:batch for `count` new learners from `first` on."""
    return batch_of(people.awards(first, count))


def batch_of(awards: Iterable[dict[str, Any]]) -> bytes:
    return encode({"items": list(awards), "mode": "partial", "dry_run": False})


def award_request(index: int, key: str) -> bytes:
    """POST /v1/certificates for one learner, ready to be sent."""
    headers = {**bearer(key), "Idempotency-Key": f"award-{index}"}
    return load.encode("POST", "/v1/certificates", body=people.award(index), headers=headers)


def check_batch(answer: httpx.Response, count: int) -> None:
    """Raises Refused unless every line of a batch was accepted."""
    body = read(answer)
    if body["accepted"] != count:
        refused = [line for line in body["results"] if line["status"] >= 300]
        raise Refused(f"{body['accepted']} of {count} accepted; {refused[:3]}")


def open_accounts(bank: Bank, institution: str, count: int) -> list[str]:
    """Open accounts for learners 0..count as an institution, which may read them from then on."""
    account_ids: list[str] = []
    for first in range(0, count, BATCH):
        items = [{"holder": people.holder(index)} for index in range(first, min(first + BATCH, count))]
        answer = bank.post("/v1/accounts:batch", institution, {"items": items, "dry_run": False})
        account_ids += _accounts(answer["results"])
    return account_ids


def _accounts(results: Sequence[dict[str, Any]]) -> list[str]:
    failed = [line for line in results if line["status"] not in (200, 201)]
    if failed:
        raise Refused(f"{len(failed)} accounts not opened; {failed[:3]}")
    return [line["account_id"] for line in results]


def read(answer: httpx.Response) -> dict[str, Any]:
    """The JSON of an answer; raises Refused unless it is a success."""
    if not answer.is_success:
        raise Refused(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:2000]}")
    body: dict[str, Any] = answer.json()
    return body
