"""Witnesses: they cosign what goes on from what they saw, and never a fork; a policy says when there are enough."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Barrier, Event, Thread
from time import monotonic

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from creditbank import publication
from creditbank.api.witness import create_witness
from creditbank.audit import asking, checking, publishing, remote, witness
from creditbank.audit.cosigning import Cosigners
from creditbank.audit.guard import Guard
from creditbank.audit.publisher import Publisher
from creditbank.audit.transparency import merkle, notes, policies, tiles
from creditbank.audit.transparency.checkpoints import Checkpoint, checkpoint_of
from creditbank.audit.transparency.encoding import Malformed
from creditbank.audit.transparency.notes import COSIGNATURE, Note
from creditbank.audit.transparency.shelf import Forked
from creditbank.audit.witness import Witness
from creditbank.commands.desk import Desk
from creditbank.domain import errors
from creditbank.ledger import sequence
from creditbank.ledger.database import writing
from creditbank.settings import Settings
from tests.audit.bank import ORIGIN, fill, filled, publisher
from tests.audit.test_guard import back_up, restore
from tests.commands.bank import Clock, award, bank_on, holder, tell

SEEDS = {name: Ed25519PrivateKey.from_private_bytes(name.encode() * 32) for name in "abc"}


def vkey(name: str) -> str:
    return str(notes.key_of(SEEDS[name], f"school.example/{name}", COSIGNATURE))


def policy_of(quorum: str, url: str = "http://{}.example") -> policies.Policy:
    lines = [f"witness {name} {vkey(name)} {url.format(name)}" for name in SEEDS]
    return policies.parse("\n".join([*lines, "group two 2 a b c", f"quorum {quorum}"]))


BEGINNINGS = {"published": filled(3)}


@pytest.fixture
def published(sqlite_engine: Engine, tmp_path: Path) -> Publisher:
    return publisher(sqlite_engine, tmp_path)


@pytest.fixture
def watching(published: Publisher, tmp_path: Path) -> Witness:
    (tmp_path / "w").mkdir()
    return Witness(
        name="school.example/a", key=SEEDS["a"], logs={ORIGIN: published.verifier_keys()}, folder=tmp_path / "w",
        clock=Clock(),
    )  # fmt: skip


def submit(watching: Witness, one: Publisher, old: int, note: str | None = None) -> witness.Verdict:
    note = note or one.shelf.checkpoint() or ""
    size = checkpoint_of(notes.parse(note).text).size
    proof = merkle.consistency(old, size, tiles.reader(size, one.shelf.read)) if old <= size else []
    return watching.add_checkpoint(witness.request(old, proof, note).encode())


def test_a_log_that_grows_is_cosigned_again_and_again(published: Publisher, watching: Witness) -> None:
    first = submit(watching, published, 0)
    size = checkpoint_of(notes.parse(published.shelf.checkpoint() or "").text).size
    fill(published.engine, 3, first=3, furnished=True)
    published.publish()

    second = submit(watching, published, size)

    assert (first.status, second.status) == (200, 200)
    kept = watching.checkpoint(sha256(ORIGIN.encode()).hexdigest())
    assert kept is not None
    key = notes.key_of(SEEDS["a"], "school.example/a", COSIGNATURE)
    assert len(notes.verified(notes.parse(kept), [key, *published.verifier_keys()])) == 2
    assert second.text in kept


def test_the_same_checkpoint_may_be_cosigned_twice(published: Publisher, watching: Witness) -> None:
    assert submit(watching, published, 0).status == 200
    size = checkpoint_of(notes.parse(published.shelf.checkpoint() or "").text).size

    assert submit(watching, published, size).status == 200


def test_a_fork_is_never_cosigned(published: Publisher, watching: Witness) -> None:
    submit(watching, published, 0)
    head = checkpoint_of(notes.parse(published.shelf.checkpoint() or "").text)

    for forged in (replace(head, root=b"f" * 32), replace(head, size=head.size + 1, root=b"f" * 32)):
        signature = notes.sign(forged.text, published.signing[0], ORIGIN)
        note = str(Note(text=forged.text, signatures=(signature,)))
        body = witness.request(head.size, [] if forged.size == head.size else [b"f" * 32], note)
        assert watching.add_checkpoint(body.encode()).status == 422
    assert submit(watching, published, head.size).status == 200


def test_what_a_witness_saw_survives_its_restart(published: Publisher, watching: Witness) -> None:
    submit(watching, published, 0)
    again = replace(watching)

    told = submit(again, published, 0)

    size = checkpoint_of(notes.parse(published.shelf.checkpoint() or "").text).size
    assert (told.status, told.text, told.media_type) == (409, f"{size}\n", "text/x.tlog.size")


def _signed(head: Checkpoint, key: Ed25519PrivateKey) -> str:
    return str(Note(text=head.text, signatures=(notes.sign(head.text, key, head.origin),)))


def test_a_witness_answers_as_the_protocol_says(published: Publisher, watching: Witness) -> None:
    stranger = Checkpoint(origin="stranger.example/log", size=1, root=b"r" * 32)
    empty = Checkpoint(origin=ORIGIN, size=0, root=b"r" * 32)
    head = Checkpoint(origin=ORIGIN, size=1, root=b"r" * 32)

    def answer(old: int, note: str, *proof: bytes) -> int:
        return watching.add_checkpoint(witness.request(old, proof, note).encode()).status

    assert answer(0, _signed(stranger, SEEDS["a"])) == 404
    assert answer(0, _signed(head, SEEDS["a"])) == 403
    assert answer(2, _signed(head, published.signing[0])) == 400
    assert answer(0, _signed(head, published.signing[0]), b"p" * 32) == 422
    assert answer(0, _signed(empty, published.signing[0])) == 422
    assert answer(1, _signed(head, published.signing[0])) == 409


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_whatever_is_sent_is_answered(watching: Witness, body: bytes) -> None:
    assert watching.add_checkpoint(body).status == 400
    assert watching.add_checkpoint(b"old 0\n\n" + body).status == 400


# Over HTTP, asked by the publisher


@pytest.fixture
def schools(published: Publisher, tmp_path: Path) -> Iterator[dict[str, TestClient]]:
    """Three witnesses as servers."""
    found = {}
    for name, key in SEEDS.items():
        (folder := tmp_path / name).mkdir()
        one = Witness(
            name=f"school.example/{name}", key=key, logs={ORIGIN: published.verifier_keys()}, folder=folder,
            clock=Clock(),
        )  # fmt: skip
        found[name] = TestClient(create_witness(one), raise_server_exceptions=True)
    yield found
    for client in found.values():
        client.close()


def through(schools: dict[str, TestClient], down: set[str]) -> httpx.Client:
    """A client that reaches the servers by their names, but for those that are down."""

    def handle(request: httpx.Request) -> httpx.Response:
        name = request.url.host.partition(".")[0]
        if name in down:
            raise httpx.ConnectError("down")
        answer = schools[name].request(request.method, request.url.path, content=request.content)
        return httpx.Response(answer.status_code, content=answer.content)

    return httpx.Client(transport=httpx.MockTransport(handle))


def with_witnesses(one: Publisher, schools: dict[str, TestClient], quorum: str, down: set[str]) -> Publisher:
    cosigners = Cosigners(policy=policy_of(quorum), client=through(schools, down), shelf=one.shelf)
    return replace(one, cosigners=cosigners)


def test_a_checkpoint_is_shown_with_its_cosignatures(published: Publisher, schools: dict[str, TestClient]) -> None:
    one = with_witnesses(published, schools, "two", down={"c"})
    for number in range(1, 4):
        fill(one.engine, 2, first=10 * number, furnished=True)
        one.publish()

    shown = notes.parse(one.shelf.checkpoint() or "")
    policy = policy_of("two")
    cosigned = notes.verified(shown, [school.key for school in policy.witnesses.values()])

    assert policy.is_met([key for key, _ in cosigned])
    assert len(cosigned) == 2
    assert checking.signed_checkpoint(str(shown), one.verifier_keys()).size == shown_size(one)


def shown_size(one: Publisher) -> int:
    return checkpoint_of(notes.parse(one.shelf.checkpoint() or "").text).size


def test_without_a_quorum_the_last_cosigned_checkpoint_stays_and_is_caught_up(
    published: Publisher, schools: dict[str, TestClient]
) -> None:
    before, down = shown_size(published), {"b", "c"}
    one = with_witnesses(published, schools, "two", down)
    fill(one.engine, 2, first=10, furnished=True)
    head = one.publish()
    assert head is not None
    assert shown_size(one) == before

    down.clear()
    one.publish()

    assert shown_size(one) == head.size


def test_the_witnesses_remember_what_a_bank_must_not_fall_behind(
    published: Publisher, schools: dict[str, TestClient]
) -> None:
    one = with_witnesses(published, schools, "two", down=set())
    fill(one.engine, 2, first=10, furnished=True)
    head = one.publish()
    assert one.cosigners is not None

    assert one.cosigners.highest(ORIGIN, one.verifier_keys()) == head


def restored(one: Publisher, tmp_path: Path) -> Publisher:
    """A bank that goes on, and is then put back to what it was, with its published files."""
    back_up(one.engine)
    shutil.copytree(one.shelf.folder, tmp_path / "old")
    fill(one.engine, 4, first=10, furnished=True)
    assert one.publish() is not None
    restore(one.engine)
    shutil.rmtree(one.shelf.folder)
    shutil.copytree(tmp_path / "old", one.shelf.folder)
    return one


def test_a_bank_restored_with_its_published_files_is_told_by_a_witness(
    published: Publisher, schools: dict[str, TestClient], tmp_path: Path
) -> None:
    one = restored(with_witnesses(published, schools, "two", down=set()), tmp_path)
    assert Guard(one.engine, one.shelf).missing is None, "by itself it cannot know"
    assert one.cosigners is not None
    guard = Guard(one.engine, one.shelf, one.cosigners.highest(ORIGIN, one.verifier_keys()))
    desk = Desk(bank_on(one.engine), guard.check)

    with pytest.raises(errors.HistoryBehind):
        tell(desk, award("N99", holder("somebody")))
    with pytest.raises(Forked, match="cosigned by a witness"):
        one.open()

    desk.close()
    assert "cosigned by a witness and not in the database" in (guard.missing or "")


def test_another_history_than_a_witness_has_seen_is_not_written_on(
    published: Publisher, schools: dict[str, TestClient], tmp_path: Path
) -> None:
    one = restored(with_witnesses(published, schools, "two", down=set()), tmp_path)
    fill(one.engine, 9, first=40, furnished=True)
    replace(one, cosigners=None).publish()
    assert one.cosigners is not None

    guard = Guard(one.engine, one.shelf, one.cosigners.highest(ORIGIN, one.verifier_keys()))

    assert "is not the one that the database knows" in (guard.missing or "")


@pytest.mark.parametrize("more", [1, 9], ids=["shorter than what they saw", "longer than what they saw"])
def test_a_fork_that_witnesses_refuse_ends_publishing(
    published: Publisher, schools: dict[str, TestClient], tmp_path: Path, caplog: pytest.LogCaptureFixture, more: int
) -> None:
    """The bank was put back with its published files while it published, so that only the witnesses can know."""
    one = restored(with_witnesses(published, schools, "two", down=set()), tmp_path)
    before = shown_size(one)
    fill(one.engine, more, first=40, furnished=True)

    with pytest.raises(Forked, match="cosigned by a witness"):
        one.publish()

    assert "the log may be forked" in caplog.text
    assert shown_size(one) == before


@pytest.mark.parametrize(("status", "text"), [(422, ""), (409, "1000000\n")])
def test_a_witness_that_only_claims_a_fork_stops_nothing(
    published: Publisher, schools: dict[str, TestClient], status: int, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What it remembers proves nothing: our own keys have signed it, and the database knows it."""
    reached = through(schools, down=set())

    def handle(request: httpx.Request) -> httpx.Response:
        if request.method == "POST" and request.url.host == "a.example" and claims:
            return httpx.Response(status, text=text)
        return reached.send(request)

    claims = False
    one = with_witnesses(published, schools, "two", down=set())
    assert one.cosigners is not None
    one.cosigners.client = httpx.Client(transport=httpx.MockTransport(handle))
    for claims in (False, True):
        fill(one.engine, 2, first=20 + 10 * claims, furnished=True)
        head = one.publish()
        assert head is not None
        assert shown_size(one) == head.size

    assert f"witness a answers {status} to a checkpoint: the log may be forked" in caplog.text


def test_witnesses_that_are_down_do_not_stop_a_bank_and_are_logged(
    published: Publisher, schools: dict[str, TestClient], caplog: pytest.LogCaptureFixture
) -> None:
    one = with_witnesses(published, schools, "two", down={"a", "b", "c"})
    one.open()
    assert one.cosigners is not None

    assert one.cosigners.highest(ORIGIN, one.verifier_keys()) is None
    assert "witness a does not tell what it remembers: ConnectError" in caplog.text


@contextmanager
def hostile(say: Callable[[], Iterator[bytes]]) -> Iterator[str]:
    """A witness that says what it likes, as long as anybody listens."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                for part in say():
                    self.wfile.write(part)
                    self.wfile.flush()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    with ThreadPoolExecutor(1) as thread:
        thread.submit(server.serve_forever, 0.01)
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
    server.socket.close()


def asking_at(one: Publisher, url: str) -> Publisher:
    policy = policies.parse(f"witness a {vkey('a')} {url}\nquorum a")
    return replace(one, cosigners=Cosigners(policy=policy, client=remote.client(), shelf=one.shelf))


def test_a_witness_that_talks_without_end_is_not_listened_to(
    published: Publisher, caplog: pytest.LogCaptureFixture
) -> None:
    said = 0

    def endless() -> Iterator[bytes]:
        nonlocal said
        while said < 1_000:
            said += 1
            yield b"x" * 100_000

    fill(published.engine, 2, first=10, furnished=True)
    with hostile(endless) as url:
        asking_at(published, url).publish()

    assert "witness a does not answer: longer than any answer" in caplog.text
    assert said < 1_000


def test_a_witness_that_is_silent_keeps_no_round_and_no_stop(
    published: Publisher, caplog: pytest.LogCaptureFixture
) -> None:
    asked, end = Event(), Event()

    def silent() -> Iterator[bytes]:
        asked.set()
        end.wait(60)
        yield b""

    fill(published.engine, 2, first=10, furnished=True)
    with hostile(silent) as url:
        one, stopping = asking_at(published, url), Event()
        thread = Thread(target=publishing.follow, args=(one, stopping, lambda _: None))
        thread.start()
        assert asked.wait(30)
        began = monotonic()
        stopping.set()
        one.stop()
        thread.join()
        assert monotonic() - began < asking.DEADLINE_SECONDS / 2, "a stop waits for no witness"
        caplog.clear()
        one.publish()
        assert "does not answer" not in caplog.text, "it is not asked again while it has not answered"
        other = asking_at(published, url)
        assert other.cosigners is not None
        other.cosigners.deadline_seconds = 0.2
        other.publish()
        end.set()

    assert "witness a does not answer in time" in caplog.text


def test_all_witnesses_are_asked_at_once(published: Publisher, schools: dict[str, TestClient]) -> None:
    met, reached = Barrier(3), through(schools, set())

    def handle(request: httpx.Request) -> httpx.Response:
        met.wait(3)
        return reached.send(request)

    policy = policy_of("two")
    cosigners = Cosigners(
        policy=policy, client=httpx.Client(transport=httpx.MockTransport(handle)), shelf=published.shelf
    )

    note = cosigners.cosigned(published.shelf.checkpoint() or "", published.verifier_keys(), pytest.fail)

    assert len(notes.parse(note or "").signatures) == 4


def test_a_witness_cannot_invent_a_history(published: Publisher, schools: dict[str, TestClient]) -> None:
    one = with_witnesses(published, schools, "two", down=set())
    fill(one.engine, 2, first=10, furnished=True)
    one.publish()
    assert one.cosigners is not None
    others = [notes.key_of(SEEDS["a"], ORIGIN)]

    assert one.cosigners.highest(ORIGIN, others) is None, "what our own keys have not signed is not believed"


@contextmanager
def serving(text: str) -> Iterator[str]:
    """A witness that answers every question with one checkpoint."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server, ThreadPoolExecutor(1) as thread:
        thread.submit(server.serve_forever, 0.01)
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_bank_asks_the_witnesses_of_its_settings_when_it_starts(published: Publisher, tmp_path: Path) -> None:
    one = published
    with writing(one.engine) as connection:
        sequence.name(connection, ORIGIN, ORIGIN)
    one.open()
    back_up(one.engine)
    fill(one.engine, 4, first=10, furnished=True)
    one.publish()
    seen, policy = one.shelf.checkpoint() or "", tmp_path / "policy"
    restore(one.engine)
    (one.shelf.folder / "checkpoint").unlink()

    with serving(seen) as url:
        policy.write_text(f"witness a {vkey('a')} {url}\nquorum a\n")
        chosen = Settings(data_dir=tmp_path, witness_policy=policy)
        asked = publication.open_guard(chosen, one.engine)

    assert "cosigned by a witness" in (asked.missing or "")
    assert publication.open_guard(Settings(data_dir=tmp_path), one.engine).missing is None


# Policies


@pytest.mark.parametrize(("cosigned", "is_met"), [("", False), ("a", False), ("ab", True), ("bc", True), ("abc", True)])
def test_a_quorum_is_met_by_enough_of_its_members(cosigned: str, is_met: bool) -> None:
    policy = policy_of("two")

    assert policy.is_met([policy.witnesses[name].key for name in cosigned]) is is_met


def test_groups_of_groups_and_comments_are_read() -> None:
    policy = policies.parse(
        f"# who\n\n witness a {vkey('a')}\nwitness\tb {vkey('b')}  http://b.example \ngroup any any a\n"
        f"group all all any b\nquorum all\n"
    )
    a, b = (policy.witnesses[name].key for name in "ab")

    assert (policy.is_met([a]), policy.is_met([b]), policy.is_met([a, b])) == (False, False, True)
    assert policies.parse("quorum none").is_met([])


@pytest.mark.parametrize(
    "text",
    [
        "", "quorum a", "quorum none\nquorum none", "group g any a\nquorum g", "witness none {a}\nquorum none",
        "witness a {a}\nwitness b {a}\nquorum a", "witness a {a}\ngroup g 2 a\nquorum g",
        "witness a {a}\ngroup g 0 a\nquorum g", "witness a {a}\ngroup g any a\ngroup h any a\nquorum h",
        "log {a}\nquorum none", "witness a nonsense\nquorum a", "witness a {a} u u\nquorum a", "hello",
    ],
)  # fmt: skip
def test_a_policy_that_cannot_be_meant_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        policies.parse(text.replace("{a}", vkey("a")))
