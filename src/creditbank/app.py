"""Puts the bank together: the one file that knows every room."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from contextlib import closing as closing_of
from functools import cache, partial
from zoneinfo import ZoneInfo

from fastapi import FastAPI
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, TimeoutError
from starlette.datastructures import State
from starlette.routing import BaseRoute

from creditbank import __version__, publication
from creditbank.api import last_uses, lists, openapi, ops, problems, reference
from creditbank.api.addresses import networks
from creditbank.api.authentication import Authenticator
from creditbank.api.cursors import Cursors
from creditbank.api.keyring import KeyRing
from creditbank.api.last_uses import LastUses
from creditbank.api.middleware import Observability
from creditbank.api.rates import Guesses, Rate, Rates
from creditbank.api.routes import (
    accesses,
    accounts,
    approvals,
    catalogue,
    certificates,
    clients,
    consents,
    eligibility,
    events,
    holders,
    import_mappings,
    import_results,
    imports,
    learner_requests,
    log,
    members,
    oauth,
    organisations,
    reservations,
    sessions,
    shares,
    uses,
    verification,
)
from creditbank.api.sessions.ring import SessionRing
from creditbank.api.tokens import used_once
from creditbank.api.tokens.office import TokenOffice
from creditbank.audit.guard import Guard
from creditbank.audit.publishing import PublishingProcess
from creditbank.clock import clock
from creditbank.commands import restored
from creditbank.commands.accesses import AccessBook, AccessReader
from creditbank.commands.bank import Bank
from creditbank.commands.beside import Beside
from creditbank.commands.chores import Chore, Chores
from creditbank.commands.desk import Desk
from creditbank.commands.eligibility import Adviser
from creditbank.commands.jobs import JobRunner, lapse_reservations
from creditbank.commands.presence import LOOK_SECONDS, Presence
from creditbank.commands.queries import AccountReader, Question, VersionedBody
from creditbank.imports import chunks, keeping, running
from creditbank.imports.keeping import Keeper, Keeping
from creditbank.imports.running import Importer
from creditbank.ledger import migration
from creditbank.ledger.database import open_engine, writing
from creditbank.ledger.gather import Gatherer
from creditbank.settings import Settings
from creditbank.vault import generations, keyfiles
from creditbank.vault.erased import ErasedList
from creditbank.vault.persons import Vault
from creditbank.web import routes as web
from creditbank.web.flow import FlowSeal
from creditbank.web.provider import Provider, Registration
from creditbank.web.sign_in import DocumentClaims, SignIn

READ_GROUP_LIMIT = 64
QUESTIONS = (lists.__name__, chunks.__name__)
"""Modules of what the process beside the server is asked."""


def open_bank(settings: Settings, engine: Engine) -> Bank:
    """The bank behind a migrated database. Raises ForeignKeys where the key files are not its own."""
    keys = keyfiles.load(settings.data_dir)
    with writing(engine) as connection:
        generations.bind(connection, keys)
    return Bank(
        engine=engine,
        vault=Vault(keys),
        zone=ZoneInfo(settings.timezone),
        clock=clock,
        erased=ErasedList(settings.data_dir),
        consent_required=settings.consent_required,
    )


def create_app(settings: Settings) -> FastAPI:
    """The application. The database is opened when it starts, and nothing before."""
    app = FastAPI(
        title="creditbank",
        version=__version__,
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
        routes=_routes(),
    )
    app.state.settings = settings
    app.state.two_persons = frozenset(settings.two_persons)
    app.state.rates = _rates(settings)
    problems.install(app)
    openapi.install(app)
    app.add_middleware(
        Observability,
        access_log=settings.access_log,
        proxies=networks(settings.trusted_proxies),
        requests_at_once=settings.requests_at_once,
    )
    return app


@cache
def _routes() -> list[BaseRoute]:
    """All routes. What the framework works out about each takes it a while, and stays with them: every application
    of a process has the same ones.
    """
    # The hottest routes come first: they are tried in this order.
    hot, rest = (certificates, accounts, eligibility, uses), (reservations, organisations, catalogue, events, approvals)
    rights = (holders, consents, shares, learner_requests, accesses)
    people, files = (members, sessions, web), (imports, import_results, import_mappings)
    every = (*hot, *rest, *files, *rights, clients, oauth, verification, *people, log, ops, reference)
    # Themselves, which know their whole paths: an included router is searched twice for each request.
    return [route for routes in every for route in routes.router.routes]


def _rates(settings: Settings) -> Rates:
    proxies = networks(settings.trusted_proxies)
    return Rates(
        requests=Rate("requests", settings.requests_per_minute),
        look_ups=Rate("look-ups", settings.lookups_per_minute),
        guesses=Guesses(Rate("refusals", settings.refusals_per_minute), proxies),
        verifications=Rate("verify", settings.verify_per_minute),
        sign_ins=Rate("sign-ins", settings.sign_ins_per_minute),
        proxies=proxies,
    )


def _sign_in(settings: Settings, bank: Bank, tokens: TokenOffice) -> SignIn | None:
    """How people sign in; None where the bank has no identity provider."""
    if settings.oidc_issuer is None:
        return None
    secret = settings.oidc_client_secret
    registration = Registration(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=None if secret is None else secret.get_secret_value(),
        scopes=settings.oidc_scopes,
        redirect_uri=settings.public_url + web.CALLBACK,
    )
    return SignIn(
        bank=bank,
        provider=Provider(registration, lambda: bank.clock()),
        seal=FlowSeal(bank.vault.keys.cursors),
        used=tokens.used,
        document=DocumentClaims(settings.oidc_document_type_claim, settings.oidc_document_number_claim),
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    with ExitStack() as closing:  # what was opened last is closed first, also where opening stops half way
        _open(app, app.state.settings, closing)
        yield
        app.state.stopping.set()


def _open(app: FastAPI, settings: Settings, closing: ExitStack) -> None:
    state = app.state
    engine = open_engine(settings.database_url)
    closing.callback(engine.dispose)
    bank = state.bank = open_bank(settings, engine)
    guard = publication.open_guard(settings, engine)
    _open_reading(state, bank, closing)
    desk = state.desk = closing.enter_context(closing_of(Desk(bank, guard.check)))
    state.beside = closing.enter_context(closing_of(Beside(bank, QUESTIONS, is_wanted=settings.list_process)))
    jobs = state.jobs = closing.enter_context(closing_of(JobRunner(bank, desk)))
    state.cursors = Cursors(bank.vault.keys.cursors)
    state.stopping, state.streams = asyncio.Event(), Counter[str]()
    state.readiness = lambda: _failed_checks(engine, guard)
    state.prover = publication.open_prover(settings, engine)
    presence = Presence(bank)
    presence.report()
    closing.callback(presence.leave)
    restored.reconcile(bank, desk)
    importer = closing.enter_context(
        closing_of(Importer(bank, desk, state.beside, jobs, settings.data_dir / "imports"))
    )
    kept = Keeping(days=settings.import_days, files=settings.import_files)
    state.importer, state.keeper = importer, Keeper(bank, desk, importer.directory, kept)
    access = _open_access(state, settings, bank, closing)
    if engine.dialect.name == "sqlite" and settings.publish_process:
        publication.name_log(settings, engine)  # here, so that whoever says another name is told at once
        closing.enter_context(closing_of(PublishingProcess(publication.environment(settings))))
    jobs.resume()
    state.keeper.purge()
    importer.resume()
    of_desk = [
        Chore(partial(lapse_reservations, bank, desk), LOOK_SECONDS),
        Chore(state.keeper.purge, keeping.PURGE_SECONDS),
        Chore(importer.resume, running.RESUME_SECONDS),
        Chore(presence.report, LOOK_SECONDS),
        Chore(state.beside.follow, LOOK_SECONDS),
    ]
    closing.enter_context(closing_of(Chores([*of_desk, *access])))


def _open_reading(state: State, bank: Bank, closing: ExitStack) -> None:
    """What answers questions, and the book of who looked."""
    reader = state.reader = AccountReader(bank)
    balances = Gatherer[Question, VersionedBody]("balances", reader.balances, READ_GROUP_LIMIT)
    state.balances, state.adviser = closing.enter_context(closing_of(balances)), Adviser(bank)
    state.accesses = closing.enter_context(closing_of(AccessBook(bank)))
    state.who_looked = AccessReader(bank, reader)


def _open_access(state: State, settings: Settings, bank: Bank, closing: ExitStack) -> list[Chore]:
    """All kinds of credentials; returns the chores that belong to them."""
    uses, people = LastUses(bank), SessionRing(bank, settings.public_url)
    tokens = closing.enter_context(closing_of(TokenOffice(bank, settings.data_dir, settings.public_url)))
    state.authenticator = Authenticator(keys=KeyRing(bank, uses), tokens=tokens, sessions=people)
    state.sign_in = _sign_in(settings, bank, tokens)
    return [
        Chore(uses.write, last_uses.WRITE_SECONDS),
        Chore(people.uses.write, last_uses.WRITE_SECONDS),
        Chore(people.sweep, used_once.SWEEP_SECONDS),
        Chore(tokens.used.sweep, used_once.SWEEP_SECONDS),
        Chore(tokens.keys.sweep, used_once.SWEEP_SECONDS),
    ]


def _failed_checks(engine: Engine, guard: Guard) -> list[str]:
    try:
        if not migration.at_head(engine):
            return ["schema_behind"]
        return [] if guard.missing is None else ["history_behind"]
    except (DBAPIError, TimeoutError):
        return ["database_unreachable"]
