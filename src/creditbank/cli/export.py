"""`creditbank export`: an account with its proofs, or the whole bank, as files that are checked anywhere."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from creditbank.audit import bundles, wholebank
from creditbank.cli import installation
from creditbank.cli.outcome import Failed, say, say_json
from creditbank.cli.progress import progress
from creditbank.publication import open_prover


def run_account(*, account_id: UUID, target: Path | None) -> None:
    """Write the bundle of one account to a file, or print it. Raises Failed where no checkpoint covers it yet."""
    chosen = installation.settings()
    with installation.migrated(chosen) as engine:
        bundle = bundles.bundle(open_prover(chosen, engine), account_id)
    if bundle is None:
        raise Failed(f"the log holds nothing of account {account_id} yet")
    text = bundle.model_dump_json(indent=1)
    if target is None:
        say(text)
    else:
        target.write_text(text + "\n", "utf-8")


def run_all(*, target: Path, as_json: bool) -> None:
    """Write the published history of the whole bank and its log into a new folder."""
    chosen = installation.settings()
    with installation.migrated(chosen) as engine, progress("exporting") as advanced:
        try:
            count = wholebank.export(open_prover(chosen, engine), target, advanced)
        except FileExistsError:
            raise Failed(f"{target} is there already: name a new folder") from None
    if as_json:
        say_json({"events": count, "folder": str(target)})
    else:
        say(f"{count} events with their salts, and the log, are in {target}")
