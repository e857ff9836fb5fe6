"""`creditbank inspect`: what is drawn stays what it was, is checked in full, and is written down to print."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text, update

from creditbank.commands.accounts import LookUp
from creditbank.domain import draws
from creditbank.domain.events import AccountOpened, DealingOpened
from creditbank.ledger.database import open_engine
from creditbank.projections.lots import lot
from tests.audit.bank import fill
from tests.audit.test_differences import use
from tests.cli.conftest import Command, Operator, Result
from tests.cli.history import append
from tests.commands.bank import NOW, award, bank_on, body, furnish, holder, open_desk, tell

ANNOUNCED = "fourth quarter"
OVER = datetime.fromtimestamp(NOW / 1_000_000, UTC).isoformat()
"""The moment of the last event of these banks."""
DRAW = ["--announced", ANNOUNCED, "--accounts", "3", "--decisions", "100%", "--organisations", "1", "--json"]


def _published(url: str, folder: Path) -> None:
    engine = open_engine(url)
    with open_desk(bank_on(engine)) as desk:
        furnish(desk)
        account_id = UUID(body(tell(desk, award("N1", holder("learner"))))["account_id"])
        tell(desk, LookUp(holder=holder("learner"), institution="college"))
        tell(desk, use("exemption", account_id, "N1", "BIM1"))
    fill(engine, 12, first=30, furnished=True)
    engine.dispose()
    Operator(url, folder).run("publish", "--once")


BEGINNINGS = {"bank": _published}


@pytest.fixture
def bank(database_url: str, creditbank: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command line on a bank with nine learners, of whom one has an exemption; all published."""
    monkeypatch.setenv("CREDITBANK_DATABASE_URL", database_url)
    (tmp_path / "inspectors.csv").write_text(
        "name,organisation\n李检查,college\n王检查,\nZhang,HBVTC\nZhao,authority\nOf the issuer,BIM-EVAL\n", "utf-8"
    )
    return creditbank


def inspected(bank: Command, tmp_path: Path, *options: str) -> Result:
    return bank("inspect", "--inspectors", str(tmp_path / "inspectors.csv"), *DRAW, *options)


def named(report: dict[str, Any]) -> list[tuple[str, str, list[str]]]:
    return [(one["kind"], one["id"], one["inspectors"]) for one in report["items"]]


def test_what_was_drawn_is_checked_and_holds(bank: Command, tmp_path: Path) -> None:
    ended = inspected(bank, tmp_path)

    assert ended.code == 0, ended.err
    found = ended.json
    assert [one["kind"] for one in found["items"]] == ["accounts"] * 3 + ["decisions", "organisations"]
    assert (found["wrong"], [one["faults"] for one in found["items"]]) == (0, [[]] * 5)
    assert all(one["proven"] == one["events"] for one in found["items"]), "every event stands in the public log"
    [decision] = [one["decision"] for one in found["items"] if one["kind"] == "decisions"]
    assert (decision["kind"], decision["institution"]) == ("exemption", "college")
    assert re.fullmatch("[0-9a-f]{64}", decision["rules_sha256"])


def test_the_same_draw_later_gives_the_same(bank: Command, engine: Engine, tmp_path: Path) -> None:
    first = inspected(bank, tmp_path).json
    size = first["frozen"].removeprefix("checkpoint ")
    for number in range(1, 10):
        append(engine, UUID(int=number), 1, AccountOpened(opened_by="BIM-EVAL"), NOW)
    for one in first["items"]:
        if one["kind"] == "accounts":
            # Now an inspector's organisation has to do with it; when it was drawn it had not.
            opened = DealingOpened(institution="HBVTC", basis="lookup")
            append(engine, UUID(one["id"]), one["events"] + 1, opened, NOW)
    assert (bank("rebuild").code, bank("publish", "--once").code) == (0, 0)

    again, other = inspected(bank, tmp_path, "--checkpoint", size).json, inspected(bank, tmp_path).json

    assert named(again) == named(first)
    assert again["populations"] == first["populations"]
    assert other["populations"][0]["size"] == first["populations"][0]["size"] + 9
    assert named(other) != named(first)


def test_anybody_repeats_the_draw_from_the_lists(bank: Command, tmp_path: Path) -> None:
    found = inspected(bank, tmp_path, "--lists", str(tmp_path / "lists")).json
    accounts = (tmp_path / "lists" / "accounts.txt").read_text().split()

    drawn = draws.draw(draws.seed(found["public"], ANNOUNCED), "accounts", accounts, 3)

    assert drawn == [one["id"] for one in found["items"] if one["kind"] == "accounts"]
    assert len(accounts) == found["populations"][0]["size"]


def test_nobody_inspects_what_the_own_organisation_has_to_do_with(bank: Command, tmp_path: Path) -> None:
    found = inspected(bank, tmp_path, "--accounts", "100%").json

    for one in found["items"]:
        assert len(set(one["inspectors"])) == 2
        if one["kind"] != "organisations":
            assert "Of the issuer" not in one["inspectors"], "who issued every certificate of this bank"
    [by] = [one["inspectors"] for one in found["items"] if one["kind"] == "decisions"]
    assert "李检查" not in by, "of the college that decided"


def test_too_few_who_may_inspect_are_told(bank: Command, tmp_path: Path) -> None:
    ended = inspected(bank, tmp_path, "--each", "4")

    assert ended.code == 1
    assert "4 inspectors are wanted, and " in ended.err


def test_what_does_not_hold_is_an_integrity_violation(bank: Command, engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        connection.execute(update(lot).values(credits=1))
    ended = inspected(bank, tmp_path, "--accounts", "100%", "--report", str(tmp_path / "report.html"))

    assert ended.code == 3
    accounts = [one for one in ended.json["items"] if one["kind"] == "accounts"]
    assert {fault for one in accounts for fault in one["faults"]} == {"certificates is not what history says"}
    assert "不符 does not hold" in (tmp_path / "report.html").read_text("utf-8")


def test_an_event_that_is_not_what_was_published_is_found(bank: Command, engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE event SET actor = 'somebody' WHERE type = 'account-opened/1'"))

    ended = inspected(bank, tmp_path)

    assert ended.code == 3
    assert any(fault.startswith("public log: ") for one in ended.json["items"] for fault in one["faults"])


def test_the_report_is_a_page_to_print_without_anything_personal(bank: Command, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    found = inspected(bank, tmp_path, "--report", str(report)).json
    page = report.read_text("utf-8")

    assert "@page { size: A4" in page
    assert all(text in page for text in ("双随机抽查记录", "Double-random inspection", found["seed"], ANNOUNCED))
    assert all(one["id"] in page for one in found["items"])
    assert "N1" not in page, "no number of a certificate"
    assert "http" not in page, "nothing from elsewhere"


def test_a_moment_freezes_too_and_wants_a_public_value(bank: Command, tmp_path: Path) -> None:
    assert inspected(bank, tmp_path, "--known-at", OVER).code == 1
    options = ["--known-at", OVER, "--seed", "lottery 01 07 12 23 29 33"]

    first, again = inspected(bank, tmp_path, *options), inspected(bank, tmp_path, *options)

    assert first.code == 0, first.err
    assert named(first.json) == named(again.json)
    unsure = inspected(bank, tmp_path, "--known-at", "2200-01-01T00:00:00Z", "--seed", "x")
    assert (unsure.code, "not over" in unsure.err) == (1, True)
    nothing = inspected(bank, tmp_path, "--known-at", "2000-01-01T00:00:00Z", "--seed", "x")
    assert (nothing.code, nothing.json["items"]) == (0, [])


def test_each_stratum_gives_its_share(bank: Command, tmp_path: Path) -> None:
    found = inspected(bank, tmp_path, "--stratified", "--organisations", "1").json
    strata = [one["stratum"] for one in found["items"] if one["kind"] == "organisations"]

    assert len(set(strata)) == len(strata) > 1


def test_without_anything_published_a_moment_has_to_be_named(
    database_url: str, engine: Engine, creditbank: Command, tmp_path: Path
) -> None:
    (tmp_path / "inspectors.csv").write_text("name,organisation\nA,\nB,\n")
    fill(engine, 3)
    ended = creditbank("inspect", "--inspectors", str(tmp_path / "inspectors.csv"), *DRAW, url=database_url)

    assert (ended.code, "--known-at" in ended.err) == (1, True)
    options = ["--known-at", OVER, "--seed", "lottery"]
    drawn = creditbank("inspect", "--inspectors", str(tmp_path / "inspectors.csv"), *DRAW, *options)
    assert (drawn.code, {one["proven"] for one in drawn.json["items"]}) == (0, {None})


def test_what_cannot_be_meant_is_refused(bank: Command, tmp_path: Path) -> None:
    assert inspected(bank, tmp_path, "--accounts", "many").code == 2
    assert inspected(bank, tmp_path, "--checkpoint", "1", "--known-at", OVER).code == 2
    assert inspected(bank, tmp_path, "--checkpoint", "7777").code == 1
    (tmp_path / "inspectors.csv").write_text("who\nsomebody\n")
    assert inspected(bank, tmp_path).code == 1
