"""`creditbank witness` and `monitor`: what is kept about the log of another is kept by one process, and lasts."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sqlalchemy import Engine

from creditbank.vault.durable import held, make_folder
from tests.cli.conftest import Command
from tests.cli.history import open_account, register


def published(url: str, engine: Engine, creditbank: Command) -> str:
    """The key of a log that has been published."""
    open_account(engine)
    assert creditbank("publish", "--once", url=url).code == 0
    return creditbank("keys", "log").out.strip()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def shown(folder: Path) -> Iterator[str]:
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server,
        ThreadPoolExecutor(1) as thread,
    ):
        thread.submit(server.serve_forever, 0.01)
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_second_witness_in_one_folder_does_not_start(
    sqlite_url: str, sqlite_engine: Engine, creditbank: Command, tmp_path: Path
) -> None:
    key = published(sqlite_url, sqlite_engine, creditbank)
    make_folder(folder := tmp_path / "witness")

    with held(folder):  # as the first one does
        ended = creditbank("witness", "--name", "w.example", "--folder", str(folder), "--log", key)

    assert ended.code == 1
    assert ended.err.startswith(f"another process is at work in {folder}: ")


def test_a_monitor_remembers_what_it_has_seen(
    sqlite_url: str, sqlite_engine: Engine, creditbank: Command, tmp_path: Path
) -> None:
    key, state = published(sqlite_url, sqlite_engine, creditbank), tmp_path / "seen"
    checkpoint = tmp_path / "data" / "log" / "checkpoint"
    old = checkpoint.read_text()
    register(sqlite_engine, "LATER", "issuer")
    assert creditbank("publish", "--once").code == 0

    with shown(checkpoint.parent) as url:
        assert creditbank("monitor", url, "--key", key, "--state", str(state)).code == 0
        assert state.read_text() == checkpoint.read_text()
        checkpoint.write_text(old)
        assert creditbank("monitor", url, "--key", key, "--state", str(state)).code == 3

    assert not list(tmp_path.glob("*.draft"))
