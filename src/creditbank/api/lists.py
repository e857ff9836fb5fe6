"""Long lists of certificates: read and made ready in the process beside the server, or read here without one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError

from creditbank.api.body import RAW_BODY, parse
from creditbank.api.faults import faults_of_line
from creditbank.api.requests.certificates import CertificateBody
from creditbank.commands.awards import AwardBatch, AwardLine
from creditbank.commands.beside import Beside, Lost, Room
from creditbank.commands.desk import Command
from creditbank.commands.ready import ReadyLine, Stamp
from creditbank.commands.ready_awards import AwardReady
from creditbank.domain import errors
from creditbank.domain.errors import BankError

MOST_KEPT = 4
"""Bodies that the process keeps. Of one more than these the oldest is let go of, and read here instead."""

Made = tuple[Stamp, list[ReadyLine | BankError]]


def lines_of(items: Sequence[Any], issuer: str) -> list[AwardLine | BankError]:
    """The lines of a batch, those that cannot be read as their refusals."""
    return [_line(item, issuer) for item in items]


def _line(item: Any, issuer: str) -> AwardLine | BankError:
    try:
        body = CertificateBody.model_validate(item)
        return body.line() if body.issuer == issuer else errors.Forbidden()
    except ValidationError as error:
        return errors.Invalid(faults=faults_of_line(error, item))
    except BankError as refusal:
        return refusal


@dataclass(frozen=True, slots=True)
class Keep:
    """Question: read a body, for the questions about its lines."""

    token: UUID
    body: bytes

    def answer(self, room: Room) -> None:
        room.kept[self.token] = parse(self.body)["items"]
        while len(room.kept) > MOST_KEPT:
            del room.kept[next(iter(room.kept))]


@dataclass(frozen=True, slots=True)
class Make:
    """Question: some lines of a body that is kept, made ready. The last ones take the body with them."""

    token: UUID
    start: int
    stop: int
    issuer: str

    def answer(self, room: Room) -> Made | None:
        """None where the body is not kept: it came before the process was up, or had to make room."""
        items = room.kept.get(self.token)
        if items is None:
            return None
        if self.stop == len(items):
            del room.kept[self.token]
        return room.maker.knowledge.stamp, room.maker.lines(lines_of(items[self.start : self.stop], self.issuer))


@dataclass(slots=True)
class Listed:
    """The lines of a batch; those behind the ones that are settled are made ready meanwhile."""

    request: Request
    items: Sequence[Any]
    issuer: str
    whole: AwardBatch
    _token: UUID | None = None
    _ahead: dict[tuple[int, int], Future[Made | None]] = field(default_factory=dict)

    async def part(self, start: int, stop: int) -> Command:
        try:
            made = await asyncio.wrap_future(await run_in_threadpool(self._asked, start, stop))
        except Lost:
            made = None
        if made is None:
            return await self.plain(start, stop)
        made_by, lines = made
        return AwardReady(lines=lines, made_by=made_by, issuer=self.issuer, render=self.whole.render, first=start)

    async def plain(self, start: int, stop: int) -> Command:
        lines = await run_in_threadpool(lines_of, self.items[start:stop], self.issuer)
        return replace(self.whole, lines=lines, first=start)

    def _asked(self, start: int, stop: int) -> Future[Made | None]:
        beside: Beside = self.request.app.state.beside
        if self._token is None:
            self._token = uuid4()
            beside.ask(Keep(self._token, self.request.scope[RAW_BODY]))
        wanted = self._ahead.pop((start, stop), None) or self._ask(beside, start, stop)
        if stop < len(self.items):
            following = (stop, min(2 * stop - start, len(self.items)))
            self._ahead = {following: self._ask(beside, *following)}
        return wanted

    def _ask(self, beside: Beside, start: int, stop: int) -> Future[Made | None]:
        assert self._token is not None
        return beside.ask(Make(self._token, start, stop, self.issuer))
