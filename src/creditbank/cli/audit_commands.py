"""The commands that publish, prove and audit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from creditbank.cli.options import Json, Processes, day, instant

audit = typer.Typer()
Url = Annotated[str, typer.Argument(metavar="URL", help="Where the log is, such as https://bank.example/log/v1.")]
LogKey = Annotated[list[str], typer.Option("--key", help="Verifier key of the log, from whom you trust.")]
Every = Annotated[float | None, typer.Option(min=1, help="Again after so many seconds; once without.")]


@audit.command()
def publish(
    once: Annotated[bool, typer.Option("--once", help="Publish what there is now, and end.")] = False,
    until_input_ends: Annotated[
        bool, typer.Option("--until-input-ends", help="End when standard input does: with whoever started this.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Publish the public log, once a second: on PostgreSQL beside `serve`, which starts this itself on SQLite."""
    from creditbank.cli.publish import run

    run(once=once, until_input_ends=until_input_ends, as_json=as_json)


@audit.command()
def verify(
    path: Annotated[
        Path | None,
        typer.Argument(
            help="A proof, a bundle, a transcript, an exported bank, or a published log; else the database."
        ),
    ] = None,
    key: Annotated[list[str] | None, typer.Option(help="Verifier key of the log, from whom you trust.")] = None,
    processes: Processes = None,
    as_json: Json = False,
) -> None:
    """Verify all that the log says; needs no server. Exit code 3 names the first fault."""
    from creditbank.cli.verify import run

    run(path=path, keys=key or [], as_json=as_json, processes=processes)


@audit.command()
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


@audit.command()
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


@audit.command()
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


@audit.command()
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


@audit.command()
def rebuild(processes: Processes = None, as_json: Json = False) -> None:
    """Make all answers what history says, while the bank goes on."""
    from creditbank.cli.rebuild import run

    run(as_json=as_json, processes=processes)


@audit.command()
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
        run_account(account_id=account, version=version, day=day(at), as_json=as_json)


@audit.command()
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
        known_at=instant(known_at),
    )
    run(asked, report=report, lists=lists, as_json=as_json)


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
