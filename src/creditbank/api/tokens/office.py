"""Everything that has to do with access tokens, put together for one process of the bank."""

from __future__ import annotations

from pathlib import Path

from creditbank.api.tokens.assertions import Assertions
from creditbank.api.tokens.clients import Clients
from creditbank.api.tokens.mint import Mint
from creditbank.api.tokens.proofs import Proofs
from creditbank.api.tokens.reader import TokenReader
from creditbank.api.tokens.used_once import UsedOnce
from creditbank.commands.bank import Bank
from creditbank.vault.signing import SigningKeys

TOKEN_PATH = "/oauth/token"


class TokenOffice:
    """Issuer and reader of the tokens of the bank that is reached under `public_url`."""

    def __init__(self, bank: Bank, data_dir: Path, public_url: str) -> None:
        def clock() -> int:
            return bank.clock()

        self.public_url = public_url
        self.keys = SigningKeys(data_dir, clock)
        self.clients = Clients(bank)
        self.used = UsedOnce(bank)
        self.proofs = Proofs(self.used, public_url, clock)
        audiences = frozenset({public_url, public_url + TOKEN_PATH})
        self.assertions = Assertions(self.clients, self.used, audiences, clock)
        self.mint = Mint(self.keys, public_url, clock)
        self.reader = TokenReader(self.keys, self.clients, self.proofs, public_url, clock)

    def close(self) -> None:
        self.used.close()
