"""A small bank to test decisions on: one standard, an issuer, two colleges, and facts about a learner's account."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from creditbank.domain import account as accounts
from creditbank.domain import catalogue as catalogues
from creditbank.domain import rules
from creditbank.domain.account import Account
from creditbank.domain.catalogue import Catalogue
from creditbank.domain.certificates import Award
from creditbank.domain.events import (
    AccountEvent,
    AccountOpened,
    AccreditationGranted,
    CertificateAwarded,
    Course,
    CoursesExempted,
    CreditsConverted,
    Decision,
    Grant,
    Level,
    OrganisationRegistered,
    ProgrammePublished,
    ReferenceEvent,
    StandardPublished,
)
from creditbank.domain.situations import Wish
from creditbank.domain.uses import Application
from creditbank.domain.values import certificate_id, credits_from_text

NOW = 1_795_000_000_000_000
"""A moment, in microseconds."""

TODAY = date(2026, 9, 1)
LEARNER, TWIN, THIRD = UUID(int=0xA1), UUID(int=0xB2), UUID(int=0xC3)
ACCREDITATION = UUID(int=0xACC)

ISSUER = OrganisationRegistered(code="BIM-EVAL", name="BIM evaluation", roles=("issuer",))
COLLEGE = OrganisationRegistered(code="college", name="College", roles=("institution",))
STANDARD = StandardPublished(
    code="BIM",
    title="Building information modelling",
    scheme="1+X",
    levels=(
        Level(level="初级", rank=1, credits=30_000),
        Level(level="中级", rank=2, credits=60_000),
        Level(level="高级", rank=3, credits=100_000),
    ),
)
ACCREDITED = AccreditationGranted(
    organisation="BIM-EVAL",
    accreditation_id=ACCREDITATION,
    standard="BIM",
    levels=("初级", "中级"),
    valid_from=date(2026, 1, 1),
    valid_until=date(2026, 12, 31),
)
PROGRAMME = ProgrammePublished(
    institution="college",
    code="construction",
    name="Construction",
    credits=1_000_000,
    courses=(
        Course(code="CAD", name="Drawing", credits=40_000),
        Course(code="BIM1", name="Modelling", credits=20_000),
        Course(code="WORK", name="Project", credits=20_000, type="project"),
    ),
    rulebook="exemptions",
)
DECISION = Decision(
    rulebook="exemptions", rulebook_version=1, rules_sha256="0" * 64, applied_on=date(2026, 8, 1), situation={}
)


def catalogue_of(*events: ReferenceEvent) -> Catalogue:
    catalogue = Catalogue()
    for event in events:
        catalogue = catalogues.evolve(catalogue, event)
    return catalogue


CATALOGUE = catalogue_of(ISSUER, COLLEGE, STANDARD, ACCREDITED, PROGRAMME)


def given(*events: AccountEvent, account_id: UUID = LEARNER) -> Account:
    """The account after it was opened and these events happened."""
    return accounts.replay(accounts.empty(account_id), [AccountOpened(opened_by="college"), *events])


def certificate(number: str) -> UUID:
    return certificate_id("BIM-EVAL", number)


def posted(number: str = "N1", **changes: Any) -> Award:
    """What the issuer posts."""
    fields = {"issuer": "BIM-EVAL", "standard": "BIM", "level": "中级", "issued_on": date(2026, 7, 1), **changes}
    return Award(certificate_id=certificate(number), number=number, **fields)


def awarded(number: str = "N1", credits: str = "6", **changes: Any) -> CertificateAwarded:
    """The fact that follows."""
    fields = {
        "issuer": "BIM-EVAL",
        "standard": "BIM",
        "standard_version": 1,
        "level": "中级",
        "rank": 2,
        "issued_on": date(2026, 7, 1),
        "accreditation_id": ACCREDITATION,
        "scheme": "1+X",
        **changes,
    }
    return CertificateAwarded(
        certificate_id=certificate(number), number=number, credits=credits_from_text(credits), **fields
    )


def grant(number: str, credits: str, target: str | None = None) -> Grant:
    amount = credits_from_text(credits)
    return Grant(
        certificate_ids=(certificate(number),),
        target=target,
        credits=amount,
        consumed={certificate(number): amount},
        clause="/sources/0",
        purpose="exemption" if target else "conversion",
    )


def converted(use: int, *grants: Grant, institution: str = "college", programme: str = "construction") -> Any:
    return CreditsConverted(
        conversion_id=UUID(int=use), institution=institution, programme=programme, grants=grants, decision=DECISION
    )


def exempted(use: int, *grants: Grant, institution: str = "college", programme: str = "construction") -> Any:
    return CoursesExempted(
        exemption_id=UUID(int=use), institution=institution, programme=programme, grants=grants, decision=DECISION
    )


def wish(*numbers: str, target: str | None = None, **fields: Any) -> Wish:
    return Wish(certificate_ids=tuple(certificate(number) for number in numbers), target=target, fields=fields)


def dealing(account: Account, document: dict[str, Any], **changes: Any) -> Application:
    """A college's decision about this account by these rules."""
    fields = {"programme": PROGRAMME, "catalogue": CATALOGUE, "applied_on": TODAY, "now": NOW, **changes}
    return Application(account=account, compiled=rules.compile(document), **fields)
