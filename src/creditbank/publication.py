"""How this bank publishes: publisher, prover, witnesses and guard, put together from the settings."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Engine

from creditbank.audit import remote
from creditbank.audit.cosigning import Cosigners
from creditbank.audit.guard import Guard
from creditbank.audit.heads import HeadTrees
from creditbank.audit.proofs import Prover
from creditbank.audit.publisher import Publisher
from creditbank.audit.transparency import notes, policies
from creditbank.audit.transparency.checkpoints import Checkpoint
from creditbank.audit.transparency.shelf import KEYS, Shelf
from creditbank.ledger import sequence
from creditbank.ledger.database import writing
from creditbank.settings import Settings
from creditbank.vault import logkeys


def open_publisher(settings: Settings, engine: Engine, clock: Callable[[], int]) -> Publisher:
    """The publisher of the bank's log. Raises Renamed where the log has another name than the settings say."""
    origin = name_log(settings, engine)
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


def name_log(settings: Settings, engine: Engine) -> str:
    """The name of the bank's log, which has it from now on. Raises Renamed where the settings say another."""
    with writing(engine) as connection:
        return sequence.name(connection, settings.origin, _address(settings))


def open_prover(settings: Settings, engine: Engine) -> Prover:
    """Makes proofs; reads no key that signs."""
    salting = logkeys.salting(settings.data_dir)
    return Prover(engine=engine, shelf=shelf(settings), trees=_head_trees(settings), salting=salting)


def open_guard(settings: Settings, engine: Engine) -> Guard:
    """The rollback guard of this bank, which has asked the witnesses. Raises Malformed for a policy that is none."""
    return Guard(engine, shelf(settings), remembered(settings, engine))


def environment(settings: Settings) -> dict[str, str]:
    """What tells another process to publish the log of this bank."""
    named = {
        "database_url": settings.database_url,
        "data_dir": settings.data_dir,
        "public_url": settings.public_url,
        "origin": settings.origin,
        "witness_policy": settings.witness_policy,
    }
    return {f"CREDITBANK_{name.upper()}": str(value) for name, value in named.items() if value is not None}


def remembered(settings: Settings, engine: Engine) -> Checkpoint | None:
    """The largest checkpoint of this bank that a witness remembers; None where none of them tells of one."""
    keys, cosigners = notes.verifier_keys(shelf(settings).text(KEYS) or ""), _cosigners(settings)
    if cosigners is None or not keys:
        return None
    with engine.connect() as connection, connection.begin():
        origin = sequence.known_name(connection) or settings.origin or _address(settings)
    with cosigners.client:
        return cosigners.highest(origin, keys)


def _address(settings: Settings) -> str:
    """What a log is called that was not given another name."""
    return settings.public_url.partition("://")[2] + "/log/v1"


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
