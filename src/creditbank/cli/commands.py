"""The commands and their options. What a command does lies in its own module, which is imported when it is called:
the line itself starts in a fraction of a second."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from creditbank.cli.access_commands import keys, members
from creditbank.cli.audit_commands import audit
from creditbank.cli.options import Json
from creditbank.cli.rules_commands import rules

app = typer.Typer(
    name="creditbank",
    help="An auditable credit bank: certificates in, credits accounted as events, exemptions out.",
    epilog="Exit codes: 0 ok, 1 failed, 2 usage, 3 integrity violation. Settings: CREDITBANK_* in the environment.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(audit)
app.add_typer(keys, name="keys")
app.add_typer(members, name="members")
app.add_typer(rules, name="rules")


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
