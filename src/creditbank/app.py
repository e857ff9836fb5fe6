"""Puts the bank together: the one file that knows every room."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from zoneinfo import ZoneInfo

from fastapi import FastAPI
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, TimeoutError

from creditbank import __version__
from creditbank.api import last_uses, openapi, ops, problems, reference
from creditbank.api.addresses import networks
from creditbank.api.authentication import Authenticator
from creditbank.api.cursors import Cursors
from creditbank.api.keyring import KeyRing
from creditbank.api.last_uses import LastUses
from creditbank.api.middleware import Observability
from creditbank.api.rates import RateLimit
from creditbank.api.routes import (
    accounts,
    catalogue,
    certificates,
    eligibility,
    events,
    log,
    organisations,
    reservations,
    uses,
    verification,
)
from creditbank.audit import remote
from creditbank.audit.cosigning import Cosigners
from creditbank.audit.guard import Guard
from creditbank.audit.heads import HeadTrees
from creditbank.audit.proofs import Prover
from creditbank.audit.publisher import Publisher
from creditbank.audit.publishing import PublishingThread
from creditbank.audit.transparency import policies
from creditbank.audit.transparency.shelf import Shelf
from creditbank.commands.bank import Bank
from creditbank.commands.chores import Chore, Chores
from creditbank.commands.desk import Desk
from creditbank.commands.eligibility import Adviser
from creditbank.commands.jobs import JobRunner, Sweeper
from creditbank.commands.queries import AccountReader, Question, VersionedBody
from creditbank.ledger import migration
from creditbank.ledger.database import open_engine, writing
from creditbank.ledger.gather import Gatherer
from creditbank.settings import Settings
from creditbank.vault import keyfiles, logkeys
from creditbank.vault.persons import Vault

READ_GROUP_LIMIT = 64


def clock() -> int:
    """Microseconds since 1970 UTC."""
    return time.time_ns() // 1_000


def open_bank(settings: Settings, engine: Engine) -> Bank:
    """The bank behind a migrated database. Raises ForeignKeys where the key files are not its own."""
    keys = keyfiles.load(settings.data_dir)
    with writing(engine) as connection:
        keyfiles.bind(connection, keys)
    return Bank(engine=engine, vault=Vault(keys), zone=ZoneInfo(settings.timezone), clock=clock)


def open_publisher(settings: Settings, engine: Engine) -> Publisher:
    """The publisher of the bank's log. Raises ForeignKeys where the log has another name than the settings say."""
    otherwise = settings.public_url.partition("://")[2] + "/log/v1"
    with writing(engine) as connection:
        origin = logkeys.bind_origin(connection, settings.origin, otherwise)
    return Publisher(
        engine=engine,
        shelf=_shelf(settings),
        signing=logkeys.signing(settings.data_dir),
        salting=logkeys.salting(settings.data_dir),
        trees=_head_trees(settings),
        origin=origin,
        clock=clock,
        cosigners=_cosigners(settings),
    )


def open_prover(settings: Settings, engine: Engine) -> Prover:
    """Makes proofs; reads no key that signs."""
    salting = logkeys.salting(settings.data_dir)
    return Prover(engine=engine, shelf=_shelf(settings), trees=_head_trees(settings), salting=salting)


def _cosigners(settings: Settings) -> Cosigners | None:
    """The witnesses that the policy file names. Raises Malformed where it cannot be read."""
    if settings.witness_policy is None:
        return None
    policy = policies.parse(settings.witness_policy.read_text("utf-8"))
    return Cosigners(policy=policy, client=remote.client(), shelf=_shelf(settings))


def _head_trees(settings: Settings) -> HeadTrees:
    return HeadTrees(settings.data_dir / "log-heads")


def _shelf(settings: Settings) -> Shelf:
    return Shelf(settings.data_dir / "log")


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
    )
    app.state.settings = settings
    app.state.verification_limit = RateLimit("verify", settings.verify_per_minute, networks(settings.trusted_proxies))
    # The hottest routes come first: the router tries them in this order.
    hot, rest = (certificates, accounts, eligibility, uses), (reservations, organisations, catalogue, events, log)
    for routes in (*hot, *rest, verification, ops, reference):
        app.include_router(routes.router)
    problems.install(app)
    openapi.install(app)
    app.add_middleware(Observability, access_log=settings.access_log)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    engine = open_engine(settings.database_url)
    bank = open_bank(settings, engine)
    reader = AccountReader(bank)
    balances = Gatherer[Question, VersionedBody]("balances", reader.balances, READ_GROUP_LIMIT)
    guard = Guard(engine, _shelf(settings))
    desk = Desk(bank, guard.check)
    jobs = JobRunner(bank, desk)
    app.state.bank, app.state.desk, app.state.jobs = bank, desk, jobs
    app.state.reader, app.state.balances, app.state.adviser = reader, balances, Adviser(bank)
    uses = LastUses(bank)
    app.state.authenticator = Authenticator(keys=KeyRing(bank, uses))
    app.state.cursors = Cursors(bank.vault.keys.cursors)
    app.state.stopping = asyncio.Event()
    app.state.readiness = lambda: _failed_checks(engine, guard)
    app.state.prover = open_prover(settings, engine)
    # Where one process does everything, it publishes too; else `creditbank publish` does.
    publishing = PublishingThread(open_publisher(settings, engine)) if engine.dialect.name == "sqlite" else None
    jobs.resume()
    sweeper = Sweeper(bank, desk)
    chores = Chores([Chore(uses.write, last_uses.WRITE_SECONDS)])
    yield
    app.state.stopping.set()
    if publishing is not None:
        publishing.close()
    chores.close()
    sweeper.close()
    jobs.close()
    desk.close()
    balances.close()
    engine.dispose()


def _failed_checks(engine: Engine, guard: Guard) -> list[str]:
    try:
        if not migration.at_head(engine):
            return ["schema_behind"]
        return [] if guard.missing is None else ["history_behind"]
    except (DBAPIError, TimeoutError):
        return ["database_unreachable"]
