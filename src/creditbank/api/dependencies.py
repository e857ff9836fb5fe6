"""What routes ask for: who is asking, and a way to settle a command as that one."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace
from datetime import date, datetime
from hashlib import sha256
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Request, Response

from creditbank.api import conditions, problems
from creditbank.api.access import Operation
from creditbank.api.authentication import Authenticator
from creditbank.api.body import RAW_BODY, Direct, Gate
from creditbank.api.principals import Principal
from creditbank.api.rates import rates_of
from creditbank.commands import desk, parts
from creditbank.commands.bank import Bank
from creditbank.commands.desk import Command, Desk, Settled
from creditbank.commands.eligibility import Adviser
from creditbank.commands.exports import Exporter
from creditbank.commands.queries import AccountReader
from creditbank.commands.rights import RightsReader
from creditbank.domain.errors import BankError
from creditbank.domain.instants import microseconds_of
from creditbank.domain.timeline import Moment


def bank_of(request: Request) -> Bank:
    bank: Bank = request.app.state.bank
    return bank


def desk_of(request: Request) -> Desk:
    found: Desk = request.app.state.desk
    return found


def reader_of(request: Request) -> AccountReader:
    found: AccountReader = request.app.state.reader
    return found


def rights_of(request: Request) -> RightsReader:
    return RightsReader(bank_of(request), reader_of(request))


def exporter_of(request: Request) -> Exporter:
    return Exporter(bank_of(request), reader_of(request))


def adviser_of(request: Request) -> Adviser:
    found: Adviser = request.app.state.adviser
    return found


def authenticator_of(request: Request) -> Authenticator:
    found: Authenticator = request.app.state.authenticator
    return found


def moment_of(as_of: date | None, known_at: datetime | None) -> Moment:
    """What a request means by `as_of` and `known_at`."""
    return Moment(as_of=as_of, known_at=None if known_at is None else microseconds_of(known_at))


async def principal_of(request: Request, operation: Operation) -> Principal:
    """Who asks, where the matrix lets that role do it. Raises Unauthenticated or Forbidden."""
    return (await authenticator_of(request).principal(request)).allowed(operation)


@dataclass(frozen=True, slots=True)
class Permit(Gate):
    """Lets in whom the matrix lets do one operation."""

    operation: Operation

    async def ask(self, request: Request) -> Any:
        return await self.principal(request)

    async def principal(self, request: Request) -> Principal:
        """Who asks. Raises Unauthenticated, Forbidden or RateLimited."""
        place = f"creditbank.permit {self.operation}"
        found: Principal | None = request.scope.get(place)
        if found is None:
            principal = await authenticator_of(request).principal(request)
            rates_of(request).requests.take(request.scope, principal.credential)
            found = request.scope[place] = principal.allowed(self.operation)
        return found


def permit(operation: Operation) -> Any:
    """The dependency of a read: the principal, who may do this."""
    return Depends(Permit(operation).ask)


def write(operation: Operation) -> Any:
    """The dependency of a write: the principal, who may do this, with the headers that make a write safe."""
    gate = Permit(operation)

    async def writer(
        request: Request,
        principal: Principal = Depends(gate.ask),
        idempotency_key: Annotated[
            str | None,
            Header(description="Names this request (draft-ietf-httpapi-idempotency-key-header-07); required to write."),
        ] = None,
    ) -> Writer:
        return Writer(request=request, principal=principal, key=idempotency_key)

    async def directly(request: Request) -> Writer:
        return await writer(request, await gate.principal(request), request.headers.get("idempotency-key"))

    return Depends(Direct(writer, directly))


def write_account(operation: Operation) -> Any:
    """The dependency of a command on one account: as `write`, and it may name the versions it was decided on."""

    async def writer(
        one: Writer = write(operation),
        if_match: Annotated[str | None, Header(description="Versions of the account that this is decided on.")] = None,
    ) -> Writer:
        return replace(one, expected=if_match)

    return Depends(writer)


def write_own_account(operation: Operation) -> Any:
    """As `write_account`, for what a learner does: on another account than the own one it is NotFound."""

    async def writer(account_id: UUID, one: Writer = write_account(operation)) -> Writer:
        one.principal.require_account(account_id)
        return one

    return Depends(writer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Settles commands of one request, under its idempotency key."""

    request: Request
    principal: Principal
    key: str | None
    expected: str | None = None

    async def settle(self, command: Command, *, is_bulk: bool = False) -> Response:
        """Settle a command and answer. The same key with the same request gets the same answer."""
        return respond(await desk_of(self.request).ask(self._asked(command, is_bulk=is_bulk)))

    async def settle_in_parts(self, command: Command, count: int, lines: parts.Lines) -> Response:
        """Settle a list of so many lines, and let others in between its parts. As `settle` for whoever asks."""
        return respond(await parts.settle(desk_of(self.request), self._asked(command), count, lines))

    async def settle_without_key(self, command: Command, *, is_bulk: bool = False) -> Response:
        """Settle a command that writes nothing, or that may be repeated at will."""
        asked = desk.Request(command=command, actor=self.principal.actor, is_bulk=is_bulk)
        return respond(await desk_of(self.request).ask(asked))

    async def look_up(self, command: Command, persons: int) -> Response:
        """Settle a command that writes nothing, and tells of so many documents whether the bank knows the person."""
        look_ups = rates_of(self.request).look_ups
        look_ups.require(self.request.scope, self.principal.scope)
        look_ups.count(self.principal.scope, persons)
        return await self.settle_without_key(command, is_bulk=persons > parts.FEW)

    def if_match(self, version: int) -> None:
        """Raise PreconditionFailed where the request names other versions in If-Match."""
        conditions.require_match(self.expected, version)

    def render(self, refusal: BankError) -> tuple[int, dict[str, Any]]:
        """Status and problem document of a refused line."""
        scope = self.request.scope
        body = problems.problem_body(
            refusal, problems.request_id_of(scope), problems.instance_of(scope), problems.language_of(scope)
        )
        return body["status"], body

    async def ask(self, command: Command) -> Settled:
        return await desk_of(self.request).ask(self._asked(command))

    def _asked(self, command: Command, *, is_bulk: bool = False) -> desk.Request:
        return desk.Request(
            command=command,
            actor=self.principal.actor,
            key=(self.principal.scope, conditions.idempotency_key(self.key)),
            fingerprint=self._fingerprint(),
            is_bulk=is_bulk,
        )

    def _fingerprint(self) -> bytes:
        """Kept for ever: a keyed hash, so that nobody can try out which name and number a request held."""
        scope = self.request.scope
        named = f"{scope['method']} {scope['path']}\0".encode("utf-8", "surrogateescape")
        secret = bank_of(self.request).vault.keys.fingerprints
        return hmac.digest(secret, named + scope.get(RAW_BODY, b""), sha256)


def respond(settled: Settled) -> Response:
    """The answer to a settled command, with the positions of its last events."""
    headers = {"Creditbank-Position": settled.position} if settled.position else {}
    if settled.replayed:
        headers["Idempotency-Replayed"] = "true"
    if settled.status == 204:
        return Response(status_code=204, headers=headers)
    return Response(settled.body, status_code=settled.status, media_type="application/json", headers=headers)
