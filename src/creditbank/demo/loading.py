"""Loads the province in stages. Each may stop anywhere and be run again: what stands already is answered, not repeated.

Order: organisations and standards, keys and accreditations, the rules of the colleges, certificates, and then what
the colleges decide about them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from creditbank.demo import awards
from creditbank.demo.awards import Use
from creditbank.demo.clerk import Clerk, in_parallel
from creditbank.demo.people import Learner, learner
from creditbank.demo.progress import Advance, Stages
from creditbank.demo.province import AUDITOR, Body, Province, programmes_of, rules_of

AUTHORITY = "authority"
WIDTH = 8
"""Requests under way at a time: the bank settles those that gather in one transaction."""
BATCH = 500
BATCH_WIDTH = 4
DECIDED_ON = "2025-09-01"


@dataclass(slots=True)
class Loaded:
    """What came of it."""

    certificates: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    uses: Counter[str] = field(default_factory=Counter)
    ids: dict[int, list[str]] = field(default_factory=dict)
    """The certificates of those learners who want something of a college."""


@dataclass(frozen=True, slots=True)
class Loader:
    """Loads a province into one bank."""

    clerk: Clerk
    province: Province
    stages: Stages

    async def register(self) -> None:
        """Schools, evaluation organisations, the auditor, and the certificate standards."""
        auditor = {"code": AUDITOR, "name": "湖北示例审计办公室", "roles": ["auditor"], "region": "HB"}
        issuers = [issuer.registration for issuer in self.province.issuers]
        bodies = [*self.province.schools, *issuers, auditor]
        await self._post_all("schools and organisations", "/v1/organisations", bodies)
        await self._post_all("certificate standards", "/v1/standards", self.province.standards)

    async def accredit(self) -> None:
        """Every evaluation organisation for all levels of its standards."""
        posts = [
            (f"/v1/organisations/{issuer.code}/accreditations", _accreditation(standard, issuer.since))
            for issuer in self.province.issuers
            for standard in issuer.standards
        ]
        with self.stages.stage("accreditations", len(posts)) as advance:
            await in_parallel((partial(self._post, AUTHORITY, path, body, advance) for path, body in posts), WIDTH)

    async def publish(self) -> None:
        """By-laws and programmes of the colleges, each by the college itself."""
        with self.stages.stage("colleges with their by-laws", len(self.province.colleges)) as advance:
            for college in self.province.colleges:
                path = f"/v1/rulebooks/{college['rulebook']}/versions"
                await self.clerk.post(college["code"], path, rules_of(college))
                for programme in programmes_of(college):
                    await self.clerk.post(college["code"], "/v1/programmes", programme)
                advance(1)

    async def award(self, learners: int) -> Loaded:
        """The certificates of all learners, in batches of one organisation each."""
        loaded = Loaded()
        with self.stages.stage("learners with certificates", learners) as advance:
            lines = _counted(awards.certificates(self.province, learners), advance)
            await in_parallel((partial(self._batch, batch, loaded) for batch in batches(lines)), BATCH_WIDTH)
        return loaded

    async def decide(self, loaded: Loaded) -> None:
        """What the learners ask of the colleges: courses of the first, credits of the second."""
        with self.stages.stage("exemptions and conversions", len(loaded.ids)) as advance:
            asked = [(number, use) for number in sorted(loaded.ids) if (use := awards.use_of(number))]
            await in_parallel((partial(self._decide, number, use, loaded, advance) for number, use in asked), WIDTH)

    async def _post_all(self, name: str, path: str, bodies: list[Body]) -> None:
        with self.stages.stage(name, len(bodies)) as advance:
            await in_parallel((partial(self._post, AUTHORITY, path, body, advance) for body in bodies), WIDTH)

    async def _post(self, who: str, path: str, body: Body, advance: Advance) -> None:
        await self.clerk.post(who, path, body)
        advance(1)

    async def _batch(self, batch: list[tuple[int, Body]], loaded: Loaded) -> None:
        items = [body for _, body in batch]
        answer = await self.clerk.post(items[0]["issuer"], "/v1/certificates:batch", {"items": items})
        for (number, _), result in zip(batch, answer["results"], strict=True):
            problem = result.get("problem", {})
            # An earlier run with another number of learners has cut its batches elsewhere.
            if problem and problem["code"] != "certificate_duplicate":
                loaded.refused[problem["code"]] += 1
                continue
            loaded.certificates += 1
            if awards.use_of(number) is not None:
                loaded.ids.setdefault(number, []).append(result.get("certificate_id") or problem["certificate_id"])

    async def _decide(self, number: int, use: Use, loaded: Loaded, advance: Advance) -> None:
        targets = [{"target": "C1"}, {"target": "C2"}] if use == "exemption" else [{}]
        wishes = [{"certificate_id": one, **target} for one in sorted(loaded.ids[number]) for target in targets]
        await decided(self.clerk, self.province, use, learner(number), 0, wishes)
        loaded.uses[use] += 1
        advance(1)


async def decided(
    clerk: Clerk, province: Province, use: Use, person: Learner, programme: int, wishes: list[Body]
) -> Body:
    """What the first college decides about exemptions, or the second about conversions, for a person it looks up."""
    college = province.colleges[0 if use == "exemption" else 1]
    account = await looked_up(clerk, college["code"], person)
    chosen = {"institution": college["code"], "code": programmes_of(college)[programme]["code"]}
    body = {"account_id": account, "programme": chosen, "applied_on": DECIDED_ON, "requests": wishes}
    return await clerk.post(college["code"], f"/v1/{use}s", body)


async def looked_up(clerk: Clerk, college: str, person: Learner) -> str:
    """The account of a person, with which the college may deal from then on."""
    return str((await clerk.post(college, "/v1/accounts/lookup", {"document": person.document()}))["account_id"])


def batches(lines: Iterable[tuple[int, Body]]) -> Iterator[list[tuple[int, Body]]]:
    """Lines sorted by their issuer, a batch as soon as it is full."""
    waiting: dict[str, list[tuple[int, Body]]] = {}
    for line in lines:
        gathered = waiting.setdefault(line[1]["issuer"], [])
        gathered.append(line)
        if len(gathered) == BATCH:
            yield waiting.pop(line[1]["issuer"])
    yield from waiting.values()


def _counted(lines: Iterable[tuple[int, Body]], advance: Advance) -> Iterator[tuple[int, Body]]:
    seen = -1
    for number, body in lines:
        advance(number - seen)
        seen = number
        yield number, body


def _accreditation(standard: Body, since: str) -> Body:
    return {
        "standard": standard["code"],
        "levels": [level["level"] for level in standard["levels"]],
        "valid_from": since,
    }
