"""A bank with an identity provider beside it, and a browser to sign in with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from httpx2 import ASGITransport

from creditbank.web.provider import Provider
from creditbank.web.wire import Bounded
from tests.api.bank import ReadyBank, ready_bank
from tests.database import copied
from tests.web.browser import PUBLIC_URL, Browser
from tests.web.provider import ISSUER, Idp

SETTINGS = {"public_url": PUBLIC_URL, "oidc_issuer": ISSUER, "sign_ins_per_minute": 0}
SECONDS = 0.5
"""For all that one step asks of the provider: it is in this process, and quick where it answers at all."""


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def bank(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReadyBank]:
    """One bank that the tests share: each brings its own people."""
    folder = tmp_path_factory.mktemp("bank")
    if request.param == "sqlite":
        with ready_bank(copied(request.getfixturevalue("migrated_sqlite"), folder), folder, **SETTINGS) as ready:
            yield ready
        return
    template = request.getfixturevalue("migrated_postgresql")
    server = request.getfixturevalue("postgresql_server")
    with server.database(template) as url, ready_bank(url, folder, **SETTINGS) as ready:
        yield ready


@pytest.fixture
def idp(bank: ReadyBank) -> Iterator[Idp]:
    """The provider that the bank was told of, which it reaches in this process."""
    told, state = Idp(clock=bank.clock), bank.client.app.state
    before = state.sign_in
    provider = Provider(
        before.provider.registration, bank.clock, connect=lambda: Bounded(ASGITransport(told)), seconds=SECONDS
    )
    state.sign_in = replace(before, provider=provider)
    yield told
    state.sign_in = before


@pytest.fixture
def browser(bank: ReadyBank, idp: Idp) -> Browser:
    return Browser(client=bank.client, idp=idp)
