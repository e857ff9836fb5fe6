"""Talks to the bank as everybody does: over HTTP, with a key for each role and an idempotency key for each request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from hashlib import sha256
from typing import Any

import httpx

from creditbank.demo.province import Body

Keys = MutableMapping[str, str]
"""API keys by their owner: `authority`, `learner`, or the code of an organisation."""


class Refused(Exception):
    """The bank said no, and why."""

    def __init__(self, problem: Body) -> None:
        self.code = str(problem["code"])
        self.problem = problem
        super().__init__(f"{self.code}: {problem.get('detail', '')}")


class Clerk:
    """Posts and reads in the name of whoever is named."""

    def __init__(self, client: httpx.AsyncClient, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    async def post(self, who: str, path: str, body: Body, *, again: str = "") -> Body:
        """The bank's answer. Raises Refused.

        The idempotency key follows from what is posted, so that a second run writes nothing twice; `again` tells
        a request from an earlier one with the same content.
        """
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        name = sha256(b"\0".join([path.encode(), again.encode(), content])).hexdigest()[:32]
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"demo-{name}"}
        return self._read(
            await self._client.post(path, content=content, headers={**headers, **self._authorization(who)})
        )

    async def get(self, who: str, path: str) -> Body:
        """The bank's answer. Raises Refused."""
        return self._read(await self._client.get(path, headers=self._authorization(who)))

    def _authorization(self, who: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._keys[who]}"}

    def _read(self, answer: httpx.Response) -> Body:
        body: Any = answer.json()
        if answer.is_error:
            raise Refused(body)
        return dict(body)


async def in_parallel(tasks: Iterable[Callable[[], Awaitable[object]]], width: int) -> None:
    """Run lazily given tasks, some at a time. The first failure ends it."""
    waiting = iter(tasks)

    async def work() -> None:
        for task in waiting:
            await task()

    await asyncio.gather(*(work() for _ in range(width)))
