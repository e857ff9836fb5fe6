"""`exclude`: what is never recognised. A match refuses the request."""

from __future__ import annotations

from collections.abc import Sequence

from creditbank.domain.rules.clause import Clause, Line, Objection, Reason, Step
from creditbank.domain.rules.index import Index
from creditbank.domain.rules.selector import Match


class Exclude(Clause):
    """Refuses every request of which any joined outcome matches."""

    match: Match
    reason: Reason


def exclusions(clauses: Sequence[Exclude]) -> Step:
    index = Index([clause.match for clause in clauses])

    def exclude(line: Line) -> Objection | None:
        hits = [(number, view) for view in line.views if (number := index.first(view)) is not None]
        if not hits:
            return None
        number, view = min(hits, key=lambda hit: hit[0])
        clause = clauses[number]
        return Objection(clause.reason, f"/exclude/{number}", clause.match.found(view))

    return exclude
