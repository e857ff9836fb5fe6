"""What would be decided: eligibility, award checks, and rules tried on a situation. Nothing here is recorded."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request

from creditbank.api import problems
from creditbank.api.answers.uses import Advice, AwardCheck
from creditbank.api.body import StrictRoute
from creditbank.api.dependencies import adviser_of, moment_of, permit
from creditbank.api.looks import Looker, look
from creditbank.api.principals import Principal
from creditbank.api.requests.uses import AwardCheckBody, EligibilityBody, EvaluationBody
from creditbank.api.routes.uses import explainer
from creditbank.commands.eligibility import Asked
from creditbank.domain import errors, rules
from creditbank.domain.errors import Fault
from creditbank.domain.timeline import Moment

router = APIRouter(prefix="/v1", tags=["Eligibility"], route_class=StrictRoute)

NOT_OPEN: dict[int | str, dict[str, Any]] = {409: {"description": "The account takes no use today."}}
"""What is asked about an account that is not open is refused as its record would be."""


@router.post(
    "/eligibility",
    response_model=Advice,
    response_model_exclude_unset=True,
    responses=NOT_OPEN,
    summary="Ask what an account may be granted",
)
def read_eligibility(
    request: Request, body: EligibilityBody, looker: Annotated[Looker, look("eligibility:ask", "eligibility")]
) -> dict[str, Any]:
    """The decision on these requests; without any, the best set: most credits, then fewest certificates."""
    asked = Asked(
        account_id=body.account_id,
        institution=looker.principal.own_code,
        programme=body.programme.pair,
        applied_on=body.applied_on,
        moment=moment_of(body.as_of, body.known_at),
    )
    wishes = None if body.requests is None else [one.wish() for one in body.requests]
    answer = adviser_of(request).eligibility(asked, wishes, explainer(problems.language_of(request.scope)))
    looker.saw_from_thread(body.account_id)
    return answer


@router.post(
    "/award-checks", response_model=AwardCheck, responses=NOT_OPEN, summary="Check what is missing for an award"
)
def check_award(
    request: Request, body: AwardCheckBody, looker: Annotated[Looker, look("eligibility:ask", "award_check")]
) -> dict[str, Any]:
    """On what stands in the programme today, with the smallest set of certificates that would close the gap."""
    asked = Asked(
        account_id=body.account_id,
        institution=looker.principal.own_code,
        programme=body.programme.pair,
        applied_on=body.applied_on,
        moment=Moment(),
    )
    answer = adviser_of(request).award(asked, body.award)
    looker.saw_from_thread(body.account_id)
    return answer


@router.post("/rulebooks:evaluate", summary="Try rules on a situation")
def evaluate_rules(body: EvaluationBody, _: Annotated[Principal, permit("rules:evaluate")]) -> dict[str, Any]:
    """Pure: the decision of these rules on this situation, as the rulebook format has it. Nothing is written."""
    try:
        compiled = rules.compile(body.rules)
        match body.op:
            case "convert":
                return rules.evaluate(compiled, body.given).as_dict()
            case "award":
                return rules.check_award(compiled, body.given).as_dict()
            case "credit_points":
                return rules.credit_points(body.given)
    except rules.InvalidRulebook as error:
        raise errors.Invalid(faults=[_fault("rule_invalid", "/rules", fault) for fault in error.faults]) from error
    except rules.InvalidSituation as error:
        raise errors.Invalid(faults=[_fault("situation_invalid", "/given", fault) for fault in error.faults]) from error


def _fault(code: str, within: str, fault: rules.Fault) -> Fault:
    return Fault(code=code, pointer=f"{within}{fault.pointer}", detail=fault.detail)
