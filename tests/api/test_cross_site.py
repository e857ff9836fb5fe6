"""Requests that another site may have caused: refused where they come with a cookie and would change something."""

from __future__ import annotations

import pytest

from creditbank.api.sessions.cross_site import CrossSiteRequest, require_own_site

PUBLIC_URL = "https://bank.example"
Heads = list[tuple[str, str]]


def is_own(heads: Heads, method: str = "POST", host: str = "bank.example") -> bool:
    headers = [(name.encode(), value.encode()) for name, value in [("host", host), *heads]]
    try:
        require_own_site({"type": "http", "method": method, "headers": headers}, PUBLIC_URL)
    except CrossSiteRequest:
        return False
    return True


@pytest.mark.parametrize(
    "heads",
    [
        [("sec-fetch-site", "same-origin")],
        [("sec-fetch-site", "none")],
        [("sec-fetch-site", "same-origin"), ("origin", "null")],
        [("origin", "https://bank.example")],
        [("origin", "HTTPS://Bank.example")],
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_what_the_banks_own_pages_cause_is_let_in(heads: Heads, method: str) -> None:
    assert is_own(heads, method)


@pytest.mark.parametrize(
    "heads",
    [
        [],
        [("sec-fetch-site", "cross-site")],
        [("sec-fetch-site", "same-site")],
        [("sec-fetch-site", "")],
        [("sec-fetch-site", "SAME-ORIGIN")],
        [("sec-fetch-site", "cross-site"), ("origin", "https://bank.example")],
        [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
        [("origin", "null")],
        [("origin", "")],
        [("origin", "bank.example")],
        [("origin", "https://evil.example")],
        [("origin", "https://bank.example.evil.example")],
        [("origin", "https://sub.bank.example")],
        [("origin", "https://bank.example:8443")],
        [("origin", "https://bank.example@evil.example")],
        [("origin", "file://bank.example")],
        [("origin", "https://bank.example"), ("origin", "https://evil.example")],
        [("referer", "https://bank.example/")],
        [("x-forwarded-host", "evil.example"), ("origin", "https://evil.example")],
    ],
)
@pytest.mark.parametrize("method", ["POST", "DELETE", "BREW"])
def test_what_another_site_may_have_caused_is_refused(heads: Heads, method: str) -> None:
    assert not is_own(heads, method)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_what_changes_nothing_may_come_from_anywhere(method: str) -> None:
    assert is_own([("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")], method)


def test_behind_a_proxy_the_origin_is_that_of_the_public_address_or_of_the_host() -> None:
    assert is_own([("origin", "https://bank.example")], host="10.0.0.7:8000")
    assert is_own([("origin", "https://10.0.0.7:8000")], host="10.0.0.7:8000")
    assert not is_own([("origin", "https://10.0.0.7:8001")], host="10.0.0.7:8000")
