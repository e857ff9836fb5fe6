"""Draws by lot that anybody can repeat: from a public seed, with nothing but SHA-256.

`docs/inspections.md` tells the same in fifteen lines of another program, which a test holds against this one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from math import ceil

FORMAT = "creditbank/draw/1"
_NUMBERS = 1 << 64


class TooFew(ValueError):
    """There are not as many to draw from as are to be drawn."""


@dataclass(frozen=True, slots=True)
class Amount:
    """How many are drawn: a number of them, or a share, of which the part of one counts as one."""

    number: int | None = None
    share: Fraction | None = None

    def of(self, population: int) -> int:
        """At most as many as there are."""
        wanted = self.number if self.share is None else ceil(self.share * population)
        return min(wanted or 0, population)


def amount(text: str) -> Amount:
    """Read `20` or `2.5%`. Raises ValueError for anything else, and for a share of more than all."""
    if not text.endswith("%"):
        if not (text.isascii() and text.isdigit()):
            raise ValueError("an amount is a number such as 20, or a share such as 2.5%")
        return Amount(number=int(text))
    try:
        share = Fraction(text.removesuffix("%")) / 100
    except (ValueError, ZeroDivisionError):
        raise ValueError("a share is written as 2.5%") from None
    if not 0 <= share <= 1:
        raise ValueError("a share lies between 0% and 100%")
    return Amount(share=share)


def seed(public: str, announced: str) -> bytes:
    """The seed of all draws of an inspection: what was announced, and what nobody could know when it was."""
    return sha256(f"{FORMAT}\n{public}\n{announced}\n".encode()).digest()


def draw(seed: bytes, label: str, population: Collection[str], count: int) -> list[str]:
    """So many of a population, in the order in which they were drawn. Raises TooFew.

    The population is sorted by code points. Each time a number below the count of those left names the next one, and
    it is taken out. The numbers are those of `_numbers`; one that would favour the first ones is left out.
    """
    left = sorted(set(population))
    if count > len(left):
        raise TooFew(f"{label}: {count} are to be drawn, and there are {len(left)}")
    drawn: list[str] = []
    for number in _numbers(seed, label):
        if len(drawn) == count:
            break
        if number < _NUMBERS - _NUMBERS % len(left):
            drawn.append(left.pop(number % len(left)))
    return drawn


def _numbers(seed: bytes, label: str) -> Iterator[int]:
    """Four numbers of 64 bits, big-endian, out of SHA-256 of seed, label, a zero byte and a counter of 8 bytes."""
    counter = 0
    while True:
        block = sha256(seed + label.encode() + b"\0" + counter.to_bytes(8, "big")).digest()
        yield from (int.from_bytes(block[at : at + 8], "big") for at in range(0, 32, 8))
        counter += 1
