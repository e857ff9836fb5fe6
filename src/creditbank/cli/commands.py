"""The commands and their options. What a command does lies in its own module, which is imported when it is called:
the line itself starts in a fraction of a second."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

app = typer.Typer(
    name="creditbank",
    help="An auditable credit bank: certificates in, credits accounted as events, exemptions out.",
    epilog="Exit codes: 0 ok, 1 failed, 2 usage, 3 integrity violation. Settings: CREDITBANK_* in the environment.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
keys = typer.Typer(help="Make, list and revoke API keys; rotate the bank's own secrets.", no_args_is_help=True)
members = typer.Typer(help="Add, list and remove people who may sign in.", no_args_is_help=True)
rules = typer.Typer(help="Test, lint, explain and compare rulebooks.", no_args_is_help=True)
app.add_typer(keys, name="keys")
app.add_typer(members, name="members")
app.add_typer(rules, name="rules")

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Rulebook = Annotated[Path, typer.Argument(metavar="FILE", help="A rulebook, or a file of cases.")]


Processes = Annotated[
    int | None,
    typer.Option(min=1, max=64, help="How many; as many as there are cores, 8 at most, where history is long."),
]


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


class Language(StrEnum):
    """In which language sentences are."""

    EN = "en"
    ZH = "zh"


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes; more than one needs PostgreSQL.")] = 1,
    as_json: Json = False,
) -> None:
    """Serve the HTTP API. Prints one line with the address when it is ready to answer."""
    from creditbank.cli.serve import run

    run(host=host, port=port, workers=workers, as_json=as_json)


@app.command()
def demo(
    learners: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many learners the province has.")] = 2_000,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port, or the next one that is free.")] = 8000,
    data_dir: Annotated[Path, typer.Option(help="The demo's own directory, made at the first run.")] = Path(
        "demo-data"
    ),
    database_url: Annotated[str | None, typer.Option(help="Instead of the SQLite file in that directory.")] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Delete what is there and start over.")] = False,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Go on serving when all is loaded.")] = True,
    for_anybody: Annotated[
        bool, typer.Option("--for-anybody", help="Let others reach it too, who may sign in as anybody.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Load an invented province into a bank of its own, and serve it. Run again, it goes on where it was."""
    from creditbank.cli.demo import run

    run(
        learners=learners,
        host=host,
        port=port,
        data_dir=data_dir,
        database_url=database_url,
        reset=reset,
        and_serve=serve,
        as_json=as_json,
        for_anybody=for_anybody,
    )


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="XLSX, CSV or NDJSON, up to 200 MB and 100,000 rows.")],
    organisation: Annotated[str | None, typer.Option(help="Whose file it is; not needed with --server.")] = None,
    server: Annotated[str | None, typer.Option(metavar="URL", help="A bank that is served elsewhere.")] = None,
    key: Annotated[
        str | None,
        typer.Option(envvar="CREDITBANK_KEY", help="The issuer's API key, for --server.", show_default=False),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Judge every row and write nothing.")] = False,
    atomic: Annotated[bool, typer.Option("--atomic", help="All rows or none, up to 5,000.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Take a file that was imported before.")] = False,
    sheet: Annotated[str | None, typer.Option(help="Of a workbook with several.")] = None,
    mapping: Annotated[
        str | None,
        typer.Option(metavar="FILE|ID", help="What its headers mean: a JSON file, or a mapping that is kept."),
    ] = None,
    errors: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the refused rows here, to be mended.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Import a file of certificates, through a server or straight into the bank of this environment.

    Ends with 1 when a row was refused.
    """
    if server is None and organisation is None:
        raise typer.BadParameter("name the --organisation, or a --server with its --key")
    if server is not None and key is None:
        raise typer.BadParameter("a --server needs the issuer's --key")
    from creditbank.cli.importing import Asked, run

    asked = Asked(
        file=file, dry_run=dry_run, mode="atomic" if atomic else "partial", force=force, sheet=sheet, mapping=mapping
    )
    run(asked, organisation=organisation, server=server, key=key, errors=errors, as_json=as_json)


@app.command()
def publish(
    once: Annotated[bool, typer.Option("--once", help="Publish what there is now, and end.")] = False,
    as_json: Json = False,
) -> None:
    """Publish the public log, once a second: on PostgreSQL beside `serve`, which does it itself on SQLite."""
    from creditbank.cli.publish import run

    run(once=once, as_json=as_json)


@app.command()
def verify(
    path: Annotated[
        Path | None,
        typer.Argument(help="A proof, a bundle, an exported bank, or a published log; without, the database."),
    ] = None,
    key: Annotated[list[str] | None, typer.Option(help="Verifier key of the log, from whom you trust.")] = None,
    processes: Processes = None,
    as_json: Json = False,
) -> None:
    """Verify all that the log says; needs no server. Exit code 3 names the first fault."""
    from creditbank.cli.verify import run

    run(path=path, keys=key or [], as_json=as_json, processes=processes)


@app.command()
def export(
    target: Annotated[Path | None, typer.Argument(help="File of the account, or new folder of the bank.")] = None,
    account: Annotated[UUID | None, typer.Option(help="One account, with its proofs.")] = None,
    as_json: Json = False,
) -> None:
    """Write history with its proofs: one account as a bundle, or the whole bank as a folder."""
    from creditbank.cli.export import run_account, run_all

    if account is not None:
        run_account(account_id=account, target=target)
    elif target is not None:
        run_all(target=target, as_json=as_json)
    else:
        raise typer.BadParameter("name an account, or a folder for the whole bank")


@app.command()
def witness(
    name: Annotated[str, typer.Option(help="Name under which it cosigns: an address without the scheme.")],
    folder: Annotated[Path, typer.Option(help="Where its key lies and what it has seen.")],
    log: Annotated[list[str] | None, typer.Option(help="Verifier key of a log to cosign.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8001,
    show_key: Annotated[bool, typer.Option("--show-key", help="Print its own verifier key, and end.")] = False,
) -> None:
    """Be a witness for the logs of others: cosign what goes on from what was seen before."""
    from creditbank.cli.others import witness as run

    run(name=name, logs=log or [], folder=folder, host=host, port=port, show_key=show_key)


Url = Annotated[str, typer.Argument(metavar="URL", help="Where the log is, such as https://bank.example/log/v1.")]
LogKey = Annotated[list[str], typer.Option("--key", help="Verifier key of the log, from whom you trust.")]
Every = Annotated[float | None, typer.Option(min=1, help="Again after so many seconds; once without.")]


@app.command()
def monitor(
    url: Url,
    key: LogKey,
    state: Annotated[Path, typer.Option(help="File with the checkpoint that was seen last.")],
    every: Every = None,
    as_json: Json = False,
) -> None:
    """Check that a log goes on from what was seen before. Exit code 3 where it does not."""
    from creditbank.cli.others import monitor as run

    run(url=url, keys=key, state=state, every=every, as_json=as_json)


@app.command()
def mirror(
    url: Url,
    key: LogKey,
    folder: Annotated[Path, typer.Option(help="Where the copy is kept; any web server can show it.")],
    every: Every = None,
    as_json: Json = False,
) -> None:
    """Keep a whole copy of a log, every entry checked. Exit code 3 where it is not what was signed."""
    from creditbank.cli.others import mirror as run

    run(url=url, keys=key, folder=folder, every=every, as_json=as_json)


@app.command()
def migrate(
    check: Annotated[bool, typer.Option("--check", help="Change nothing; fail when the database is behind.")] = False,
    as_json: Json = False,
) -> None:
    """Bring the database to the tables of this version."""
    from creditbank.cli.migrate import run

    run(check=check, as_json=as_json)


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check this installation, one line each, with what to do about it."""
    from creditbank.cli.doctor import run

    run(as_json=as_json)


@app.command()
def rebuild(processes: Processes = None, as_json: Json = False) -> None:
    """Make all answers what history says, while the bank goes on."""
    from creditbank.cli.rebuild import run

    run(as_json=as_json, processes=processes)


@app.command()
def replay(
    everything: Annotated[bool, typer.Option("--all", help="Compare all answers with history.")] = False,
    account: Annotated[UUID | None, typer.Option(help="Recompute one account.")] = None,
    version: Annotated[int | None, typer.Option(min=1, help="As it was at this version.")] = None,
    at: Annotated[str | None, typer.Option(metavar="DATE", help="As it was known at the end of this day.")] = None,
    processes: Processes = None,
    as_json: Json = False,
) -> None:
    """Recompute from history alone: one account, or everything, which must be what the bank answers."""
    if everything == (account is not None):
        raise typer.BadParameter("name an --account, or --all")
    if (everything and (version or at)) or (version and at):
        raise typer.BadParameter("--version or --at belongs to an --account, one of them")
    from creditbank.cli.replay import run_account, run_all

    if account is None:
        run_all(as_json=as_json, processes=processes)
    else:
        run_account(account_id=account, version=version, day=_day(at), as_json=as_json)


@app.command()
def inspect(
    announced: Annotated[str, typer.Option(help="What was announced before the public value could be known.")],
    inspectors: Annotated[Path, typer.Option(metavar="FILE", help="CSV with the columns name and organisation.")],
    each: Annotated[int, typer.Option(min=1, help="Inspectors for each that is drawn.")] = 2,
    accounts: Annotated[str | None, typer.Option(metavar="N|N%", help="How many accounts.")] = None,
    decisions: Annotated[str | None, typer.Option(metavar="N|N%", help="How many decisions.")] = None,
    organisations: Annotated[str | None, typer.Option(metavar="N|N%", help="How many organisations.")] = None,
    stratified: Annotated[
        bool, typer.Option("--stratified", help="So many of each stratum: who opened, who decided, which roles.")
    ] = False,
    checkpoint: Annotated[
        int | None, typer.Option(min=1, metavar="SIZE", help="Draw from what it covers; the published one without.")
    ] = None,
    known_at: Annotated[str | None, typer.Option(metavar="INSTANT", help="Draw from what was known then.")] = None,
    seed: Annotated[
        str | None, typer.Option(help="Public value to draw by; the root of the checkpoint without.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report here, as HTML to print.")
    ] = None,
    lists: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write the lists that were drawn from here.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Draw by lot who is inspected and by whom, from a public seed, and check what was drawn in full.

    Exit code 3 where something that was drawn does not hold.
    """
    if checkpoint is not None and known_at is not None:
        raise typer.BadParameter("either --checkpoint or --known-at")
    from creditbank.cli.inspect import Asked, run

    asked = Asked(
        announced=announced,
        inspectors=inspectors,
        each=each,
        amounts=_amounts(accounts=accounts, decisions=decisions, organisations=organisations),
        stratified=stratified,
        seed=seed,
        checkpoint=checkpoint,
        known_at=_instant(known_at),
    )
    run(asked, report=report, lists=lists, as_json=as_json)


@app.command()
def openapi(
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it to a file.")] = None,
    check: Annotated[Path | None, typer.Option(metavar="FILE", help="Fail when the file holds another one.")] = None,
    as_json: Json = False,
) -> None:
    """Print the description of the HTTP API (OpenAPI 3.1). Needs no database."""
    if output is not None and check is not None:
        raise typer.BadParameter("either --output or --check")
    from creditbank.cli.openapi import run

    run(output=output, check=check, as_json=as_json)


@app.command()
def access(
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it to a file.")] = None,
    check: Annotated[Path | None, typer.Option(metavar="FILE", help="Fail when the file holds another one.")] = None,
    as_json: Json = False,
) -> None:
    """Print who may do what, on whose objects, by which calls (Markdown). Needs no database."""
    if output is not None and check is not None:
        raise typer.BadParameter("either --output or --check")
    from creditbank.cli.access import run

    run(output=output, check=check, as_json=as_json)


@rules.command("test")
def test_rules(file: Rulebook, as_json: Json = False) -> None:
    """Run the cases of a rulebook or of a file of cases."""
    from creditbank.cli.rules import run_test

    run_test(file=file, as_json=as_json)


@rules.command("lint")
def lint_rules(file: Rulebook, as_json: Json = False) -> None:
    """Show faults, and what is allowed and probably not meant, each with its JSON pointer."""
    from creditbank.cli.rules import run_lint

    run_lint(file=file, as_json=as_json)


@rules.command("explain")
def explain_rules(
    file: Rulebook,
    case_id: Annotated[str | None, typer.Argument(metavar="CASE-ID", help="Only this case.")] = None,
    lang: Annotated[Language, typer.Option(help="Language of the sentences.")] = Language.EN,
    as_json: Json = False,
) -> None:
    """Evaluate cases and say every grant and refusal in words."""
    from creditbank.cli.rules import run_explain

    run_explain(file=file, case_id=case_id, language=lang.value, as_json=as_json)


@rules.command("diff")
def diff_rules(
    before: Annotated[str, typer.Argument(metavar="A", help="A rulebook as a file, or ID@VERSION of the bank.")],
    after: Annotated[str, typer.Argument(metavar="B", help="Another one, in the same way.")],
    bank: Annotated[bool, typer.Option("--bank", help="Decide the bank's decisions anew, also for two files.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON document a line.")] = False,
) -> None:
    """Show what changes from A to B, clause by clause, and for which accounts of the bank it would change something."""
    from creditbank.cli.rules_diff import run

    run(before=before, after=after, with_bank=bank, as_json=as_json)


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
        role=role.value, organisation=organisation, account_id=account, expires_at=_instant(expires_at), as_json=as_json
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
        expires_at=_instant(expires_at),
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


def _amounts(**texts: str | None) -> dict[Any, tuple[str, Any]]:
    """What is drawn, as it was written and as it is meant."""
    from creditbank.domain.draws import amount

    try:
        found = {kind: (text, amount(text)) for kind, text in texts.items() if text is not None}
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if not found:
        raise typer.BadParameter("name how many --accounts, --decisions or --organisations are drawn")
    return found


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text} is no instant") from None
    if instant.tzinfo is None:
        raise typer.BadParameter(f"{text} does not say its zone: add Z for UTC")
    return instant


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text} is no date: write it as 2027-01-31") from None
