"""`creditbank import`: a file through the public API, of a server or of the application within this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx2

from creditbank.app import create_app
from creditbank.cli import installation
from creditbank.cli.outcome import FAILED, USAGE, Failed, say, say_json
from creditbank.cli.progress import progress
from creditbank.clock import clock
from creditbank.ledger.database import writing
from creditbank.vault import apikeys

POLL_SECONDS = 0.25
TIMEOUT_SECONDS = 300.0
PATIENCE_SECONDS = 300.0
"""So long a bank may be away while an import goes on in it."""

UNAVAILABLE = 503
PAGE = 1000
KEY_MICROSECONDS = 86_400 * 1_000_000
"""A key that a kill has left behind ends by itself."""

PIECE = 1024 * 1024
SHOWN = 20
"""Refused rows that are told one by one."""

WITHIN = "http://creditbank"
"""Stands for the application in this process; nothing listens there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A file, and how it is to be taken."""

    file: Path
    dry_run: bool
    mode: str
    force: bool
    sheet: str | None
    mapping: str | None

    def parameters(self) -> dict[str, str]:
        """Raises Failed for a mapping that is neither a file nor an id."""
        said = {"dry_run": str(self.dry_run).lower(), "mode": self.mode, "force": str(self.force).lower()}
        if self.sheet is not None:
            said["sheet"] = self.sheet
        return said | (_mapping(self.mapping) if self.mapping is not None else {})


def run(
    asked: Asked, *, organisation: str | None, server: str | None, key: str | None, errors: Path | None, as_json: bool
) -> None:
    """Import, follow, and tell the verdicts. Raises Failed where the file or one of its rows was refused."""
    if not asked.file.is_file():
        raise Failed(f"there is no file {asked.file}", USAGE)
    try:
        ended, refused = asyncio.run(_import(asked, organisation, server, key, errors, as_json))
    except httpx2.TransportError as error:
        raise Failed(f"the bank does not answer: {error or type(error).__name__}") from None
    if as_json:
        say_json(ended | {"results": refused})
    else:
        _tell(ended, refused)
    if ended["state"] != "finished" or ended["refused"]:
        raise SystemExit(FAILED)


async def _import(
    asked: Asked, organisation: str | None, server: str | None, key: str | None, errors: Path | None, as_json: bool
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    async with AsyncExitStack() as stack:
        bank = _served(server, key or "") if server is not None else _within(str(organisation))
        client = await stack.enter_async_context(bank)
        begun = await _read(await _send(client, asked))
        path = f"/v1/imports/{begun['import_id']}"
        ended = await _followed(client, path)
        refused = await _refused(client, f"{path}/results", None if as_json else SHOWN + 1)
        is_there = ended["state"] in ("finished", "cancelled") and ended["rows"] is not None
        if errors is not None and is_there and ended["accepted"] < ended["rows"]:
            await _save(client, f"{path}/error-file", errors)
        return ended, refused


async def _refused(client: httpx2.AsyncClient, path: str, most: int | None) -> list[dict[str, Any]]:
    """The refused rows; no more than these where somebody will read them."""
    found: list[dict[str, Any]] = []
    asked = {"verdict": "refused", "limit": str(most or PAGE)}
    while True:
        page = await _read(await asked_again(client, path, asked))
        found += page["items"]
        if page["next_cursor"] is None or most is not None:
            return found
        asked["cursor"] = page["next_cursor"]


async def _send(client: httpx2.AsyncClient, asked: Asked) -> httpx2.Response:
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Length": str(asked.file.stat().st_size),
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(asked.file.name)}",
        "Idempotency-Key": f"import-{sha256(str(uuid4()).encode()).hexdigest()[:32]}",
    }
    return await client.post("/v1/imports", params=asked.parameters(), content=_pieces(asked.file), headers=headers)


async def _pieces(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as content:
        while piece := await asyncio.to_thread(content.read, PIECE):
            yield piece


async def _followed(client: httpx2.AsyncClient, path: str) -> dict[str, Any]:
    """The import when it has ended."""
    with progress("importing") as show:
        while True:
            standing = await _read(await asked_again(client, path, {}))
            if standing["rows"]:
                show(standing["done"], standing["rows"])
            if standing["state"] not in ("reading", "importing"):
                return standing
            await asyncio.sleep(POLL_SECONDS)


async def asked_again(client: httpx2.AsyncClient, path: str, params: dict[str, str]) -> httpx2.Response:
    """What is answered when the bank is there again: a restart or a busy moment ends nothing that goes on there.

    Raises TransportError, or gives the refusal, where it stays away.
    """
    deadline = monotonic() + PATIENCE_SECONDS
    while True:
        pause = POLL_SECONDS
        try:
            answer = await client.get(path, params=params)
            if answer.status_code != UNAVAILABLE or monotonic() > deadline:
                return answer
            pause = float(answer.headers.get("Retry-After", pause))
        except httpx2.TransportError:
            if monotonic() > deadline:
                raise
        await asyncio.sleep(pause)


async def _save(client: httpx2.AsyncClient, path: str, target: Path) -> None:
    wanted = target.suffix.lstrip(".").lower()
    answer = await asked_again(client, path, {"format": wanted} if wanted in ("csv", "xlsx") else {})
    if answer.is_error:
        await _read(answer)
    await asyncio.to_thread(target.write_bytes, answer.content)


async def _read(answer: httpx2.Response) -> dict[str, Any]:
    try:
        body = dict(answer.json())
    except ValueError:
        raise Failed(f"what answers at {answer.url.host} is no bank") from None
    if answer.is_error:
        former = f" It was import {body['import_id']}." if "import_id" in body else ""
        faults = "".join(f"; {one['detail']}" for one in body.get("errors", ()))
        raise Failed(f"{body.get('code')}: {body.get('detail')}{former}{faults}")
    return body


@asynccontextmanager
async def _served(server: str, key: str) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(base_url=server, headers=headers, timeout=TIMEOUT_SECONDS) as client:
        yield client


@asynccontextmanager
async def _within(organisation: str) -> AsyncIterator[httpx2.AsyncClient]:
    """The application in this process, with a key of the organisation that ends with the command."""
    chosen = installation.settings()
    with installation.migrated(chosen) as engine:
        files = installation.bound_keys(chosen, engine)
        with writing(engine) as connection:
            key_id, key = apikeys.make(
                connection,
                files,
                role="issuer",
                organisation=organisation,
                account_id=None,
                created_by="import",
                now=clock(),
                expires_at=clock() + KEY_MICROSECONDS,
            )
        app = create_app(chosen)
        headers = {"Authorization": f"Bearer {key}"}
        try:
            async with (
                app.router.lifespan_context(app),
                httpx2.AsyncClient(
                    transport=httpx2.ASGITransport(app), base_url=WITHIN, headers=headers, timeout=TIMEOUT_SECONDS
                ) as client,
            ):
                await _read(await client.get(f"/v1/organisations/{quote(organisation, safe='')}"))
                yield client
        finally:
            with writing(engine) as connection:
                apikeys.revoke(connection, key_id, clock())


def _mapping(named: str) -> dict[str, str]:
    if (path := Path(named)).is_file():
        return {"mapping": path.read_text("utf-8")}
    try:
        return {"mapping_id": str(UUID(named))}
    except ValueError:
        raise Failed(f"{named} is neither a file nor the id of a mapping", USAGE) from None


def _tell(ended: dict[str, Any], refused: list[dict[str, Any]]) -> None:
    if (problem := ended["problem"]) is not None:
        raise Failed(f"{problem['text']['en']} {problem['remedy']['en']}")
    verb = "would be accepted" if ended["dry_run"] else "accepted"
    say(f"{ended['rows']} rows: {ended['accepted']} {verb}, {ended['refused']} refused")
    for row in refused[:SHOWN]:
        for one in row["errors"]:
            say(f"  row {row['row']}: {one['text']['en']} {one['remedy']['en']}")
    if len(refused) > SHOWN:
        say("  and more: --errors FILE writes all of them")
