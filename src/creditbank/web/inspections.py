"""The report of an inspection as a page to print: in Chinese and English, on A4, without any person's data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

WORDS: Mapping[str, str] = {
    "accounts": "学习账户 Accounts",
    "decisions": "认定结论 Decisions",
    "organisations": "机构 Organisations",
}


def page(report: Mapping[str, Any]) -> str:
    """A whole HTML document, which needs nothing from elsewhere."""
    templates = Environment(
        loader=PackageLoader("creditbank.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return templates.get_template("inspection.html").render(report=report, words=WORDS)
