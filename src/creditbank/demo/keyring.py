"""The demo's API keys: one for each role and organisation, kept in a file of the demo so that they last."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from uuid import uuid4

from creditbank.demo.clerk import Clerk, Keys, in_parallel
from creditbank.demo.loading import AUTHORITY, WIDTH
from creditbank.demo.province import AUDITOR, Province


def read(path: Path) -> dict[str, str]:
    """The keys of the last run; none where there is no whole file."""
    try:
        kept = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return dict(kept)


def write(path: Path, keys: Keys) -> None:
    """Whole or not at all, and readable for its owner only."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(dict(keys), file, indent=1)
    draft.replace(path)


def owners(province: Province) -> dict[str, str]:
    """Who needs a key, and in which role."""
    issuers = {issuer.code: "issuer" for issuer in province.issuers}
    colleges = {college["code"]: "institution" for college in province.colleges}
    return {**issuers, **colleges, AUDITOR: "auditor"}


async def complete(clerk: Clerk, keys: Keys, wanted: Iterable[tuple[str, str]]) -> None:
    """Have the bank issue the keys that are missing: it shows each one once, so a lost one is made anew."""

    async def issue(organisation: str, role: str) -> None:
        path = f"/v1/organisations/{organisation}/keys"
        keys[organisation] = (await clerk.post(AUTHORITY, path, {"role": role}, again=uuid4().hex))["key"]

    missing = [(organisation, role) for organisation, role in wanted if organisation not in keys]
    await in_parallel((partial(issue, organisation, role) for organisation, role in missing), WIDTH)
