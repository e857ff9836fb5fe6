"""Finds the clauses that match without trying them all: they are filed under the values that they compare with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import product
from typing import Final

from creditbank.domain.rules.selector import AnyOf, Path, Selector
from creditbank.domain.rules.situation import Opaque, Scalar, Thing

KEYS_PER_CLAUSE: Final = 64
"""A clause with more combinations of listed values is filed under fewer of its fields."""

Filed = tuple[int, Selector]


class Index:
    """Clauses grouped by the fields that they compare with given values, each group a table of those values.

    Looking up costs one table access per group, and the tests that are no plain comparison.
    """

    def __init__(self, selectors: Sequence[Selector]) -> None:
        groups: dict[tuple[Path, ...], dict[tuple[Scalar | Opaque | None, ...], list[Filed]]] = {}
        for number, selector in enumerate(selectors):
            keyed, rest = _split(selector)
            table = groups.setdefault(tuple(sorted(keyed)), {})
            for key in product(*(keyed[path].values for path in sorted(keyed))):
                table.setdefault(key, []).append((number, rest))
        self._groups = tuple(groups.items())

    def matching(self, view: tuple[Thing, ...]) -> Iterator[int]:
        """The numbers of the matching clauses, in their order."""
        found: list[list[Filed]] = []
        for paths, table in self._groups:
            filed = table.get(tuple([view[scope].get(name) for scope, name in paths]))
            if filed:
                found.append(filed)
        candidates = found[0] if len(found) == 1 else merge(*found, key=_number)
        return (number for number, rest in candidates if not rest.conditions or rest.matches(view))

    def first(self, view: tuple[Thing, ...]) -> int | None:
        return next(self.matching(view), None)


def _number(filed: Filed) -> int:
    return filed[0]


def _split(selector: Selector) -> tuple[dict[Path, AnyOf], Selector]:
    """The conditions to file under, and those that remain to be tested."""
    keyed: dict[Path, AnyOf] = {}
    rest = []
    combinations = 1
    for scope, name, test in sorted(selector.conditions, key=_breadth):
        if isinstance(test, AnyOf) and combinations * len(test.values) <= KEYS_PER_CLAUSE:
            keyed[scope, name] = test
            combinations *= len(test.values)
        else:
            rest.append((scope, name, test))
    return keyed, Selector(rest)


def _breadth(condition: tuple[int, str, object]) -> int:
    return len(condition[2].values) if isinstance(condition[2], AnyOf) else 0
