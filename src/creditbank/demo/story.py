"""What happens to a few people: a cap on exemptions, a conversion, a duplicate, a forgery, a revocation after use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from creditbank.demo import awards
from creditbank.demo.awards import Use
from creditbank.demo.clerk import Clerk, Refused
from creditbank.demo.loading import AUTHORITY, DECIDED_ON, decided, looked_up
from creditbank.demo.people import Learner, learner, member_of_cast
from creditbank.demo.province import Body, Province
from creditbank.demo.sources import source

SERIAL: Final = 999_001
"""Certificates of the story have numbers from here on, beyond those of the other learners."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One thing that happened: a sentence for people, the facts for programs."""

    name: str
    told: str
    facts: Body


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All of it, and what one may look at afterwards."""

    episodes: tuple[Episode, ...]
    learner_account: str
    revoked_account: str
    to_ask: Body
    """A question to the first college: what could be granted to a learner who has credits left."""
    verified: tuple[str, str]
    """Issuer and number of a certificate that stands."""
    to_post: Body
    """A certificate that its issuer has not posted yet."""


def cast(name: str) -> Learner:
    """A person of the story."""
    return member_of_cast(source("cast")["people"][name])


@dataclass(frozen=True, slots=True)
class Teller:
    """Lets the story happen in one bank. Told again, it gets the answers of the first time."""

    clerk: Clerk
    province: Province

    async def tell(self) -> Story:
        bim = self._bim("xiaoming", 0)
        exempted, account = await self._exempted(bim)
        episodes = [
            exempted,
            await self._converted(),
            await self._refused("duplicate", "The same certificate was posted once more", bim, again="once more"),
            await self._refused("forgery", "A number says level 五级, the record says 三级", self._forged()),
        ]
        revoked, revoked_account = await self._revoked()
        return Story(
            episodes=(*episodes, revoked),
            learner_account=account,
            revoked_account=revoked_account,
            to_ask=await self._question(),
            verified=(bim["issuer"], bim["number"]),
            to_post=self._bim("yan", 1),
        )

    async def _question(self) -> Body:
        college = self.province.colleges[0]
        account = await looked_up(self.clerk, college["code"], learner(0))
        programme = {"institution": college["code"], "code": college["programmes"][0]["code"]}
        return {"account_id": account, "programme": programme, "applied_on": DECIDED_ON}

    def _bim(self, name: str, serial: int) -> Body:
        issuer = self.province.x_issuers[0]
        return awards.x_certificate(issuer, issuer.standards[0], "中级", date(2025, 6, 20), SERIAL + serial, cast(name))

    def _forged(self) -> Body:
        issuer = self.province.skill_issuers[0]
        return awards.skill_certificate(issuer, 3, date(2025, 5, 9), SERIAL + 4, cast("wei"), number_says=1)

    async def _exempted(self, bim: Body) -> tuple[Episode, str]:
        posted = await self._award(bim)
        wishes = [{"certificate_id": posted["certificate_id"], "target": course} for course in ("C1", "C2", "C3")]
        decision = await self._decide("exemption", cast("xiaoming"), 0, wishes)
        told = (
            f"{cast('xiaoming').name} asks for three courses with BIM 中级: {_granted(decision)}."
            f" Refused: {_refusals(decision)}."
        )
        return Episode(name="exemption", told=told, facts=_facts(decision, "exemption_id")), posted["account_id"]

    async def _converted(self) -> Episode:
        issuer, person = self.province.skill_issuers[0], cast("yi")
        bodies = [
            awards.skill_certificate(issuer, rank, date(2021 + rank, 4, 12), SERIAL + rank, person) for rank in (2, 3)
        ]
        posted = [await self._award(body) for body in bodies]
        wishes = [{"certificate_id": one["certificate_id"]} for one in posted]
        decision = await self._decide("conversion", person, 0, wishes)
        told = (
            f"{person.name} asks for credits with 四级 and 三级 of one occupation: {_granted(decision)}."
            f" Refused: {_refusals(decision)}."
        )
        return Episode(name="conversion", told=told, facts=_facts(decision, "conversion_id"))

    async def _refused(self, name: str, what: str, body: Body, again: str = "") -> Episode:
        try:
            await self.clerk.post(body["issuer"], "/v1/certificates", body, again=again)
        except Refused as refusal:
            told = f"{what}: {refusal.problem['status']} {refusal.code}."
            return Episode(name=name, told=told, facts={"code": refusal.code, "number": body["number"]})
        raise AssertionError(f"the bank took {body['number']}")

    async def _revoked(self) -> tuple[Episode, str]:
        issuer, person = self.province.x_issuers[1], cast("ayguli")
        body = awards.x_certificate(issuer, issuer.standards[0], "高级", date(2025, 6, 25), SERIAL, person)
        posted = await self._award(body)
        account, certificate = posted["account_id"], posted["certificate_id"]
        wishes = [{"certificate_id": certificate, "target": course} for course in ("F1", "F2", "C1")]
        decision = await self._decide("exemption", person, 1, wishes)
        reason = {"reason": "the examination of that day was annulled"}
        answer = await self.clerk.post(body["issuer"], f"/v1/certificates/{certificate}/revocation", reason)
        balance = await self.clerk.get(AUTHORITY, f"/v1/accounts/{account}/balance")
        told = (
            f"{person.name} had {_granted(decision)}; then the certificate was revoked. It leaves"
            f" {len(answer['dependants'])} exemption under review and a shortfall of {balance['shortfall']} credits."
        )
        facts = {"dependants": answer["dependants"], "shortfall": balance["shortfall"], "account_id": account}
        return Episode(name="revocation", told=told, facts=facts), account

    async def _award(self, body: Body) -> Body:
        return await self.clerk.post(body["issuer"], "/v1/certificates", body)

    async def _decide(self, use: Use, person: Learner, programme: int, wishes: list[Body]) -> Body:
        """By the first college for exemptions, by the second for conversions."""
        return await decided(self.clerk, self.province, use, person, programme, wishes)


def _facts(decision: Body, name: str) -> dict[str, Any]:
    facts = {key: decision[key] for key in (name, "granted_total")}
    return {**facts, "refused": [refusal["reason"] for refusal in decision["refused"]]}


def _granted(decision: Body) -> str:
    courses = [f"{one['target'] or 'credits'} ({one['credits']})" for one in decision["granted"]]
    return f"{' and '.join(courses)} granted, {decision['granted_total']} credits"


def _refusals(decision: Body) -> str:
    return ", ".join(
        f"{one['target'] or 'the lower level'} {one['reason']}"
        + (f" ({one['would_be']} of {one['limit']} credits)" if one["reason"].startswith("CAP_") else "")
        for one in decision["refused"]
    )
