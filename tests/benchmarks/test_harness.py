"""What the benchmarks do with what they measured; nothing here is timed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from stdnum.iso7064 import mod_11_2

from benchmarks import load, people, report
from benchmarks.measure import Bound, Result, Round, Sample, Target, alternate


def rounds(*pairs: tuple[float, float]) -> tuple[Round, ...]:
    return tuple(Round(Sample(product), Sample(peer)) for product, peer in pairs)


def result(target: Target | None, *pairs: tuple[float, float]) -> Result:
    return Result(
        benchmark="S0",
        title="nothing in particular",
        database="sqlite",
        unit="things/s",
        peer="something simple",
        target=target,
        rounds=rounds(*pairs),
    )


def test_figures_are_medians_and_the_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    measured = result(None, (100, 100), (300, 100), (40, 20))

    assert (measured.product_figure, measured.peer_figure) == (100, 100)
    assert list(measured.ratios) == [1, 3, 2]
    assert measured.ratio == 2


@pytest.mark.parametrize(
    ("bound", "ratio", "reached", "stretched"),
    [
        (Bound.AT_LEAST, 0.9, False, False),
        (Bound.AT_LEAST, 1.0, True, False),
        (Bound.AT_LEAST, 2.0, True, True),
        (Bound.AT_MOST, 1.3, False, False),
        (Bound.AT_MOST, 1.2, True, False),
        (Bound.AT_MOST, 1.05, True, True),
    ],
)
def test_a_target_is_reached_at_its_limit(bound: Bound, ratio: float, reached: bool, stretched: bool) -> None:
    target = Target(bound, 1.0, 2.0) if bound is Bound.AT_LEAST else Target(bound, 1.2, 1.05)
    measured = result(target, (ratio, 1.0))

    assert (measured.reached, measured.stretched) == (reached, stretched)


def test_a_comparison_without_a_target_is_not_judged() -> None:
    assert result(None, (1, 2)).reached is None


def test_sides_take_turns_in_going_first() -> None:
    order: list[str] = []

    def side(name: str, figure: float) -> Sample:
        order.append(name)
        return Sample(figure)

    measured = alternate(
        3, product=lambda _: side("product", 2), peer=lambda _: side("peer", 1), report=lambda number, round_: None
    )

    assert order == ["product", "peer", "peer", "product", "product", "peer"]
    assert [round_.ratio for round_ in measured] == [2, 2, 2]


def test_results_are_written_with_their_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    target = Target(Bound.AT_LEAST, 1.0, 2.0)

    path = report.write("S0", [result(target, (10, 20), (30, 20), (30, 10))], quick=False)

    document = json.loads(path.read_text())
    assert path == tmp_path / "S0.json"
    assert {"cpu_count", "python", "packages", "measured_at", "commit"} <= document["machine"].keys()
    (written,) = document["results"]
    assert written["ratio"] == {"median": 1.5, "min": 0.5, "max": 3.0}
    assert written["reached"] is True
    assert written["stretch_reached"] is False
    assert [round_["product"]["figure"] for round_ in written["rounds"]] == [10, 30, 30]


def test_a_quick_run_leaves_the_kept_results_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "RESULTS", tmp_path)

    assert report.write("S0", [result(None, (1, 1))], quick=True) == tmp_path / "quick" / "S0.json"


def test_identity_numbers_are_distinct_and_pass_their_check() -> None:
    numbers = [people.identity_number(index) for index in range(0, 50_000, 7)]

    assert len(set(numbers)) == len(numbers)
    assert all(mod_11_2.is_valid(number) and number.startswith(people.AREA) for number in numbers)


def test_the_load_client_sends_each_request_once_and_reads_answers_that_come_in_pieces() -> None:
    received: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            received.append(head.split(b" ")[1])
            for piece in (b"HTTP/1.1 200 OK\r\nContent-Le", b"ngth: 4\r\n\r\nok", b"ok"):
                writer.write(piece)
                await writer.drain()
        writer.close()

    requests = [load.encode("GET", f"/{number}") for number in range(20)]

    assert asyncio.run(_served(answer, requests)).requests == 20
    assert sorted(received) == sorted(b"/%d" % number for number in range(20))


def test_the_load_client_stops_at_an_answer_that_is_not_a_success() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _head(reader)
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy")
        await writer.drain()
        writer.close()

    with pytest.raises(load.Refused, match="503 Service Unavailable"):
        asyncio.run(_served(answer, [load.encode("GET", "/")]))


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


async def _served(answer: Callable[..., Awaitable[None]], requests: list[bytes]) -> load.Load:
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        return await load.driven(port, requests, connections=3)
