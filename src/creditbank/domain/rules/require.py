"""`require`: what must hold. Where `when` matches and `match` does not, the request is refused."""

from __future__ import annotations

from collections.abc import Sequence

from creditbank.domain.rules.clause import Clause, Line, Objection, Reason, Step
from creditbank.domain.rules.index import Index
from creditbank.domain.rules.selector import EVERYTHING, Match
from creditbank.domain.rules.situation import View


class Require(Clause):
    """A condition on every joined outcome, or on those only that `when` is about."""

    when: Match = EVERYTHING
    match: Match
    reason: Reason


def requirements(clauses: Sequence[Require]) -> Step:
    index = Index([clause.when for clause in clauses])

    def failing(view: View) -> int | None:
        return next((number for number in index.matching(view) if not clauses[number].match.matches(view)), None)

    def require(line: Line) -> Objection | None:
        hits = [(number, view) for view in line.views if (number := failing(view)) is not None]
        if not hits:
            return None
        number, view = min(hits, key=lambda hit: hit[0])
        clause = clauses[number]
        return Objection(clause.reason, f"/require/{number}", *clause.match.failing(view))

    return require
