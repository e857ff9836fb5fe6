"""OAuth clients of organisations: registered by the authority with public keys or a secret, rotated and revoked."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from creditbank.api.answers.catalogue import Page
from creditbank.api.answers.oauth import Client, RegisteredClient
from creditbank.api.body import StrictRoute
from creditbank.api.cursors import PageAsked
from creditbank.api.dependencies import Writer, bank_of, permit, write
from creditbank.api.principals import Principal
from creditbank.api.requests.clients import ClientBody, JwkSetBody, SecretBody
from creditbank.api.routes.oauth import office_of
from creditbank.commands import clients
from creditbank.domain.instants import microseconds_of
from creditbank.domain.organisations import organisation

router = APIRouter(prefix="/v1", tags=["Access tokens"], route_class=StrictRoute)

Code = Annotated[str, Path(max_length=64, examples=["BIM-EVAL"])]


@router.post(
    "/organisations/{code}/clients",
    status_code=201,
    response_model=RegisteredClient,
    summary="Register an OAuth client",
)
async def register_client(code: Code, body: ClientBody, writer: Annotated[Writer, write("keys:manage")]) -> Response:
    """For one role of the organisation. A secret is shown in this answer only; private keys are refused."""
    return await writer.settle(
        clients.RegisterClient(
            organisation=code,
            role=body.role,
            keys=body.jwks.public_keys() if body.jwks else (),
            scopes=frozenset(body.scopes) if body.scopes else None,
            dpop_bound=body.dpop_bound,
            created_by=writer.principal.actor,
            expires_at=microseconds_of(body.expires_at) if body.expires_at else None,
        )
    )


@router.get("/organisations/{code}/clients", response_model=Page[Client], summary="List OAuth clients")
def list_clients(
    request: Request, code: Code, page: PageAsked, _: Annotated[Principal, permit("keys:manage")]
) -> dict[str, Any]:
    """Revoked and expired ones included, the oldest first; never their secrets."""
    bank = bank_of(request)
    organisation(bank.catalogue(), code)
    after = (page.after[0], page.after[1]) if page.after else (0, "")
    found = clients.listed(bank, code, after, page.limit + 1)
    shown, cursor = page.cut(found, lambda client: [client.created_at, client.client_id])
    return {"items": [clients.document(client, bank.clock()) for client in shown], "next_cursor": cursor}


@router.post("/clients/{client_id}/jwks", response_model=Client, summary="Replace the keys of a client")
async def replace_keys(client_id: str, body: JwkSetBody, writer: Annotated[Writer, write("keys:manage")]) -> Response:
    """To rotate, send old and new keys, let the client change over, then send the new ones alone."""
    answer = await writer.settle(clients.ReplaceKeys(client_id=client_id, keys=body.public_keys()))
    office_of(writer.request).clients.forget(client_id)
    return answer


@router.post("/clients/{client_id}/secret", response_model=RegisteredClient, summary="Rotate the secret of a client")
async def rotate_secret(client_id: str, body: SecretBody, writer: Annotated[Writer, write("keys:manage")]) -> Response:
    """The new secret is shown in this answer only; the former one is valid for a while, for seven days by default."""
    until = microseconds_of(body.former_expires_at) if body.former_expires_at else None
    answer = await writer.settle(clients.RotateSecret(client_id=client_id, former_until=until))
    office_of(writer.request).clients.forget(client_id)
    return answer


@router.delete("/clients/{client_id}", status_code=204, summary="Revoke an OAuth client")
async def revoke_client(client_id: str, writer: Annotated[Writer, write("keys:manage")]) -> Response:
    """Its tokens end at once in this process, and within two seconds in every other one."""
    answer = await writer.settle_without_key(clients.RevokeClient(client_id=client_id))
    office_of(writer.request).clients.forget(client_id)
    return answer
