"""`creditbank demo`: a bank of its own with an invented province in it, loaded through its HTTP API, and served."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine

from creditbank.cli import installation, serve
from creditbank.cli import server as served
from creditbank.cli.outcome import USAGE, Failed, say, say_json
from creditbank.clock import clock
from creditbank.demo import keyring
from creditbank.demo.clerk import Clerk, Refused
from creditbank.demo.identity.people import add_members, guises
from creditbank.demo.identity.provider import CLIENT_ID, DemoProvider, ReachableByOthers, require_own_machine
from creditbank.demo.loading import AUTHORITY, Loader
from creditbank.demo.progress import Stages
from creditbank.demo.province import province
from creditbank.demo.story import Teller
from creditbank.demo.tour import LEARNER, Tour, tour
from creditbank.ledger import migration
from creditbank.ledger.database import writing
from creditbank.vault import apikeys
from creditbank.vault.keyfiles import KeyFiles

PORTS = 100
"""How many ports are tried, from the one asked for."""

MARK = "creditbank-demo"
"""A file that says that the directory is the demo's own: no other is ever used or deleted."""

TIMEOUT_SECONDS = 60.0


def run(
    *,
    learners: int,
    host: str,
    port: int,
    data_dir: Path,
    database_url: str | None,
    reset: bool,
    and_serve: bool,
    as_json: bool,
    for_anybody: bool = False,
) -> None:
    """Load the province and serve it until told to stop; what stands already is kept. Raises Failed.

    Whoever reaches it may be anybody in it: on another host than this machine's own only `for_anybody`.
    """
    _check_host(host, for_anybody=for_anybody)
    _prepare(data_dir, reset=reset, elsewhere=database_url is not None)
    os.environ["CREDITBANK_DATA_DIR"] = str(data_dir)
    os.environ["CREDITBANK_DATABASE_URL"] = database_url or f"sqlite:///{data_dir / 'creditbank.db'}"
    chosen = installation.settings()
    with installation.reached(chosen) as engine:
        if not migration.at_head(engine):
            migration.upgrade(engine)
        safe = _Safe(engine, installation.bound_keys(chosen, engine), data_dir / "demo-keys.json")
        listener = serve.bound(host, range(port, min(port + PORTS, 65536)))
        with serve.published(host, listener.getsockname()[1]) as address:
            provider = _provider(host, for_anybody=for_anybody)

            async def load() -> None:
                result = await _load(safe, address, learners, provider.issuer)
                _show(result, as_json=as_json, and_serve=and_serve)

            _run(_while_serving(listener, provider, load, stay=and_serve))


def _check_host(host: str, *, for_anybody: bool) -> None:
    try:
        require_own_machine(host, for_anybody=for_anybody)
    except ReachableByOthers:
        reason = f"whoever reaches {host} could sign in as anybody: serve on 127.0.0.1, or say --for-anybody"
        raise Failed(reason, USAGE) from None


def _prepare(data_dir: Path, *, reset: bool, elsewhere: bool) -> None:
    """The demo's own directory, emptied where that was asked for. Raises Failed where it is somebody else's."""
    if data_dir.exists() and not (data_dir / MARK).exists() and any(data_dir.iterdir()):
        raise Failed(f"{data_dir} is not a directory of the demo: name another --data-dir", USAGE)
    if reset:
        if elsewhere:
            raise Failed("--reset deletes only the demo's own SQLite file: empty that database yourself", USAGE)
        shutil.rmtree(data_dir, ignore_errors=True)
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    (data_dir / MARK).touch()


@dataclass(frozen=True, slots=True)
class _Safe:
    """Where the demo's API keys lie, and the bank that they open."""

    engine: Engine
    files: KeyFiles
    path: Path

    def keys(self) -> dict[str, str]:
        """Those of the last run, with a new key for the authority where they are not of this bank."""
        kept = keyring.read(self.path)
        return kept if self._opens(kept.get(AUTHORITY, "")) else {AUTHORITY: self.make(AUTHORITY)}

    def keep(self, keys: dict[str, str]) -> None:
        keyring.write(self.path, keys)

    def make(self, role: str, account_id: UUID | None = None) -> str:
        """A key as `creditbank keys create` makes it."""
        with writing(self.engine) as connection:
            _, key = apikeys.make(
                connection,
                self.files,
                role=role,
                organisation=None,
                account_id=account_id,
                created_by="demo",
                now=clock(),
                expires_at=None,
            )
        return key

    def _opens(self, key: str) -> bool:
        key_id = apikeys.id_of(key)
        if key_id is None:
            return False
        with self.engine.connect() as connection:
            known = apikeys.find(connection, key_id)
        return known is not None and known.is_valid(clock()) and apikeys.opens(self.files, known, key)


def _provider(host: str, *, for_anybody: bool) -> DemoProvider:
    """The identity provider that the demo's bank is told to believe."""
    public_url = os.environ[serve.PUBLIC_URL].rstrip("/")
    provider = DemoProvider(public_url, guises(province()), clock, host=host, for_anybody=for_anybody)
    os.environ["CREDITBANK_OIDC_ISSUER"] = provider.issuer
    os.environ["CREDITBANK_OIDC_CLIENT_ID"] = CLIENT_ID
    return provider


async def _load(safe: _Safe, address: str, learners: int, issuer: str) -> Tour:
    """Everything in order. Raises Failed where the bank refuses what it should take."""
    here, keys = province(), safe.keys()
    people = guises(here)
    try:
        async with httpx.AsyncClient(base_url=address, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            clerk = Clerk(client, keys)
            loader = Loader(clerk, here, Stages())
            await loader.register()
            await keyring.complete(clerk, keys, keyring.owners(here).items())
            safe.keep(keys)
            await add_members(clerk, issuer, people)
            await loader.accredit()
            await loader.publish()
            loaded = await loader.award(learners)
            await loader.decide(loaded)
            story = await Teller(clerk, here).tell()
    except Refused as refusal:
        raise Failed(f"the bank refused a part of the demo: {refusal}") from None
    except httpx.TransportError as error:
        raise Failed(f"the bank does not answer: {error or type(error).__name__}") from None
    if LEARNER not in keys:
        keys[LEARNER] = await asyncio.to_thread(safe.make, LEARNER, UUID(story.learner_account))
        safe.keep(keys)
    return tour(address, here, learners, loaded, story, keys, people)


class _Server(uvicorn.Server):
    """Answers for the bank and for its identity provider, and knows when it does."""

    def __init__(self, provider: DemoProvider) -> None:
        def application() -> FastAPI:
            app = served.application()
            provider.mount(app)
            return app

        super().__init__(serve.configuration(workers=1, application=application))
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


async def _while_serving(
    listener: socket.socket, provider: DemoProvider, load: Callable[[], Awaitable[None]], *, stay: bool
) -> None:
    """Serve and load. Loading ends when the server does; without `stay` it is the other way round."""
    server = _Server(provider)
    serving = asyncio.ensure_future(server.serve([listener]))

    async def load_when_ready() -> None:
        await server.ready.wait()
        await load()

    loading = asyncio.ensure_future(load_when_ready())
    await asyncio.wait({serving, loading}, return_when=asyncio.FIRST_COMPLETED)
    # A server that was told to stop refuses connections before it is done: what loading then says is no reason.
    was_stopped = server.should_exit and not _succeeded(loading)
    if was_stopped:
        loading.cancel()
        sys.stderr.write("stopped before all was loaded: the same command goes on from here\n")
    elif not stay or not _succeeded(loading):
        server.should_exit = True
    await serving
    if not server.started:
        raise Failed("the server did not start: its reason stands above")
    if not was_stopped:
        await loading


def _succeeded(task: asyncio.Future[None]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


def _run(session: Coroutine[None, None, None]) -> None:
    # The server raises the signal again when it has stopped; a stop that was asked for is a success.
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with asyncio.Runner(loop_factory=serve.configuration(workers=1).get_loop_factory()) as runner:
            runner.run(session)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _show(result: Tour, *, as_json: bool, and_serve: bool) -> None:
    if as_json:
        say_json(result.document())
    else:
        for line in result.lines():
            say(line)
        if and_serve:
            say(f"\nServing on {result.address}. Ctrl-C stops it, the same command goes on, --reset starts over.")
    sys.stdout.flush()
