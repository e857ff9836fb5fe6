"""`creditbank migrate`: bring the database to the tables of this version, or tell whether it is there."""

from __future__ import annotations

from creditbank.cli import installation
from creditbank.cli.outcome import Failed, say, say_json
from creditbank.ledger import migration


def run(*, check: bool, as_json: bool) -> None:
    """Upgrade to the newest revision. With `check` nothing is changed, and a database that is behind is a failure."""
    with installation.reached(installation.settings()) as engine:
        with engine.connect() as connection:
            before = migration.revisions(connection)
        was_at_head = migration.at_head(engine)
        if not check and not was_at_head:
            migration.upgrade(engine)
        with engine.connect() as connection:
            after = migration.revisions(connection)
    is_at_head = was_at_head or not check
    if as_json:
        say_json({"at_head": is_at_head, "before": sorted(before), "after": sorted(after)})
    if not is_at_head:
        raise Failed("the database is behind: run `creditbank migrate`")
    if not as_json:
        say(f"the database is at {', '.join(sorted(after))}{', as before' if was_at_head else ''}")
