"""Long lists in parts: one request, one key and one answer, and room for everybody else in between.

A part is a transaction of its own, with its answer under a key of its own. The first has the key of the request,
so that no other request can pass under it; the others add a blank, which no client's key has, and the index of
their first line. Whoever repeats a request that broke off is therefore given the answers of the parts that stand,
and the rest goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pydantic_core import from_json, to_json

from creditbank.commands.desk import Command, Desk, Request, Settled

LINES = 250
"""Lines that share a transaction. Whoever comes meanwhile waits for these, not for the whole list."""

FEW = 50
"""Lines up to which a list is no longer than what gathers anyway, and goes with it."""

PartOf = Callable[[int, int], Command]
"""The command for some of the lines: from one index up to, not including, another one."""


async def settle(desk: Desk, request: Request, count: int, part_of: PartOf) -> Settled:
    """Settle a list of `count` lines whose parts each answer 207, and answer for all of them.

    Raises Unavailable where a part could not be written; those before it stand.
    """
    assert request.key is not None
    scope, key = request.key
    parts: list[tuple[Settled, dict[str, Any]]] = []
    done = 0
    while done < count:
        # How long a part was is told by its stored answer, not by how long parts are today.
        part = replace(
            request,
            command=part_of(done, min(done + LINES, count)),
            key=(scope, f"{key} {done}" if done else key),
            is_bulk=count > FEW,
        )
        settled = await desk.ask(part)
        parts.append((settled, from_json(settled.body)))
        done += len(parts[-1][1]["results"])
    return _joined(parts)


def _joined(parts: list[tuple[Settled, dict[str, Any]]]) -> Settled:
    if len(parts) == 1:
        return parts[0][0]
    body = {
        "results": [line for _, part in parts for line in part["results"]],
        "accepted": sum(part["accepted"] for _, part in parts),
        "refused": sum(part["refused"] for _, part in parts),
    }
    last: dict[int, int] = {}
    for settled, _ in parts:
        for partition, _, position in (place.partition(":") for place in settled.position.split(",") if place):
            last[int(partition)] = int(position)
    return Settled(
        status=parts[0][0].status,
        body=to_json(body),
        position=",".join(f"{partition}:{position}" for partition, position in sorted(last.items())),
        replayed=all(settled.replayed for settled, _ in parts),
    )
