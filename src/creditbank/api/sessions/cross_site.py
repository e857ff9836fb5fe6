"""Cross-site requests: a browser sends cookies along whoever made it ask, so it must say who that was.

`Sec-Fetch-Site` says so in every browser of today, and no page can write it. Older ones send `Origin`. A request that
would change something and has neither is refused.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from creditbank.domain.errors import Forbidden

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN = frozenset({"same-origin", "none"})
"""From a page of this very origin, or from no page at all, as when somebody types an address."""


class CrossSiteRequest(Forbidden):
    """A request with a session that another site may have caused, or that does not say which did."""

    code = "cross_site_request"


def require_own_site(scope: Scope, public_url: str) -> None:
    """Raise CrossSiteRequest unless the request changes nothing, or was caused by the bank's own pages."""
    if scope["method"] in _SAFE:
        return
    headers = Headers(scope=scope)
    fetched, origins = headers.getlist("sec-fetch-site"), headers.getlist("origin")
    if fetched:
        is_own = len(fetched) == 1 and fetched[0] in _OWN
    else:
        is_own = len(origins) == 1 and _is_own_origin(origins[0], headers.get("host"), public_url)
    if not is_own:
        raise CrossSiteRequest()


def _is_own_origin(origin: str, host: str | None, public_url: str) -> bool:
    """By host and port: whether TLS ends here or at a proxy, the browser speaks of what it has asked for."""
    own = urlsplit(public_url).netloc.lower()
    scheme, separator, rest = origin.lower().partition("://")
    return scheme in ("http", "https") and bool(separator) and rest in (own, (host or own).lower())
