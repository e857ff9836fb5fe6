"""`creditbank access`: who may do what, as it is published in the repository."""

from __future__ import annotations

from pathlib import Path

from creditbank.api.access_page import page
from creditbank.app import create_app
from creditbank.cli import installation
from creditbank.cli.published import publish


def run(*, output: Path | None, check: Path | None, as_json: bool) -> None:
    """Print the page, write it to a file, or fail when a file holds another one. Needs no database."""
    publish(page(create_app(installation.settings())), "access", output=output, check=check, as_json=as_json)
