"""Certificate standards, programmes and rulebooks."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.concurrency import run_in_threadpool

from creditbank.api import acts
from creditbank.api.answers.catalogue import Page, Programme, Rulebook, RulebookVersion, Standard
from creditbank.api.body import StrictRoute
from creditbank.api.cursors import PageAsked
from creditbank.api.dependencies import Writer, bank_of, permit, write
from creditbank.api.fields import CODE_PATTERN
from creditbank.api.principals import Principal
from creditbank.api.requests.catalogue import ProgrammeBody, RulebookVersionBody, StandardBody
from creditbank.commands import catalogue, documents
from creditbank.domain import errors, rules
from creditbank.domain.acts import RulebookPublication
from creditbank.domain.cases import NoCases, run_cases
from creditbank.domain.errors import Fault
from creditbank.domain.events import RulebookVersionPublished

router = APIRouter(prefix="/v1", tags=["Catalogue"], route_class=StrictRoute)

Code = Annotated[str, Path(max_length=64, examples=["BIM"])]
NewCode = Annotated[str, Path(max_length=64, pattern=CODE_PATTERN, examples=["hbvtc-x"])]
"""A code that a path gives to something new."""


@router.post(
    "/standards",
    status_code=201,
    response_model=Standard,
    summary="Publish a certificate standard",
    responses={200: {"model": Standard, "description": "It stands already, with the same content."}},
)
async def publish_standard(body: StandardBody, writer: Annotated[Writer, write("catalogue:write")]) -> Response:
    """A standard with its levels and the credits that the bank recognises for each."""
    return await writer.settle(catalogue.publish_standard(body.event()))


@router.get("/standards", response_model=Page[Standard], summary="List standards")
def list_standards(
    request: Request, page: PageAsked, _: Annotated[Principal, permit("catalogue:read")]
) -> dict[str, Any]:
    """In the order of their codes."""
    after = page.after[0] if page.after else ""
    known = bank_of(request).catalogue().standards
    codes, cursor = page.cut(sorted(code for code in known if code > after), lambda code: [code])
    return {"items": [documents.standard(known[code]) for code in codes], "next_cursor": cursor}


@router.get("/standards/{code}", response_model=Standard, summary="Read a standard")
def read_standard(request: Request, code: Code, _: Annotated[Principal, permit("catalogue:read")]) -> dict[str, Any]:
    """Its levels, and the credits of each."""
    known = bank_of(request).catalogue().standards
    if code not in known:
        raise errors.NotFound()
    return documents.standard(known[code])


@router.post(
    "/programmes",
    status_code=201,
    response_model=Programme,
    summary="Publish a programme",
    responses={200: {"model": Programme, "description": "It stands already, with the same content."}},
)
async def publish_programme(body: ProgrammeBody, writer: Annotated[Writer, write("programmes:write")]) -> Response:
    """A programme of the caller's own institution, with its courses and the rulebook that decides for it."""
    if body.institution != writer.principal.own_code:
        raise errors.Forbidden()
    return await writer.settle(catalogue.publish_programme(body.event()))


@router.get("/programmes", response_model=Page[Programme], summary="List programmes")
def list_programmes(
    request: Request, page: PageAsked, principal: Annotated[Principal, permit("programmes:read")]
) -> dict[str, Any]:
    """In the order of institution and code; an institution sees its own ones."""
    after = tuple(page.after) if page.after else ("", "")
    known = bank_of(request).catalogue().programmes
    own = principal.as_institution
    names = sorted(name for name in known if name > after and own in (None, name[0]))
    names, cursor = page.cut(names, list)
    return {"items": [documents.programme(known[name]) for name in names], "next_cursor": cursor}


@router.get("/programmes/{institution}/{code}", response_model=Programme, summary="Read a programme")
def read_programme(
    request: Request, institution: Code, code: Code, principal: Annotated[Principal, permit("programmes:read")]
) -> dict[str, Any]:
    """Its courses and its rulebook."""
    known = bank_of(request).catalogue().programmes
    if (institution, code) not in known or principal.as_institution not in (None, institution):
        raise errors.NotFound()
    return documents.programme(known[institution, code])


@router.post(
    "/rulebooks/{rulebook}/versions",
    status_code=201,
    response_model=RulebookVersion,
    responses=acts.WAITS,
    summary="Publish a version of a rulebook",
)
async def publish_rulebook(
    rulebook: NewCode, body: RulebookVersionBody, writer: Annotated[Writer, write("rulebooks:publish")]
) -> Response:
    """The first publisher owns the id. A malformed rulebook is answered with a pointer per fault.

    A version may bring its own cases: they are run first, and one that fails refuses the version.
    """
    if faults := await run_in_threadpool(_faults_of, rulebook, body):
        raise errors.Invalid(faults=faults)
    act = RulebookPublication(
        act="rulebook-publication",
        rulebook=rulebook,
        owner=writer.principal.own_code,
        title=body.title,
        rules=body.rules,
        cases=tuple(body.cases),
        effective_from=body.effective_from,
    )
    return await acts.settle(writer, act)


def _faults_of(rulebook: str, body: RulebookVersionBody) -> list[Fault]:
    faults = [
        Fault(code="rule_invalid", pointer=f"/rules{fault.pointer.removeprefix('/rules')}", detail=fault.detail)
        for fault in rules.check(body.rules).faults
    ]
    if faults or not body.cases:
        return faults
    document = {"format": "creditbank-rulebook/1", "id": rulebook, "rules": body.rules, "cases": body.cases}
    try:
        results = list(run_cases(document))
    except NoCases as error:
        return [Fault(code="case_failed", pointer="/cases", detail=str(error))]
    return [
        Fault(code="case_failed", pointer=f"/cases/{number}", detail="The rules do not decide as this case expects.")
        for number, result in enumerate(results)
        if result.status == "failed"
    ]


@router.get("/rulebooks/{rulebook}", response_model=Rulebook, summary="Read a rulebook")
def read_rulebook(
    request: Request, rulebook: Code, principal: Annotated[Principal, permit("programmes:read")]
) -> dict[str, Any]:
    """All its versions, oldest first."""
    versions = _versions(request, rulebook, principal)
    return {
        "id": rulebook,
        "owner": versions[0].owner,
        "title": versions[-1].title,
        "versions": [documents.rulebook_version(version) for version in versions],
    }


@router.get(
    "/rulebooks/{rulebook}/versions/{number}",
    response_model=RulebookVersion,
    summary="Read a version of a rulebook",
)
def read_rulebook_version(
    request: Request, rulebook: Code, number: int, principal: Annotated[Principal, permit("programmes:read")]
) -> dict[str, Any]:
    """The rules as they were published, with the hash that decisions name."""
    for version in _versions(request, rulebook, principal):
        if version.number == number:
            return documents.rulebook_version(version)
    raise errors.NotFound()


def _versions(request: Request, rulebook: str, principal: Principal) -> tuple[RulebookVersionPublished, ...]:
    versions = bank_of(request).catalogue().rulebooks.get(rulebook, ())
    if not versions or principal.as_institution not in (None, versions[0].owner):
        raise errors.NotFound()
    return versions
