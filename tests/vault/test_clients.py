"""OAuth clients: kept with public keys and hashed secrets, two of each while one is replaced, ended by time or word."""

from __future__ import annotations

from dataclasses import replace

from joserfc.jwk import ECKey, OKPKey
from sqlalchemy import Engine, select

from creditbank.ledger.database import writing
from creditbank.vault import clients
from creditbank.vault.clients import Client
from creditbank.vault.publickeys import PublicKey, public_key
from creditbank.vault.tables import oauth_client
from tests.vault.keys import KEYS, key_files

NOW = 1_795_000_000_000_000
CLIENT = Client(
    client_id="cbc_1",
    organisation="BIM-EVAL",
    role="issuer",
    scopes=frozenset({"certificates:award", "certificates:read"}),
    keys=(),
    secrets=(),
    dpop_bound=False,
    created_at=NOW,
    created_by="authority:a",
    expires_at=NOW + 10,
)


def key() -> PublicKey:
    return public_key(OKPKey.generate_key("Ed25519").as_dict(private=False))


def stored(engine: Engine, client: Client) -> Client | None:
    with writing(engine) as connection:
        clients.add(connection, client)
    return found(engine, client.client_id)


def found(engine: Engine, client_id: str) -> Client | None:
    with engine.connect() as connection, connection.begin():
        return clients.find(connection, client_id)


def test_a_client_is_found_as_it_was_registered(engine: Engine) -> None:
    narrowed = public_key({**ECKey.generate_key("P-256").as_dict(private=False), "kid": "2026", "alg": "ES256"})
    _, secret = clients.new_secret(KEYS)
    for client in (
        replace(CLIENT, client_id=clients.new_id(), keys=(key(), narrowed)),
        replace(CLIENT, client_id=clients.new_id(), secrets=(secret, replace(secret, until=NOW)), dpop_bound=True),
        replace(CLIENT, client_id=clients.new_id(), scopes=None, expires_at=None),
    ):
        assert stored(engine, client) == client
    assert found(engine, "nobody") is None


def test_at_rest_there_is_no_secret(engine: Engine) -> None:
    text, secret = clients.new_secret(KEYS)
    stored(engine, replace(CLIENT, secrets=(secret,)))
    with engine.connect() as connection, connection.begin():
        row = connection.execute(select(oauth_client)).one()
    assert text not in repr(tuple(row))
    assert text[4:] not in repr(tuple(row))


def test_a_secret_opens_its_client_and_no_other() -> None:
    (mine, kept), (other, _) = clients.new_secret(KEYS), clients.new_secret(KEYS)
    client = replace(CLIENT, secrets=(kept,))
    assert clients.opens(KEYS, client, mine, NOW)
    assert not clients.opens(KEYS, client, other, NOW)
    assert not clients.opens(KEYS, client, "", NOW)
    assert not clients.opens(KEYS, None, mine, NOW)
    assert not clients.opens(KEYS, replace(client, secrets=()), mine, NOW)
    assert not clients.opens(key_files(api_keys=b"x"), client, mine, NOW)


def test_a_secret_that_was_replaced_opens_until_its_end() -> None:
    (old, former), (new, current) = clients.new_secret(KEYS), clients.new_secret(KEYS)
    client = replace(CLIENT, secrets=(current, replace(former, until=NOW + 10)))
    assert [clients.opens(KEYS, client, text, NOW + 9) for text in (old, new)] == [True, True]
    assert [clients.opens(KEYS, client, text, NOW + 10) for text in (old, new)] == [False, True]


def test_replaced_credentials_are_those_that_count(engine: Engine) -> None:
    first, second = key(), key()
    stored(engine, replace(CLIENT, keys=(first,)))
    with writing(engine) as connection:
        clients.replace_credentials(connection, "cbc_1", [first, second], [])
    with_both = found(engine, "cbc_1")
    assert with_both is not None
    assert with_both.keys == (first, second)


def test_a_client_ends_by_time_and_by_word(engine: Engine) -> None:
    assert (CLIENT.is_valid(NOW + 9), CLIENT.is_valid(NOW + 10)) == (True, False)
    stored(engine, CLIENT)
    for moment in (NOW + 1, NOW + 5):
        with writing(engine) as connection:
            clients.revoke(connection, "cbc_1", moment)
    revoked = found(engine, "cbc_1")
    assert revoked is not None
    assert (revoked.revoked_at, revoked.is_valid(NOW)) == (NOW + 1, False), "the first revocation counts"


def test_live_clients_are_counted_and_all_are_listed(engine: Engine) -> None:
    for number in range(4):
        stored(engine, replace(CLIENT, client_id=f"cbc_{number}", created_at=NOW + number // 2))
    stored(engine, replace(CLIENT, client_id="other", organisation="OTHER"))
    with writing(engine) as connection:
        clients.revoke(connection, "cbc_2", NOW)
        assert clients.count_live(connection, "BIM-EVAL", NOW) == 3
        assert clients.count_live(connection, "BIM-EVAL", NOW + 10) == 0
        first = clients.of_organisation(connection, "BIM-EVAL", (0, ""), 3)
        rest = clients.of_organisation(connection, "BIM-EVAL", (first[-1].created_at, first[-1].client_id), 3)
    assert [client.client_id for client in (*first, *rest)] == ["cbc_0", "cbc_1", "cbc_2", "cbc_3"]


def test_identifiers_and_secrets_are_never_the_same() -> None:
    identifiers = {clients.new_id() for _ in range(50)}
    assert len(identifiers) == 50
    assert all(clients.is_id(one) for one in identifiers)
    assert not any(clients.is_id(one) for one in ("", "cbc_", "cbc_\0", "cbc_" + "0" * 17, "cb_0123456789"))
    assert len({clients.new_secret(KEYS)[0] for _ in range(50)}) == 50
