"""The stock `eventsourcing` library: one aggregate per person with two events, many aggregates per save, in process.

Nothing is claimed, projected or sealed. Dates and the document stay text, which its transcoder writes fastest.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.domain import Aggregate, event

PER_SAVE = 500


class Account(Aggregate):
    @event("Opened")
    def __init__(self, holder: str) -> None:
        self.holder = holder
        self.certificates: list[UUID] = []
        self.credits = Decimal(0)

    @event("CertificateAwarded")
    def award(  # the event keeps all arguments, the aggregate only what it needs
        self,
        certificate_id: UUID,
        issuer: str,  # noqa: ARG002
        number: str,  # noqa: ARG002
        standard: str,  # noqa: ARG002
        level: str,  # noqa: ARG002
        credits: Decimal,
        issued_on: str,  # noqa: ARG002
        expires_on: str | None,  # noqa: ARG002
    ) -> None:
        self.certificates.append(certificate_id)
        self.credits += credits


class Learning(Application[UUID]):
    """A bank as the library's tutorial would write it."""

    def record(self, awards: Sequence[dict[str, Any]], credits: Decimal) -> None:
        """Open an account for each award's holder and award the certificate, all in one save."""
        self.save(*(_account(award, credits) for award in awards))


class KnownAccount(Account):
    """An account whose id follows from the holder's document, so that a person is found again."""

    @staticmethod
    def create_id(holder: str) -> UUID:
        return uuid5(NAMESPACE_URL, holder)


class Register(Application[UUID]):
    """A bank that recognises a person: what any list of awards asks for, since nobody knows who on it is new."""

    def record(self, awards: Sequence[dict[str, Any]], credits: Decimal) -> None:
        """Find each award's account or open one, award, and save all of them at once."""
        accounts: dict[str, KnownAccount] = {}
        for award in awards:
            holder = award["holder"]["document"]["number"]
            if holder not in accounts:
                accounts[holder] = self._found(holder)
            _award(accounts[holder], award, credits)
        self.save(*accounts.values())

    def _found(self, holder: str) -> KnownAccount:
        try:
            found: KnownAccount = self.repository.get(KnownAccount.create_id(holder))
        except AggregateNotFoundError:
            return KnownAccount(holder=holder)
        return found


def _account(award: dict[str, Any], credits: Decimal) -> Account:
    account = Account(holder=award["holder"]["document"]["number"])
    _award(account, award, credits)
    return account


def _award(account: Account, award: dict[str, Any], credits: Decimal) -> None:
    account.award(
        certificate_id=uuid5(NAMESPACE_URL, f"{award['issuer']}/{award['number']}"),
        issuer=award["issuer"],
        number=award["number"],
        standard=award["standard"],
        level=award["level"],
        credits=credits,
        issued_on=award["issued_on"],
        expires_on=award["expires_on"],
    )


def environment(database_url: str) -> dict[str, str]:
    """The library's own settings for a database given as a URL."""
    parts = urlsplit(database_url)
    if parts.scheme == "sqlite":
        return {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": parts.path.removeprefix("/")}
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": parts.path.removeprefix("/"),
        "POSTGRES_HOST": parse_qs(parts.query)["host"][0],
        "POSTGRES_PORT": str(parts.port or 5432),
        "POSTGRES_USER": parts.username or "",
        "POSTGRES_PASSWORD": parts.password or "unused",  # the library wants one even where the server does not
    }


def persons_per_second(database_url: str, awards: Sequence[dict[str, Any]], credits: str, warm_up: int) -> float:
    """Record all awards, the first `warm_up` of them before the clock starts."""
    with Learning(env=environment(database_url)) as learning:
        pages = iter(awards)
        for page in _pages(islice(pages, warm_up)):
            learning.record(page, Decimal(credits))
        started = time.perf_counter()
        for page in _pages(pages):
            learning.record(page, Decimal(credits))
        return (len(awards) - warm_up) / (time.perf_counter() - started)


def recorded(database_url: str, awards: Sequence[dict[str, Any]], credits: str) -> float:
    """Record all awards for whomever they are, known or new; awards per second."""
    with Register(env=environment(database_url)) as register:
        started = time.perf_counter()
        for page in _pages(iter(awards)):
            register.record(page, Decimal(credits))
        return len(awards) / (time.perf_counter() - started)


def _pages(awards: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while page := list(islice(awards, PER_SAVE)):
        yield page
