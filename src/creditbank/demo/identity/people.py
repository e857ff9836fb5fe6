"""Whom one may be in the demo: one person for each role, all of them invented."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from creditbank.demo.clerk import Clerk
from creditbank.demo.loading import AUTHORITY
from creditbank.demo.province import AUDITOR, Province
from creditbank.demo.story import cast


@dataclass(frozen=True, slots=True, kw_only=True)
class Guise:
    """A person who can be chosen: `name` stands in links, `title` in both languages on the page."""

    name: str
    title: str
    role: str
    organisation: str | None = None
    document: Mapping[str, str] | None = None

    @property
    def subject(self) -> str:
        return f"demo-{self.name}"

    def claims(self) -> dict[str, str]:
        """What the provider says of this person."""
        told = {"sub": self.subject}
        if self.document is not None:
            told |= {"document_type": self.document["type"], "document_number": self.document["number"]}
        return told


def guises(province: Province) -> tuple[Guise, ...]:
    xiaoming, college, issuer = cast("xiaoming"), province.colleges[0], province.x_issuers[0].registration
    return (
        Guise(name="learner", title=f"Learner 学习者 {xiaoming.name}", role="learner", document=xiaoming.document()),
        Guise(
            name="registrar",
            title=f"University officer 院校教务人员 {college['name']}",
            role="institution",
            organisation=college["code"],
        ),
        Guise(
            name="clerk",
            title=f"Training organisation clerk 培训评价组织办事员 {issuer['name']}",
            role="issuer",
            organisation=issuer["code"],
        ),
        Guise(name="officer", title="Authority officer 主管机构工作人员", role="authority"),
        Guise(name="auditor", title="Auditor 审计人员 湖北示例审计办公室", role="auditor", organisation=AUDITOR),
    )


async def add_members(clerk: Clerk, issuer: str, people: tuple[Guise, ...]) -> None:
    """Have the bank know those who are no learners. Done again, it answers as the first time."""
    for one in people:
        if one.role != "learner":
            named = {"role": one.role, "organisation": one.organisation}
            await clerk.post(AUTHORITY, "/v1/members", {"issuer": issuer, "subject": one.subject, **named})
