"""Monitors and mirrors: a log is followed and copied, and a change of what was seen before is noticed."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine

from creditbank.audit import files, remote
from creditbank.audit.publisher import Publisher
from creditbank.audit.remote import RemoteLog, Unreachable
from creditbank.audit.transparency import notes
from creditbank.audit.transparency.checkpoints import checkpoint_of
from creditbank.audit.transparency.merkle import Unproven
from creditbank.audit.transparency.notes import Note
from creditbank.audit.transparency.shelf import Forked, Shelf
from tests.audit.bank import ORIGIN, fill, publisher


def served(folder: Path) -> RemoteLog:
    """A folder as a web server shows it."""

    def handle(request: httpx.Request) -> httpx.Response:
        path = folder / request.url.path.removeprefix("/log/v1/")
        return httpx.Response(200, content=path.read_bytes()) if path.is_file() else httpx.Response(404)

    return RemoteLog(httpx.Client(transport=httpx.MockTransport(handle)), "http://bank.example/log/v1/")


def told(_done: int, _total: int) -> None: ...


@pytest.fixture
def published(sqlite_engine: Engine, tmp_path: Path) -> Publisher:
    one = publisher(sqlite_engine, tmp_path)
    fill(sqlite_engine, 5)
    one.publish()
    return one


def test_a_log_that_grows_is_followed(published: Publisher) -> None:
    source = served(published.shelf.folder)
    first, _ = remote.follow(source, published.verifier_keys(), None)
    fill(published.engine, 5, first=5, furnished=True)
    published.publish()

    second, note = remote.follow(source, published.verifier_keys(), first)

    assert second.size > first.size
    assert note == published.shelf.checkpoint()


def test_a_log_that_was_begun_anew_is_noticed(published: Publisher, tmp_path: Path, postgresql_engine: Engine) -> None:
    seen, _ = remote.follow(served(published.shelf.folder), published.verifier_keys(), None)
    (tmp_path / "other").mkdir()
    other = publisher(postgresql_engine, tmp_path / "other")
    other = type(other)(
        engine=other.engine, shelf=other.shelf, signing=published.signing, salting=other.salting, trees=other.trees,
        origin=ORIGIN, clock=other.clock,
    )  # fmt: skip
    fill(postgresql_engine, 9)
    other.publish()

    with pytest.raises(Forked, match="no longer"):
        remote.follow(served(other.shelf.folder), published.verifier_keys(), seen)


def test_a_log_that_shrank_is_noticed(published: Publisher) -> None:
    old = published.shelf.checkpoint() or ""
    fill(published.engine, 5, first=5, furnished=True)
    published.publish()
    seen, _ = remote.follow(served(published.shelf.folder), published.verifier_keys(), None)
    published.shelf.replace("checkpoint", old)

    with pytest.raises(Forked, match="before"):
        remote.follow(served(published.shelf.folder), published.verifier_keys(), seen)


def test_a_checkpoint_of_somebody_else_is_not_believed(published: Publisher, tmp_path: Path) -> None:
    foreign = publisher(published.engine, tmp_path / "foreign").signing[0]
    head = checkpoint_of(notes.parse(published.shelf.checkpoint() or "").text)
    forged = str(Note(text=head.text, signatures=(notes.sign(head.text, foreign, ORIGIN),)))
    published.shelf.replace("checkpoint", forged)

    with pytest.raises(Unproven):
        remote.follow(served(published.shelf.folder), published.verifier_keys(), None)


def test_a_mirror_holds_the_whole_log(published: Publisher, tmp_path: Path) -> None:
    mirror = Shelf(tmp_path / "mirror")
    remote.copy(served(published.shelf.folder), published.verifier_keys(), mirror, told)
    fill(published.engine, 160, first=5, furnished=True)
    published.publish()

    head = remote.copy(served(published.shelf.folder), published.verifier_keys(), mirror, told)

    assert head.size > 256
    assert files.check(mirror, published.verifier_keys()) == (head, [])
    names = {path.relative_to(mirror.folder) for path in mirror.folder.rglob("*") if path.is_file()}
    full = {path for path in names if ".p" not in str(path)}
    assert full == {
        path.relative_to(published.shelf.folder)
        for path in published.shelf.folder.rglob("*")
        if path.is_file() and ".p" not in str(path)
    } | {Path("log.vkey")}


@pytest.mark.parametrize("level", ["entries", "0"])
def test_a_mirror_does_not_take_what_is_not_signed(published: Publisher, tmp_path: Path, level: str) -> None:
    path = next(path for path in (published.shelf.folder / "tile" / level).rglob("*") if path.is_file())
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    mirror = Shelf(tmp_path / "mirror")

    if level == "entries":
        with pytest.raises(Forked):
            remote.copy(served(published.shelf.folder), published.verifier_keys(), mirror, told)
        assert mirror.checkpoint() is None
    else:  # hashes are made anew from the entries: a wrong one is not copied
        remote.copy(served(published.shelf.folder), published.verifier_keys(), mirror, told)
        assert files.check(mirror, published.verifier_keys())[1] == []


def test_a_log_that_does_not_answer_says_so(published: Publisher) -> None:
    def fail(_request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow")

    for handle in (fail, lambda _: httpx.Response(500), lambda _: httpx.Response(200, content=b"x" * 40_000_000)):
        source = RemoteLog(httpx.Client(transport=httpx.MockTransport(handle)), "http://bank.example")
        with pytest.raises(Unreachable):
            remote.follow(source, published.verifier_keys(), None)
