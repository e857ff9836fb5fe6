"""The columns of a certificate, the headers under which they come, and the words in which some values come."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

OWN_FIELD = "fields."
"""Before the name of a field of the issuer's own, which rulebooks may read."""

REQUIRED = ("number", "level", "issued_on", "standard")
"""Beside a person: a name with a document number, or an account."""

_NOTE = re.compile(r"[(（\[【〔].*?[)）\]】〕]")
_DECORATION = re.compile(r"[\s*＊:：_\-—/\\|、.。·'\"]+")
_OWN_FIELD = re.compile(r"fields\.[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)


@cache
def titles() -> Mapping[str, str]:
    """The header of each column in templates."""
    return {field: named["title"][0] for field, named in _data("headers.json").items()}


@cache
def synonyms() -> Mapping[str, str]:
    """Folded headers and the column that they name."""
    return {
        folded(word): field
        for field, named in _data("headers.json").items()
        for language in ("zh", "en", "pinyin")
        for word in [field, *named[language]]
    }


@cache
def words(field: str) -> Mapping[str, str]:
    """Folded words of a column with few values, and the value of each."""
    return {folded(word): value for value, known in _data("words.json")[field].items() for word in known}


def choices(field: str) -> list[str]:
    """The Chinese word for each value of a column with few of them."""
    return [known[1] for known in _data("words.json")[field].values()]


def is_column(field: str) -> bool:
    """Whether a mapping may name it."""
    return field in titles() or bool(_OWN_FIELD.fullmatch(field))


def folded(header: str) -> str:
    """A header as it is compared: width, case, blanks and punctuation folded away."""
    return _DECORATION.sub("", unicodedata.normalize("NFKC", header).casefold())


def without_notes(header: str) -> str:
    """The header without what stands in brackets, such as `(required)`."""
    return _NOTE.sub("", unicodedata.normalize("NFKC", header))


@cache
def _data(name: str) -> Mapping[str, Mapping[str, list[str]]]:
    content: Mapping[str, Mapping[str, list[str]]] = json.loads(files(__package__).joinpath(name).read_text("utf-8"))
    return content
