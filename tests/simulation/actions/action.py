"""What somebody may ask of the bank, what must be answered, and what then is true."""

from __future__ import annotations

from typing import Any, Protocol

from creditbank.commands.desk import Command
from tests.simulation.model import Account, Model, Moment

Refusals = tuple[str, ...]
"""The codes of which one must be answered; none where it must be done."""
DONE: Refusals = ()


class Wrong(AssertionError):
    """The bank did something else than it must."""


class Action(Protocol):
    """One wish, which may be sent any number of times."""

    def command(self) -> Command: ...

    def refusals(self, model: Model, at: Moment) -> Refusals: ...

    def apply(self, model: Model, at: Moment, body: dict[str, Any]) -> None:
        """Make the model what it must be once the bank has answered with this body. Raises Wrong."""


def require(is_right: bool, what: str) -> None:
    if not is_right:
        raise Wrong(what)


def unless_open(account: Account) -> Refusals:
    """Why an account takes no commands."""
    if account.merged_into is not None:
        return ("account_merged",)
    return DONE if account.status == "open" else ("account_not_open",)


def unless_in(account: Account, *allowed: str) -> Refusals:
    if account.merged_into is not None:
        return ("account_merged",)
    return DONE if account.status in allowed else ("wrong_state",)
