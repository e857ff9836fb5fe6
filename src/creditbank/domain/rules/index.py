"""Finds the clauses that match without trying them all: they are filed under the values that they compare with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import product
from typing import Final

from creditbank.domain.rules.comparison import AnyOf
from creditbank.domain.rules.selector import Path, Selector
from creditbank.domain.rules.situation import Opaque, Scalar, Thing

MOST_KEYS: Final = 200_000
KEYS_PER_CLAUSE: Final = 64
"""A clause with more combinations of listed values is filed under fewer of its fields."""

Filed = tuple[int, Selector]


class Index:
    """Clauses grouped by the fields that they compare with given values, each group a table of those values.

    Looking up costs one table access per group, and the tests that are no plain comparison.
    """

    def __init__(self, selectors: Sequence[Selector]) -> None:
        groups: dict[tuple[Path, ...], dict[tuple[Scalar | Opaque | None, ...], list[Filed]]] = {}
        most = min(KEYS_PER_CLAUSE, MOST_KEYS // max(1, len(selectors)))
        for number, selector in enumerate(selectors):
            keyed, rest = _split(selector, most)
            table = groups.setdefault(tuple(sorted(keyed)), {})
            for key in product(*(keyed[path].values for path in sorted(keyed))):
                table.setdefault(key, []).append((number, rest))
        self._groups = tuple(groups.items())

    def __len__(self) -> int:
        """How many tables a look-up asks."""
        return len(self._groups)

    def matching(self, view: tuple[Thing, ...]) -> Iterator[int]:
        """The numbers of the matching clauses, in their order."""
        for number, rest in self._candidates(view):
            if rest.matches(view):
                yield number

    def first(self, view: tuple[Thing, ...]) -> int | None:
        for number, rest in self._candidates(view):
            if rest.matches(view):
                return number
        return None

    def _candidates(self, view: tuple[Thing, ...]) -> Iterable[Filed]:
        found: list[list[Filed]] = []
        for paths, table in self._groups:
            filed = table.get(tuple([view[scope].get(name) for scope, name in paths]))
            if filed is not None:
                found.append(filed)
        if not found:
            return ()
        return found[0] if len(found) == 1 else merge(*found, key=_number)


def _number(filed: Filed) -> int:
    return filed[0]


def _split(selector: Selector, most: int) -> tuple[dict[Path, AnyOf], Selector]:
    """The conditions to file under, and those that remain to be tested."""
    keyed: dict[Path, AnyOf] = {}
    rest = []
    combinations = 1
    for scope, name, test in sorted(selector.conditions, key=_breadth):
        if isinstance(test, AnyOf) and combinations * len(test.values) <= most:
            keyed[scope, name] = test
            combinations *= len(test.values)
        else:
            rest.append((scope, name, test))
    return keyed, Selector(rest)


def _breadth(condition: tuple[int, str, object]) -> int:
    return len(condition[2].values) if isinstance(condition[2], AnyOf) else 0
