"""Long lists in parts: one request, one key and one answer, and room for everybody else in between.

A part is a transaction of its own, with its answer under a key of its own. The first has the key of the request,
so that no other request can pass under it; the others add a blank, which no client's key has, and the index of
their first line. Whoever repeats a request that broke off is therefore given the answers of the parts that stand,
and the rest goes on from there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from creditbank.commands.desk import Command, Desk, Request, Settled
from creditbank.commands.ready_awards import Outdated

LINES = 250
"""Lines that share a transaction. Whoever comes meanwhile waits for these, not for the whole list."""

LONG = 500
"""The same as long as nobody comes: a transaction costs the same for more lines."""

FEW = 50
"""Lines up to which a list is no longer than what gathers anyway, and goes with it."""

_BEGIN = b'{"results":['
_END = re.compile(rb'\],"accepted":([0-9]+),"refused":([0-9]+)\}')


class Lines(Protocol):
    """A list, some lines of which can be had as a command: from one index up to, not including, another one."""

    async def part(self, start: int, stop: int) -> Command:
        """The lines in the way that is fastest. It may turn out Outdated."""

    async def plain(self, start: int, stop: int) -> Command:
        """The same lines, with nothing done beforehand that can be outdated."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A list that is a command, and can be cut."""

    cut: Callable[[int, int], Command]

    async def part(self, start: int, stop: int) -> Command:
        return self.cut(start, stop)

    plain = part


class _Part(NamedTuple):
    settled: Settled
    results: bytes
    accepted: int
    refused: int


def length(desk: Desk) -> int:
    """How many lines go together at present."""
    return LINES if desk.is_busy else LONG


async def settle(desk: Desk, request: Request, count: int, lines: Lines) -> Settled:
    """Settle a list of `count` lines whose parts each answer 207, and answer for all of them.

    The parts take the place of the request's own command.
    Raises Unavailable where a part could not be written; those before it stand.
    """
    assert request.key is not None
    scope, key = request.key
    parts: list[_Part] = []
    done = 0
    while done < count:
        # How long a part was is told by its stored answer, not by how long parts are today.
        # The first ones are not waited for longer than need be: what is behind them is made ready meanwhile.
        until = min(done + (length(desk) if done else LINES), count)
        part = replace(request, key=(scope, f"{key} {done}" if done else key), is_bulk=count > FEW)
        try:
            settled = await desk.ask(replace(part, command=await lines.part(done, until)))
        except Outdated:
            settled = await desk.ask(replace(part, command=await lines.plain(done, until)))
        parts.append(_read(settled))
        done += parts[-1].accepted + parts[-1].refused
    return _joined(parts)


def _read(settled: Settled) -> _Part:
    """The answer to a part, taken apart without being read line by line."""
    end = settled.body.rindex(b"]")
    counts = _END.fullmatch(settled.body, end)
    assert counts is not None and settled.body.startswith(_BEGIN)
    return _Part(settled, settled.body[len(_BEGIN) : end], int(counts[1]), int(counts[2]))


def _joined(parts: list[_Part]) -> Settled:
    if len(parts) == 1:
        return parts[0].settled
    results = b",".join(part.results for part in parts)
    accepted, refused = sum(part.accepted for part in parts), sum(part.refused for part in parts)
    last: dict[int, int] = {}
    for part in parts:
        for partition, _, position in (place.partition(":") for place in part.settled.position.split(",") if place):
            last[int(partition)] = int(position)
    return Settled(
        status=parts[0].settled.status,
        body=b'%b%b],"accepted":%d,"refused":%d}' % (_BEGIN, results, accepted, refused),
        position=",".join(f"{partition}:{position}" for partition, position in sorted(last.items())),
        replayed=all(part.settled.replayed for part in parts),
    )
