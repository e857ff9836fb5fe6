"""`creditbank rules`: test, lint and explain rulebooks as files, before anybody publishes them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from creditbank.cli.outcome import Failed, say, say_json
from creditbank.domain import cases, rules
from creditbank.domain.cases import CaseResult, NoCases
from creditbank.domain.rules import Grant, InvalidRulebook, InvalidSituation, Refusal
from creditbank.domain.rules.explain import Language


def run_test(*, file: Path, as_json: bool) -> None:
    """Run the cases of a file. Raises Failed where one of them comes out otherwise."""
    try:
        results = list(cases.run_cases(read_document(file)))
    except NoCases as error:
        raise Failed(f"{file} has no cases: {error}") from None
    count = {status: sum(one.status == status for one in results) for status in ("passed", "failed", "skipped")}
    if as_json:
        say_json({**count, "cases": [asdict(one) for one in results]})
    else:
        for result in results:
            _say_result(result)
        say(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    if count["failed"]:
        raise Failed(f"{count['failed']} of {len(results)} cases failed")


def _say_result(result: CaseResult) -> None:
    if result.status == "passed":
        say(f"PASS {result.id}")
    elif result.status == "failed":
        say(f"FAIL {result.id}  {result.title}")
        say(f"  expected {_text(result.expected)}")
        say(f"  actual   {_text(result.actual)}")


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def run_lint(*, file: Path, as_json: bool) -> None:
    """Say what is wrong and what is odd in the rules of a file. Raises Failed where something is wrong."""
    document = read_document(file)
    faults, warnings = [], []
    for place, rulebook in _rulebooks(document):
        report = rules.check(rulebook)
        faults += [{"pointer": place + one.pointer, "detail": one.detail} for one in report.faults]
        warnings += [{"pointer": place + one.pointer, "detail": one.detail} for one in report.warnings]
    if as_json:
        say_json({"faults": faults, "warnings": warnings})
    else:
        for word, lines in (("FAULT", faults), ("WARNING", warnings)):
            for line in lines:
                say(f"{word} {line['pointer'] or 'the document'}: {line['detail']}")
        say(f"faults: {len(faults)}, warnings: {len(warnings)}")
    if faults:
        raise Failed(f"{file} cannot be used: it has faults")


def _rulebooks(document: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each rulebook with its place: those of a case file, or the document itself, which may be bare rules."""
    if not isinstance(document, Mapping) or document.get("format") != cases.CASE_FILE:
        yield "", document
        return
    try:
        found = cases.rulebooks_in(document)
    except NoCases as error:
        raise Failed(str(error)) from None
    for number, rulebook in enumerate(found):
        read = cases.read_by_the_engine(rulebook)
        yield f"/rulebooks/{number}{'' if 'rules' in read else '/rules'}", read


def run_explain(*, file: Path, case_id: str | None, language: Language, as_json: bool) -> None:
    """Evaluate the conversion cases of a file, or one of them, and say each grant and refusal as a sentence."""
    try:
        explained = [
            _explained(rulebook, case, language) for rulebook, case in _conversions(read_document(file), case_id)
        ]
    except NoCases as error:
        raise Failed(f"{file} has no cases: {error}") from None
    if not explained:
        raise Failed(f"{file} has no conversion case{'' if case_id is None else f' {case_id}'}")
    if as_json:
        say_json(explained)
        return
    for case in explained:
        say(f"{case['id']}  {case['title']}")
        for line in case["lines"]:
            say(f"  {line}")


def _conversions(document: Any, case_id: str | None) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    for rulebook in cases.rulebooks_in(document):
        for case in cases.cases_of(rulebook):
            if case.get("op") == "convert" and case_id in (None, case.get("id")):
                yield rulebook, case


def _explained(rulebook: Mapping[str, Any], case: Mapping[str, Any], language: Language) -> dict[str, Any]:
    try:
        compiled = rules.compile(cases.read_by_the_engine(rulebook))
        decision = rules.evaluate(compiled, case.get("given", {}))
    except (InvalidRulebook, InvalidSituation) as error:
        first = error.faults[0]
        raise Failed(f"case {case.get('id')} cannot be evaluated: {first.pointer} {first.detail}") from None
    lines: list[Grant | Refusal] = sorted([*decision.granted, *decision.refused], key=lambda line: line.request)
    sentences = [rules.explain(line, language) for line in lines]
    return {"id": case.get("id"), "title": case.get("title", ""), "lines": sentences}


def read_document(file: Path) -> Any:
    """The JSON of a file. Raises Failed where it cannot be read."""
    try:
        return json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise Failed(f"{file} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise Failed(f"{file} is no JSON document: {error}") from None
