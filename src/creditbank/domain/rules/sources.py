"""`sources`: what is recognised, and for how much. The first source that matches values the request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import Field, model_validator

from creditbank.domain.rules.clause import NO_RULE, Clause, FieldName, Line, Objection, Step, Text, inner_faults
from creditbank.domain.rules.index import Index
from creditbank.domain.rules.selector import EVERYTHING, Match
from creditbank.domain.rules.situation import OUTCOME
from creditbank.domain.rules.values import Value

INCOMPLETE_SET = "INCOMPLETE_SET"


class Source(Clause):
    """One kind of outcome and its value; `family` and `rank` name the outcome's fields for `exclusive`."""

    match: Match = EVERYTHING
    all_of: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None
    value: Value
    bucket: Text | None = None
    family: FieldName | None = None
    rank: FieldName | None = None
    grade: Text | None = None

    @model_validator(mode="after")
    def _family_with_rank(self) -> Self:
        missing = "rank" if self.rank is None else "family"
        together = (self.family is None) is (self.rank is None)
        inner_faults([] if together else [((missing,), "is missing: family and rank go together.")])
        return self

    def is_complete(self, line: Line) -> bool:
        """Whether the joined outcomes include all the codes of the set."""
        if self.all_of is None:
            return True
        return set(self.all_of) <= {view[OUTCOME].get("code") for view in line.views}

    def bucket_of(self, line: Line) -> str | None:
        return self.bucket or line.view[OUTCOME].text("bucket")


def valuation(sources: Sequence[Source]) -> Step:
    """Values the line, or objects."""
    index = Index([source.match for source in sources])

    def value(line: Line) -> Objection | None:
        incomplete: Objection | None = None
        for number in index.matching(line.view):
            source = sources[number]
            clause = f"/sources/{number}"
            if not source.is_complete(line):
                incomplete = incomplete or Objection(INCOMPLETE_SET, clause)
                continue
            amount = source.value.amount(line.view)
            if amount is None:
                return incomplete or Objection(NO_RULE, clause)
            line.source, line.amount = number, amount
            return None
        return incomplete or Objection(NO_RULE, "/sources")

    return value
