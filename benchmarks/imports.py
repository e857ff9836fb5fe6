"""S11: a workbook of 100,000 certificates, from its upload to the last verdict, against reading it and nothing else."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import xlsxwriter  # type: ignore[import-untyped]
from python_calamine import CalamineWorkbook

from benchmarks import bank, people, report, server
from benchmarks.load import Refused
from benchmarks.measure import Bound, Result, Sample, Target, alternate
from benchmarks.running import running
from benchmarks.settings import Database, Settings

NAME = "S11"
ROWS = 100_000
TARGET = Target(Bound.AT_MOST, 8.0, 5.0)
LOOK_SECONDS = 0.05
HEADER = (
    "证书编号", "姓名", "证件类型", "证件号码", "证书标准", "等级", "发证日期", "学时", "成绩", "成绩制式",
    "考核站点", "考核方式", "人员类别", "是否补贴", "外部编号",
)  # fmt: skip
"""What a training organisation fills in of the template."""


def run(settings: Settings) -> list[Result]:
    return [_run(settings, database) for database in settings.among(Database.POSTGRESQL, Database.SQLITE)]


def _run(settings: Settings, database: Database) -> Result:
    rows = settings.scaled(ROWS)
    spawn = multiprocessing.get_context("spawn")
    with (
        running(settings, database) as one,
        ProcessPoolExecutor(1, mp_context=spawn) as process,
    ):
        key = bank.prepare(one.caller, one.authority).issuer
        files = [_workbook(one.directory, round_, rows) for round_ in range(settings.rounds)]
        process.submit(_read_seconds, files[0]).result()

        def product(round_: int) -> Sample:
            return _import(one.caller, key, one.serving, files[round_], rows)

        def peer(round_: int) -> Sample:
            return Sample(1000 * process.submit(_read_seconds, files[round_]).result())

        return Result(
            benchmark=NAME,
            title=f"an XLSX of {rows:,} certificates of new persons, to the last verdict",
            database=database,
            unit="ms",
            peer="python-calamine reading the same file",
            target=TARGET if database is Database.POSTGRESQL else None,
            rounds=alternate(settings.rounds, product=product, peer=peer, report=report.progress(NAME, database)),
            setup=one.store.setup,
        )


def _import(caller: bank.Bank, key: str, serving: server.Server, path: Path, rows: int) -> Sample:
    """Raises Refused unless every row was accepted."""
    content = path.read_bytes()
    cpu_started, started = serving.cpu_seconds(), time.perf_counter()
    sent = caller.send("/v1/imports", key, content, media_type="application/octet-stream")
    path_of = f"/v1/imports/{bank.read(sent)['import_id']}"
    read = 0.0
    while (standing := caller.get(path_of, key))["state"] in ("reading", "importing"):
        if not read and standing["state"] == "importing":
            read = time.perf_counter() - started
        time.sleep(LOOK_SECONDS)
    seconds = time.perf_counter() - started
    if standing["accepted"] != rows:
        raise Refused(f"{standing['accepted']} of {rows} accepted; {standing['problem']}")
    cpu_seconds = serving.cpu_seconds() - cpu_started
    details = {
        "read_ms": 1000 * read,
        "rows_per_second": rows / seconds,
        "server_cpu_us_per_row": 1e6 * cpu_seconds / rows,
    }
    return Sample(1000 * seconds, details)


def _workbook(directory: Path, round_: int, rows: int) -> Path:
    """As Excel writes it, with certificates of learners that no other round has."""
    path = directory / f"{round_}.xlsx"
    workbook = xlsxwriter.Workbook(str(path))
    sheet = workbook.add_worksheet()
    sheet.write_row(0, 0, HEADER)
    for row, index in enumerate(range(round_ * rows, (round_ + 1) * rows), start=1):
        sheet.write_row(row, 0, _cells(index))
    workbook.close()
    return path


def _cells(index: int) -> tuple[str, ...]:
    holder = people.holder(index)
    return (
        people.certificate_number(index),
        holder["name"],
        "居民身份证",
        holder["document"]["number"],
        people.STANDARD,
        people.LEVEL,
        people.ISSUED_ON,
        "48",
        str(60 + index % 40),
        "0-100",
        f"考点{index % 50:02}",
        "线下",
        "企业职工",
        "是" if index % 2 else "否",
        f"E{index:09}",
    )


def _read_seconds(path: Path) -> float:
    started = time.perf_counter()
    CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    return time.perf_counter() - started
