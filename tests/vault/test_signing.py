"""Token keys: one signs, former ones verify for as long as their tokens live, and processes notice new files."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from creditbank.vault import signing
from creditbank.vault.keyfiles import ForeignKeys
from creditbank.vault.signing import NOTICE_SECONDS, TOKEN_SECONDS, SigningKeys

NOW = 1_795_000_000_000_000
SECOND = 1_000_000
LIFE = (TOKEN_SECONDS + NOTICE_SECONDS) * SECOND


class Clock:
    """A clock to set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr(signing, "LOOK_SECONDS", 0.0)
    return Clock()


def files(data_dir: Path) -> set[str]:
    return {path.name for path in (data_dir / "keys" / "tokens").iterdir()}


def test_the_first_start_makes_a_key_and_the_next_one_finds_it(tmp_path: Path, clock: Clock) -> None:
    first, second = SigningKeys(tmp_path, clock), SigningKeys(tmp_path, clock)
    assert first.current().kid == second.current().kid
    assert files(tmp_path) == {f"{first.current().kid}.key"}


def test_only_the_owner_may_read_a_key_and_it_shows_in_no_traceback(tmp_path: Path, clock: Clock) -> None:
    key = SigningKeys(tmp_path, clock).current()
    path = tmp_path / "keys" / "tokens" / f"{key.kid}.key"
    secret = json.loads(path.read_text())["d"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert secret not in repr(key)
    assert "d" not in key.public()
    assert key.public() == {**key.public(), "kty": "OKP", "crv": "Ed25519", "alg": "Ed25519", "use": "sig"}


def test_a_new_key_signs_from_then_on_in_every_process_and_the_former_verifies(tmp_path: Path, clock: Clock) -> None:
    here, there = SigningKeys(tmp_path, clock), SigningKeys(tmp_path, clock)
    former = here.current().kid

    made = signing.rotate(tmp_path, clock.now)

    for process in (here, there):
        assert process.current().kid == made.kid
        assert process.verifying(former) is not None
        assert [key["kid"] for key in process.published()] == [made.kid, former]


def test_a_former_key_goes_when_its_last_token_has_expired(tmp_path: Path, clock: Clock) -> None:
    keys = SigningKeys(tmp_path, clock)
    former = keys.current().kid
    made = signing.rotate(tmp_path, clock.now)

    clock.now = made.made_at + LIFE
    keys.sweep()
    assert keys.verifying(former) is not None

    clock.now += 1
    assert keys.verifying(former) is None
    assert [key["kid"] for key in keys.published()] == [made.kid]
    keys.sweep()
    assert files(tmp_path) == {f"{made.kid}.key"}
    assert keys.current().kid == made.kid


def test_the_next_rotation_deletes_what_has_ended(tmp_path: Path, clock: Clock) -> None:
    SigningKeys(tmp_path, clock)
    second = signing.rotate(tmp_path, NOW)
    third = signing.rotate(tmp_path, NOW + LIFE + 10)
    assert files(tmp_path) == {f"{second.kid}.key", f"{third.kid}.key"}


def test_keys_that_got_out_end_at_once(tmp_path: Path, clock: Clock) -> None:
    keys = SigningKeys(tmp_path, clock)
    stolen = keys.current().kid
    made = signing.rotate(tmp_path, clock.now)
    assert signing.retire(tmp_path) == [stolen]
    assert signing.retire(tmp_path) == []
    assert files(tmp_path) == {f"{made.kid}.key"}
    assert keys.current().kid == made.kid
    assert keys.verifying(stolen) is None


def test_two_rotations_at_one_moment_have_an_order(tmp_path: Path, clock: Clock) -> None:
    keys = SigningKeys(tmp_path, clock)
    for _ in range(3):
        assert keys.current().kid != signing.rotate(tmp_path, NOW - 5 * SECOND).kid
        assert keys.current().made_at >= NOW


def test_a_process_that_has_not_looked_yet_looks_for_a_key_it_does_not_know(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = SigningKeys(tmp_path, clock)
    monkeypatch.setattr(signing, "LOOK_SECONDS", 3600.0)
    made = signing.rotate(tmp_path, clock.now)
    assert keys.current().kid != made.kid
    assert keys.verifying(made.kid) is not None
    assert keys.verifying("nobody's") is None


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"kty":"OKP","crv":"Ed25519","x":"AA","d":"AA"}'])
def test_a_damaged_file_stops_the_start_and_not_those_who_run(tmp_path: Path, clock: Clock, content: bytes) -> None:
    keys = SigningKeys(tmp_path, clock)
    kid = keys.current().kid
    (tmp_path / "keys" / "tokens" / "other.key").write_bytes(content)
    assert keys.current().kid == kid
    keys.sweep()
    with pytest.raises(ForeignKeys):
        SigningKeys(tmp_path, clock)


def test_a_folder_that_is_gone_stops_nobody_who_runs(tmp_path: Path, clock: Clock) -> None:
    keys = SigningKeys(tmp_path, clock)
    kid = keys.current().kid
    (tmp_path / "keys").rename(tmp_path / "elsewhere")
    keys.sweep()
    assert keys.current().kid == kid


def test_a_file_must_hold_the_key_that_its_name_says(tmp_path: Path, clock: Clock) -> None:
    keys = SigningKeys(tmp_path, clock)
    folder = tmp_path / "keys" / "tokens"
    (folder / "other.key").write_bytes((folder / f"{keys.current().kid}.key").read_bytes())
    with pytest.raises(ForeignKeys):
        SigningKeys(tmp_path, clock)
