"""The commands for rulebooks that lie in files."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from creditbank.cli.options import Json

rules = typer.Typer(help="Test, lint, explain and compare rulebooks.", no_args_is_help=True)
Rulebook = Annotated[Path, typer.Argument(metavar="FILE", help="A rulebook, or a file of cases.")]


class Language(StrEnum):
    """In which language sentences are."""

    EN = "en"
    ZH = "zh"


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
