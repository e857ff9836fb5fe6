"""How this bank publishes: publisher, prover and witnesses, put together from the settings."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Engine

from creditbank.audit import remote
from creditbank.audit.cosigning import Cosigners
from creditbank.audit.heads import HeadTrees
from creditbank.audit.proofs import Prover
from creditbank.audit.publisher import Publisher
from creditbank.audit.transparency import policies
from creditbank.audit.transparency.shelf import Shelf
from creditbank.ledger import sequence
from creditbank.ledger.database import writing
from creditbank.settings import Settings
from creditbank.vault import logkeys


def open_publisher(settings: Settings, engine: Engine, clock: Callable[[], int]) -> Publisher:
    """The publisher of the bank's log. Raises Renamed where the log has another name than the settings say."""
    otherwise = settings.public_url.partition("://")[2] + "/log/v1"
    with writing(engine) as connection:
        origin = sequence.name(connection, settings.origin, otherwise)
    return Publisher(
        engine=engine,
        shelf=shelf(settings),
        signing=logkeys.signing(settings.data_dir),
        salting=logkeys.salting(settings.data_dir),
        trees=_head_trees(settings),
        origin=origin,
        clock=clock,
        cosigners=_cosigners(settings),
    )


def open_prover(settings: Settings, engine: Engine) -> Prover:
    """Makes proofs; reads no key that signs."""
    salting = logkeys.salting(settings.data_dir)
    return Prover(engine=engine, shelf=shelf(settings), trees=_head_trees(settings), salting=salting)


def _cosigners(settings: Settings) -> Cosigners | None:
    """The witnesses that the policy file names. Raises Malformed where it cannot be read."""
    if settings.witness_policy is None:
        return None
    policy = policies.parse(settings.witness_policy.read_text("utf-8"))
    return Cosigners(policy=policy, client=remote.client(), shelf=shelf(settings))


def _head_trees(settings: Settings) -> HeadTrees:
    return HeadTrees(settings.data_dir / "log-heads")


def shelf(settings: Settings) -> Shelf:
    return Shelf(settings.data_dir / "log")
