"""The commands for whoever may use the bank: keys, secrets, and people who sign in."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer

from creditbank.cli.options import Json, instant

keys = typer.Typer(help="Make, list and revoke API keys; rotate the bank's own secrets.", no_args_is_help=True)
members = typer.Typer(help="Add, list and remove people who may sign in.", no_args_is_help=True)


class Role(StrEnum):
    """Whose key it is."""

    AUTHORITY = "authority"
    ISSUER = "issuer"
    INSTITUTION = "institution"
    LEARNER = "learner"
    AUDITOR = "auditor"


class Secret(StrEnum):
    """A secret of the bank that can be rotated."""

    WRAPPING = "wrapping"
    BLIND_INDEX = "blind-index"
    API_KEYS = "api-keys"
    TOKENS = "tokens"


@keys.command("log")
def show_log_keys(
    add: Annotated[bool, typer.Option("--add", help="Make one more key, which signs beside the ones before.")] = False,
    as_json: Json = False,
) -> None:
    """Print the keys with which anybody can verify the public log."""
    from creditbank.cli.publish import show_keys

    show_keys(add=add, as_json=as_json)


@keys.command("create")
def create_key(
    role: Annotated[Role, typer.Option(help="What the key may do.")],
    organisation: Annotated[str | None, typer.Option(help="Code of the organisation that it acts for.")] = None,
    account: Annotated[UUID | None, typer.Option(help="Account of the learner.")] = None,
    expires_at: Annotated[str | None, typer.Option(help="Instant with its zone, as 2027-01-31T00:00:00Z.")] = None,
    as_json: Json = False,
) -> None:
    """Make a key and print it, alone. It is shown this once."""
    if role is Role.LEARNER and account is None:
        raise typer.BadParameter("a learner's key needs --account")
    if role is not Role.LEARNER and account is not None:
        raise typer.BadParameter("only a learner's key has an --account")
    if role is Role.LEARNER and organisation is not None:
        raise typer.BadParameter("a learner's key has no --organisation")
    if role not in (Role.LEARNER, Role.AUTHORITY) and organisation is None:
        raise typer.BadParameter(f"a key of the role {role} needs an --organisation")
    from creditbank.cli.keys import create

    create(
        role=role.value, organisation=organisation, account_id=account, expires_at=instant(expires_at), as_json=as_json
    )


@keys.command("list")
def list_keys(as_json: Json = False) -> None:
    """Show every key there is, without its secret."""
    from creditbank.cli.keys import show

    show(as_json=as_json)


@keys.command("revoke")
def revoke_key(key_id: Annotated[str, typer.Argument(help="As `keys list` shows it.")], as_json: Json = False) -> None:
    """End a key. Running servers notice within two seconds."""
    from creditbank.cli.keys import revoke

    revoke(key_id=key_id, as_json=as_json)


@keys.command("rotate")
def rotate_key(
    name: Annotated[Secret, typer.Argument(metavar="KEY", help="wrapping, blind-index, api-keys or tokens.")],
    as_json: Json = False,
) -> None:
    """Put a new generation of one of the bank's own secrets in the place of the current one, while servers work."""
    if name is Secret.TOKENS:
        from creditbank.cli import token_keys

        token_keys.rotate(as_json=as_json)
        return
    from creditbank.cli.rotate import rotate

    rotate(name=name.value, as_json=as_json)


@keys.command("retire")
def retire_key(
    name: Annotated[Secret, typer.Argument(metavar="KEY", help="wrapping, blind-index, api-keys or tokens.")],
    as_json: Json = False,
) -> None:
    """Destroy the generations of a secret that came before the current one, once nothing stored needs them."""
    if name is Secret.TOKENS:
        from creditbank.cli import token_keys

        token_keys.retire(as_json=as_json)
        return
    from creditbank.cli.rotate import retire

    retire(name=name.value, as_json=as_json)


@members.command("add")
def add_member(
    subject: Annotated[str, typer.Argument(help="The `sub` of the person at the identity provider.")],
    role: Annotated[Role, typer.Option(help="What the member may do.")],
    organisation: Annotated[str | None, typer.Option(help="Code of the organisation that it acts for.")] = None,
    issuer: Annotated[str | None, typer.Option(help="Identity provider; CREDITBANK_OIDC_ISSUER without it.")] = None,
    expires_at: Annotated[str | None, typer.Option(help="Instant with its zone, as 2027-01-31T00:00:00Z.")] = None,
    as_json: Json = False,
) -> None:
    """Let a person sign in and act in a role: above all the first one of the authority."""
    if role is Role.LEARNER:
        raise typer.BadParameter("learners are no members: they sign in by their documents")
    if role is not Role.AUTHORITY and organisation is None:
        raise typer.BadParameter(f"a member of the role {role} needs an --organisation")
    from creditbank.cli.members import add

    add(
        subject=subject,
        role=role.value,
        organisation=organisation,
        issuer=issuer,
        expires_at=instant(expires_at),
        as_json=as_json,
    )


@members.command("list")
def list_members(as_json: Json = False) -> None:
    """Show every member there ever was."""
    from creditbank.cli.members import show

    show(as_json=as_json)


@members.command("remove")
def remove_member(
    member_id: Annotated[str, typer.Argument(help="As `members list` shows it.")], as_json: Json = False
) -> None:
    """Let a member in no more. Its sessions end within two seconds."""
    from creditbank.cli.members import remove

    remove(member_id=member_id, as_json=as_json)
