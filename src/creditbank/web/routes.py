"""The way in and out: to the identity provider, back from it, and what somebody sees who is here."""

from __future__ import annotations

import asyncio
import hmac
import logging
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from prometheus_client import Counter
from starlette.responses import RedirectResponse

from creditbank.api.addresses import client_address
from creditbank.api.dependencies import authenticator_of, bank_of
from creditbank.api.middleware import ANSWER_HEADERS
from creditbank.api.problems import request_id_of
from creditbank.api.rates import bucket_of, rates_of
from creditbank.api.refusals import CredentialRefused
from creditbank.api.sessions.cross_site import require_own_site
from creditbank.api.sessions.ring import Known, SessionRing
from creditbank.commands import sessions
from creditbank.domain.errors import BankError
from creditbank.web.faults import SignInFailed, SignInNotConfigured
from creditbank.web.flow import FLOW_SECONDS, Flow, local_path
from creditbank.web.pages import PAGES
from creditbank.web.provider import OLDEST_SECONDS
from creditbank.web.route import PageRoute
from creditbank.web.sign_in import SignIn

CALLBACK = "/login/callback"
LONGEST_CODE = 2048

router = APIRouter(include_in_schema=False, route_class=PageRoute)

_sign_ins = Counter("creditbank_sign_ins", "Sign-ins by how they ended.", ["outcome"])
_logger = logging.getLogger("creditbank.web")


def ring_of(request: Request) -> SessionRing:
    return authenticator_of(request).sessions


def sign_in_of(request: Request) -> SignIn:
    """Raises SignInNotConfigured."""
    found: SignIn | None = request.app.state.sign_in
    if found is None:
        raise SignInNotConfigured
    return found


@router.get("/")
async def home(request: Request) -> Response:
    """Who is signed in, or how to."""
    known = await _signed_in(request)
    if known is None:
        return PAGES.page(request.scope, "home")
    bank, session, principal = bank_of(request), known.session, known.principal
    until = datetime.fromtimestamp(session.ends_at(bank.clock()) / 1_000_000, UTC).astimezone(bank.zone)
    catalogue = await asyncio.to_thread(bank.catalogue)
    named = catalogue.organisations.get(principal.organisation or "")
    organisation = None if named is None else f"{named.registered.name} ({named.registered.code})"
    return PAGES.page(request.scope, "signed_in", principal=principal, organisation=organisation, until=until)


@router.get("/login")
async def begin(
    request: Request,
    return_to: str | None = None,
    max_age: Annotated[int | None, Query(ge=0, le=OLDEST_SECONDS)] = None,
    wanted: Annotated[Literal["learner"] | None, Query(alias="as")] = None,
    login_hint: Annotated[str | None, Query(max_length=100)] = None,
) -> Response:
    """To the identity provider. With `max_age=0` it asks for proof again; `as=learner` is for members who learn."""
    rates, sign_in, cookie = rates_of(request), sign_in_of(request), ring_of(request).cookies.sign_in
    rates.sign_ins.take(request.scope, bucket_of(client_address(request.scope, rates.proxies)))
    flow = Flow(
        return_to=local_path(return_to),
        started_at=sign_in.bank.clock(),
        max_age=max_age,
        as_learner=wanted is not None,
    )
    url = await sign_in.provider.authorization_url(flow, login_hint)
    headers = {"Set-Cookie": cookie.set(sign_in.seal.seal(flow), FLOW_SECONDS)}
    return RedirectResponse(url, status_code=303, headers=headers)


@router.get(CALLBACK)
async def finish(
    request: Request,
    code: str | None = None,
    state: str | None = None,
    error: str | None = None,
    iss: str | None = None,
) -> Response:
    """Back from the identity provider. A session that the browser had before is over, whoever's it was."""
    sign_in, ring = sign_in_of(request), ring_of(request)
    _answer_with(request, ring.cookies.sign_in.drop())
    try:
        flow = _flow(request, sign_in, state)
        if error is not None:
            raise SignInFailed("refused_there")
        if code is None or not code.isascii() or not code.isprintable() or len(code) > LONGEST_CODE:
            raise SignInFailed("code")
        former = ring.cookies.session.read(request.scope)
        _, secret = await sign_in.finish(flow, code, iss, former)
    except BankError as refusal:
        _count(request, refusal)
        raise
    for ended in former:
        ring.forget_secret(ended)
    _sign_ins.labels("signed_in").inc()
    headers = {"Set-Cookie": ring.cookies.session.set(secret)}
    return RedirectResponse(flow.return_to, status_code=303, headers=headers)


@router.post("/logout")
async def leave(request: Request) -> Response:
    """The session is deleted, here and in the browser. Asked twice, it answers the same."""
    ring = ring_of(request)
    require_own_site(request.scope, ring.public_url)
    for secret in ring.cookies.session.read(request.scope):
        await asyncio.to_thread(sessions.sign_out, bank_of(request), secret)
        ring.forget_secret(secret)
    _answer_with(request, ring.cookies.session.drop())
    return PAGES.page(request.scope, "signed_out")


async def _signed_in(request: Request) -> Known | None:
    """Whose session the browser has. One that is over is taken from it."""
    ring = ring_of(request)
    try:
        secret = ring.secret(request)
        return None if secret is None else await ring.known(secret)
    except CredentialRefused:
        _answer_with(request, ring.cookies.session.drop())
        return None


def _flow(request: Request, sign_in: SignIn, state: str | None) -> Flow:
    """What this browser was sent away with. Raises SignInFailed unless the answer is to that."""
    sealed = ring_of(request).cookies.sign_in.read(request.scope)
    if len(sealed) != 1:
        raise SignInFailed("cookie")
    flow = sign_in.seal.open(sealed[0], sign_in.bank.clock())
    if state is None or not hmac.compare_digest(state.encode(), flow.state.encode()):
        raise SignInFailed("state")
    return flow


def _count(request: Request, refusal: BankError) -> None:
    outcome = refusal.reason if isinstance(refusal, SignInFailed) else refusal.code
    _sign_ins.labels(outcome).inc()
    _logger.warning("nobody was signed in: %s, request %s", outcome, request_id_of(request.scope))


def _answer_with(request: Request, cookie: str) -> None:
    request.scope["state"].setdefault(ANSWER_HEADERS, []).append((b"set-cookie", cookie.encode()))
