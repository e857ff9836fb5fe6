"""What to look at once the province stands: links, and for each role a command that works as pasted."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from creditbank.demo.clerk import Keys
from creditbank.demo.identity.people import Guise
from creditbank.demo.loading import AUTHORITY, Loaded
from creditbank.demo.province import AUDITOR, Body, Province
from creditbank.demo.story import Story

LEARNER = "learner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tour:
    """The result of the demo."""

    address: str
    counts: dict[str, int]
    episodes: list[Body]
    links: dict[str, str]
    logins: dict[str, str]
    """Where one becomes somebody, by who that is."""
    commands: dict[str, str]

    def document(self) -> dict[str, Any]:
        return asdict(self)

    def lines(self) -> list[str]:
        """For people: what stands, what happened, where to look."""
        counts = [f"{count:,} {name.replace('_', ' ')}" for name, count in self.counts.items()]
        width = max(map(len, (*self.links, *self.logins)))
        return [
            "The province: Hubei's plan of 2020. Learners, certificates and everything named 示例 are invented;",
            "the organisations of the first two batches of 1+X certificates have their real names.",
            *(f"  {line}" for line in counts),
            "",
            "What happened",
            *(f"  {episode['name']:11} {episode['told']}" for episode in self.episodes),
            "",
            *(f"{name:{width}}  {link}" for name, link in self.links.items()),
            "",
            "Sign in as one of these; nobody proves anything here, this is for the demonstration only / 仅供演示",
            *(f"  {title:{width}}  {link}" for title, link in self.logins.items()),
            "",
            *(line for role, command in self.commands.items() for line in (f"As {role}", f"  {command}")),
        ]


def tour(
    address: str,
    province: Province,
    learners: int,
    loaded: Loaded,
    story: Story,
    keys: Keys,
    people: Sequence[Guise],
) -> Tour:
    """The tour of a loaded province, served at this address."""
    return Tour(
        address=address,
        counts={
            "schools": len(province.schools),
            "evaluation_organisations": len(province.issuers),
            "certificate_standards": len(province.standards),
            "learners": learners,
            "certificates": loaded.certificates,
            "exemptions": loaded.uses["exemption"],
            "conversions": loaded.uses["conversion"],
            **{f"certificates_refused_as_{code}": count for code, count in loaded.refused.items()},
        },
        episodes=[asdict(episode) for episode in story.episodes],
        links={
            "API reference": f"{address}/docs",
            "Verify a certificate": f"{address}/v1/verify/{'/'.join(story.verified)}",
            "Feed (needs a key)": f"{address}/v1/events",
        },
        logins={one.name: f"{address}/login?login_hint={one.name}" for one in people},
        commands=_commands(address, province, story, keys),
    )


def _commands(address: str, province: Province, story: Story, keys: Keys) -> dict[str, str]:
    college, issuer = province.colleges[0]["code"], story.to_post["issuer"]
    name = f"Idempotency-Key: pasted-{story.to_post['number']}"
    return {
        "authority": _curl(keys[AUTHORITY], f"{address}/v1/accounts/{story.revoked_account}/balance"),
        "issuer": _curl(keys[issuer], f"{address}/v1/certificates", story.to_post, name),
        "institution": _curl(keys[college], f"{address}/v1/eligibility", story.to_ask),
        "learner": _curl(keys[LEARNER], f"{address}/v1/accounts/{story.learner_account}/transcript"),
        "auditor": _curl(keys[AUDITOR], f"{address}/v1/events?types=certificate-revoked/1"),
    }


def _curl(key: str, url: str, body: Body | None = None, *headers: str) -> str:
    words = ["curl", "-s", "-H", f"Authorization: Bearer {key}"]
    if body is not None:
        for header in ("Content-Type: application/json", *headers):
            words += ["-H", header]
        words += ["-d", json.dumps(body, ensure_ascii=False)]
    return shlex.join([*words, url])
