"""The best set of wishes for an account and a programme: what the bank proposes where nobody asks for anything.

Best is, in this order: most credits, fewest certificates, and then what comes first when pairs of course and
certificate are read in their order: larger courses first, certificates in the order of their record. Every set is
considered, and the answer is proven best, where that takes little effort; beyond that a good set is grown, and
grown again without each of its pairs. Effort is counted in wishes put to the rules, never in time, so the same
question always gets the same answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from uuid import UUID

from creditbank.domain import rules
from creditbank.domain.events import Course
from creditbank.domain.funds import funds
from creditbank.domain.rules import CompiledRules
from creditbank.domain.situations import Ground, Wish, ground_of
from creditbank.domain.uses import Application, Outcome, decide, unusable
from creditbank.domain.values import credits_from_fraction

MOST_PAIRS = 800
MOST_PAIRS_SEARCHED = 64
MOST_EFFORT_SEARCHED = 1_000
MOST_EFFORT_GROWN = 700
"""In wishes put to a rulebook of few clauses."""
EFFORT_OF_A_QUESTION = 3
"""What a question to the rules costs beside its wishes, in wishes."""
CLAUSES_OF_A_WISH = 12
"""How many clauses cost as much as a wish does without any."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """The wishes, what comes of them, and whether it is proven that no set is better."""

    wishes: tuple[Wish, ...]
    outcome: Outcome
    is_proven: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pair:
    """A course and a certificate that could replace it, with the most that this gives and takes."""

    wish: Wish
    credits: Fraction
    taken: Mapping[UUID, int]


Block = Sequence[Pair]
"""The pairs of one course."""
Worth = tuple[Fraction, int]
"""Credits, and the number of certificates below zero: more is better."""


def propose(application: Application) -> Proposal:
    """The best set of exemptions for this account in this programme."""
    left = funds(application.account, application.now)
    alone = [Wish(certificate_ids=(one,), target=None, fields={}) for one in application.account.lots]
    usable = [wish for wish in alone if unusable(application, left, 0, wish) is None]
    ground = ground_of(
        application.account,
        application.programme,
        application.catalogue,
        application.applied_on,
        application.now,
        {certificate_id for wish in usable for certificate_id in wish.certificate_ids},
    )
    compiled = application.compiled
    judge = _Judge(compiled, ground, left.free, _weight(compiled, ground), _depends_on_more(compiled))
    wishes = _wishes(application.programme.courses, usable, int(MOST_PAIRS / judge.weight))
    blocks = list(_blocks(application.compiled, ground, wishes))
    best: Sequence[Pair] = ()
    is_proven = False
    if sum(map(len, blocks)) <= MOST_PAIRS_SEARCHED:
        search = _Search(judge, blocks)
        reached_its_end = search.run()
        is_complete = len(wishes) == len(usable) * len(application.programme.courses)
        is_proven = reached_its_end and is_complete and not judge.depends_on_more
        best = search.best
    if not is_proven:
        judge.effort = 0
        best = max(best, _grown(judge, blocks), key=_worth)
    chosen = tuple(pair.wish for pair in best)
    return Proposal(chosen, decide(application, chosen), is_proven)


def _weight(compiled: CompiledRules, ground: Ground) -> float:
    """How much more than a wish under a short rulebook one costs under this one: what is asked about each of them."""
    entries = len(ground.history) + len(ground.elsewhere)
    clauses = max(
        len(one.rules.caps)
        + len(one.rules.exclude)
        + len(one.rules.require)
        + len(one.rules.validity)
        + len(one.rules.window)
        + len(one.rules.once) * (1 + entries)
        for one in compiled.versions
    )
    return 1 + clauses / CLAUSES_OF_A_WISH


def _worth(pairs: Sequence[Pair]) -> Worth:
    certificates = {one for pair in pairs for one in pair.wish.certificate_ids}
    return sum((pair.credits for pair in pairs), start=Fraction(0)), -len(certificates)


def _wishes(courses: Sequence[Course], usable: Sequence[Wish], most: int) -> list[Wish]:
    """Every course with every usable certificate, larger courses first.

    Where those are too many, each course is tried with as many as fit, another range of certificates each.
    """
    if not usable:
        return []
    ordered = sorted(courses, key=lambda course: -course.credits)[: max(1, most)]
    tried = min(len(usable), max(1, most // max(1, len(ordered))))
    return [
        replace(usable[number], target=course.code)
        for place, course in enumerate(ordered)
        for number in sorted((place * tried + step) % len(usable) for step in range(tried))
    ]


def _blocks(compiled: CompiledRules, ground: Ground, wishes: Sequence[Wish]) -> Iterator[Block]:
    """The pairs that the rules do not refuse whatever else is asked for, course by course."""
    given = ground.situation(wishes)
    courses: dict[str | None, list[Pair]] = {}
    for grant in rules.evaluate(_each_alone(compiled), given).granted:
        taken = {UUID(name): credits_from_fraction(credits) for name, credits in grant.consumed_by}
        pair = Pair(wish=wishes[grant.request], credits=grant.credits, taken=taken)
        courses.setdefault(grant.target, []).append(pair)
    yield from courses.values()


def _each_alone(compiled: CompiledRules) -> CompiledRules:
    """The rules without those that look at several requests at once."""
    looking_around = {"caps": (), "once": (), "exclusive": None, "pool_round": None}
    versions = (
        replace(version, rules=version.rules.model_copy(update=looking_around), dimensions=())
        for version in compiled.versions
    )
    return replace(compiled, versions=tuple(versions))


def _depends_on_more(compiled: CompiledRules) -> bool:
    """Whether a wish may be worth less beside others, and so fit where it would not fit alone."""
    return any(version.rules.exclusive and version.rules.exclusive.factor for version in compiled.versions)


@dataclass(slots=True)
class _Judge:
    """Puts sets of pairs to the rules and to what the certificates still have, and counts the effort."""

    compiled: CompiledRules
    ground: Ground
    free: Mapping[UUID, int]
    weight: float
    depends_on_more: bool
    effort: float = 0

    def granted(self, pairs: Sequence[Pair]) -> tuple[list[Pair], list[Pair]]:
        """Those that are granted, at what they are then worth, and those that are granted and overdrawn."""
        self.effort += (len(pairs) + EFFORT_OF_A_QUESTION) * self.weight
        decision = rules.evaluate(self.compiled, self.ground.situation([pair.wish for pair in pairs]))
        left = dict(self.free)
        kept: list[Pair] = []
        overdrawn: list[Pair] = []
        for grant in decision.granted:
            pair = pairs[grant.request]
            taken = {UUID(name): credits_from_fraction(credits) for name, credits in grant.consumed_by}
            if any(credits > left[one] for one, credits in taken.items()):
                overdrawn.append(pair)
                continue
            for one, credits in taken.items():
                left[one] -= credits
            kept.append(pair if pair.credits == grant.credits else replace(pair, credits=grant.credits, taken=taken))
        return kept, overdrawn

    def fits(self, pairs: Sequence[Pair]) -> list[Pair] | None:
        """The pairs at what they are worth together, None where not all of them are granted."""
        kept, _ = self.granted(pairs)
        return kept if len(kept) == len(pairs) else None


@dataclass(slots=True)
class _Search:
    """Looks at every set, in the order in which the first of equals is the best. Passes over what cannot be better.

    A set that holds a set which is not granted is not granted either, and no pair gives more beside others.
    """

    judge: _Judge
    blocks: Sequence[Block]
    best: Sequence[Pair] = ()
    worth: Worth = (Fraction(0), 0)
    most: list[Fraction] = field(default_factory=list)
    """What the courses from a place on can give at most."""

    def run(self) -> bool:
        """Whether the end was reached: `best` then is the best there is."""
        self.most = [Fraction(0)]
        for block in reversed(self.blocks):
            self.most.insert(0, self.most[0] + max(pair.credits for pair in block))
        return self._extend((), 0)

    def _extend(self, chosen: Sequence[Pair], first: int) -> bool:
        credits, certificates = _worth(chosen)
        for place in range(first, len(self.blocks)):
            for pair in self.blocks[place]:
                if (credits + self.most[place], certificates) <= self.worth:
                    return True
                if self.judge.effort > MOST_EFFORT_SEARCHED:
                    return False
                fitting = self.judge.fits([*chosen, pair])
                if fitting is None:
                    continue
                if _worth(fitting) > self.worth:
                    self.best, self.worth = fitting, _worth(fitting)
                if not self._extend(fitting, place + 1):
                    return False
        return True


def _grown(judge: _Judge, blocks: Sequence[Block]) -> Sequence[Pair]:
    """A set grown pair by pair, and what it becomes when one of its pairs is given up for others."""
    best = first = _grow(judge, blocks, (), ())
    for given_up in first:
        kept = [pair for pair in best if pair.wish != given_up.wish]
        best = max(best, _grow(judge, blocks, kept, (given_up,)), key=_worth)
    return best


def _grow(judge: _Judge, blocks: Sequence[Block], kept: Sequence[Pair], barred: Collection[Pair]) -> Sequence[Pair]:
    """Add the first certificate of each further course that is granted beside what is kept, in several rounds."""
    failed = {id(pair.wish) for pair in barred}
    while judge.effort < MOST_EFFORT_GROWN:
        tried = _next(judge.free, blocks, kept, failed)
        if not tried:
            break
        asked = [*kept, *tried]
        granted, overdrawn = judge.granted(asked)
        if judge.depends_on_more and judge.fits(granted) is None:
            # What was refused had made them worth less: without it they are too many.
            granted, overdrawn = _one_by_one(judge, kept, tried), []
        kept, standing = granted, {id(pair.wish) for pair in granted}
        # What was overdrawn stood in the way of others: those are tried once more without it.
        failed |= {id(pair.wish) for pair in overdrawn or asked} - standing
    return kept


def _one_by_one(judge: _Judge, kept: Sequence[Pair], tried: Sequence[Pair]) -> list[Pair]:
    """What is kept, if it can stand, and of what was tried whatever is granted in full beside it, in its order."""
    fitting = judge.fits(kept) or []
    for pair in tried:
        fitting = judge.fits([*fitting, pair]) or fitting
    return fitting


def _next(free: Mapping[UUID, int], blocks: Sequence[Block], kept: Sequence[Pair], failed: set[int]) -> list[Pair]:
    """For every course that is still open, the first pair that did not fail and that its certificate can pay."""
    left = dict(free)
    for pair in kept:
        _pay(left, pair)
    courses = {pair.wish.target for pair in kept}
    tried: list[Pair] = []
    for block in blocks:
        if block[0].wish.target in courses:
            continue
        for pair in block:
            if id(pair.wish) not in failed and all(credits <= left[one] for one, credits in pair.taken.items()):
                _pay(left, pair)
                tried.append(pair)
                break
    return tried


def _pay(left: dict[UUID, int], pair: Pair) -> None:
    for one, credits in pair.taken.items():
        left[one] -= credits
