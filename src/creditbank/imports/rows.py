"""Judges a row by itself: every column read, every fault said, and the number looked for in the rows before."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from creditbank.domain.identifiers import InvalidIdentifier, normalise, normalise_certificate_number
from creditbank.domain.values import MOST_NUMBER
from creditbank.imports import cells, columns
from creditbank.imports.cells import Cell, Unfit
from creditbank.imports.dates import EPOCH_1900, civil_date
from creditbank.imports.texts import Refused, Said

Values = dict[str, Any]
Read = Callable[[Cell], Any]

TEXT_LENGTH = 200
NUMBER_LENGTH = 100
SCORE_LENGTH = 64
MOST_EVIDENCE = 20
MOST_KNOWN = 256
"""Texts of a column that are read once: most columns hold few words, again and again."""

_HOURS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,4})?")
_MARK = re.compile(r"[0-9]+(\.[0-9]*)?|\.[0-9]+")
_LOST_TAIL = re.compile(r"[0-9]{15}000")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MEDIA_TYPE = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+")


class Column(NamedTuple):
    """A column of the file that counts: its header, what it is, how its cells are read, and some that were read."""

    header: str
    field: str
    read: Read
    known: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Whose rows these are, and the names under which standards are known, all of them folded."""

    names: frozenset[str]
    standards: Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class Judge:
    """Judges the rows of one file, in their order. `constants` hold where a cell is empty or missing.

    Raises Refused for a constant that is unfit.
    """

    sender: Sender
    constants: Mapping[str, str] = field(default_factory=dict)
    epoch: date = EPOCH_1900
    _rows_by_number: dict[str, int] = field(default_factory=dict)
    _constants: list[tuple[str, Any]] = field(default_factory=list)
    _headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, constant in self.constants.items():
            try:
                self._constants.append((name, self._reader(name)(constant)))
            except Unfit as unfit:
                raise Refused("constant_unfit", columns=columns.titles().get(name, name)) from unfit

    def column(self, header: str, name: str) -> Column:
        """A column that comes under this header."""
        self._headers[name] = header
        return Column(header, name, self._reader(name), {})

    def judge(self, row: int, found: Iterable[tuple[Column, Cell]]) -> tuple[Values, list[Said]]:
        """What could be read, and everything that is wrong with the row."""
        values: Values = {}
        faults: list[Said] = []
        for column, cell in found:
            if cell is None or cell == "":
                continue
            if isinstance(cell, str) and cell in column.known:
                values[column.field] = column.known[cell]
                continue
            try:
                if (value := column.read(cell)) not in (None, ""):
                    values[column.field] = value
                    if isinstance(cell, str) and len(column.known) < MOST_KNOWN:
                        column.known[cell] = value
            except Unfit as unfit:
                faults.append(Said(unfit.code, column.header, unfit.facts))
                values[column.field] = None
            except (ValueError, OverflowError):  # of a kind that nobody thought of: the fault of one cell, no more
                faults.append(Said("value_invalid", column.header))
                values[column.field] = None
        for name, constant in self._constants:
            values.setdefault(name, constant)
        self._check_person(values, faults)
        faults += [Said("field_missing", self._header(name)) for name in columns.REQUIRED if name not in values]
        self._check_repetition(row, values, faults)
        self._settle_score(values)
        return {name: value for name, value in values.items() if value is not None}, faults

    def _check_person(self, values: Values, faults: list[Said]) -> None:
        if values.get("account_id"):
            return
        faults += [
            Said("field_missing", self._header(name)) for name in ("name", "document_number") if name not in values
        ]
        number = values.get("document_number")
        kind = values.get("document_type", "CN-RIC")
        if not number or kind is None:
            return
        values["document_type"] = kind
        try:
            values["document_number"] = normalise(kind, number)
        except InvalidIdentifier:
            lost = kind == "CN-RIC" and _LOST_TAIL.fullmatch(number)
            code = "number_damaged" if lost else "identity_number_invalid"
            faults.append(Said(code, self._header("document_number")))
            values["document_number"] = None

    def _check_repetition(self, row: int, values: Values, faults: list[Said]) -> None:
        if not (number := values.get("number")):
            return
        normalised = normalise_certificate_number(number)
        first = self._rows_by_number.setdefault(normalised, row)
        if first != row:
            faults.append(Said("duplicate_in_file", self._header("number"), {"row": first}))

    def _settle_score(self, values: Values) -> None:
        if (score := values.get("score")) and not values.get("score_scale"):
            is_mark = _MARK.fullmatch(score) and float(score) <= 100
            values["score_scale"] = "0-100" if is_mark else "grade"

    def _header(self, name: str) -> str:
        return self._headers.get(name) or columns.titles()[name]

    def _reader(self, name: str) -> Read:
        if name.startswith(columns.OWN_FIELD):
            return _own_field
        match name:
            case "issued_on" | "expires_on" | "birth_date":
                return self._date
            case "issuer":
                return self._issuer
            case "standard":
                return self._standard
            case _:
                return _READERS[name]

    def _date(self, cell: Cell) -> str | None:
        found = civil_date(cell, self.epoch)
        return None if found is None else found.isoformat()

    def _issuer(self, cell: Cell) -> None:
        found = cells.code(cell)
        if found and columns.folded(found) not in self.sender.names:
            raise Unfit("organisation_foreign")

    def _standard(self, cell: Cell) -> str:
        found = _bounded(cells.code(cell))
        return self.sender.standards.get(columns.folded(found), found)


def _bounded(text: str, most: int = TEXT_LENGTH) -> str:
    if len(text) > most:
        raise Unfit("too_long", most=most)
    return text


def _text(cell: Cell) -> str:
    return _bounded(cells.text(cell))


def _name(cell: Cell) -> str:
    return _bounded(cells.name(cell))


def _number(cell: Cell) -> str:
    found = _bounded(cells.number(cell), NUMBER_LENGTH)
    if found and not normalise_certificate_number(found):
        raise Unfit("value_invalid")
    return found


def _document_number(cell: Cell) -> str:
    return _bounded(cells.number(cell), SCORE_LENGTH)


def _code_text(cell: Cell) -> str:
    return _bounded(cells.code(cell))


def _account(cell: Cell) -> str:
    try:
        return str(UUID(cells.code(cell)))
    except ValueError:
        raise Unfit("value_invalid") from None


def _hours(cell: Cell) -> str:
    found = cells.code(cell)
    if found and not _HOURS.fullmatch(found):
        raise Unfit("value_invalid")
    return found


def _score(cell: Cell) -> str:
    return _bounded(cells.code(cell), SCORE_LENGTH)


def _own_field(cell: Cell) -> str | int | float | bool:
    if isinstance(cell, bool | int):
        if abs(cell) > MOST_NUMBER:
            raise Unfit("value_invalid")
        return cell
    return _bounded(cells.text(cell))


def _evidence(cell: Cell) -> list[dict[str, str]]:
    if not isinstance(cell, list) or len(cell) > MOST_EVIDENCE:
        raise Unfit("value_invalid")
    return [_one_evidence(one) for one in cell]


def _one_evidence(one: Any) -> dict[str, str]:
    match one:
        case {"sha256": str(sha256), "media_type": str(media_type)} if len(one) == 2:
            if _SHA256.fullmatch(sha256) and _MEDIA_TYPE.fullmatch(media_type) and len(media_type) <= NUMBER_LENGTH:
                return {"sha256": sha256, "media_type": media_type}
    raise Unfit("value_invalid")


def _word(name: str) -> Read:
    """One of few values, by any of its words."""

    def read(cell: Cell) -> str | None:
        said = cells.shown(cell) if isinstance(cell, bool) else cell
        if not (found := cells.code(said)):
            return None
        known = columns.words(name)
        if (value := known.get(columns.folded(found))) is None:
            raise Unfit("value_unknown", known=", ".join(dict.fromkeys(known.values())))
        return value

    return read


_READERS: Mapping[str, Read] = {
    "number": _number,
    "name": _name,
    "document_type": _word("document_type"),
    "document_number": _document_number,
    "account_id": _account,
    "level": _code_text,
    "hours": _hours,
    "score": _score,
    "score_scale": _score,
    "site": _text,
    "assessment_mode": _word("assessment_mode"),
    "learner_group": _word("learner_group"),
    "subsidised": _word("subsidised"),
    "guardian_consent": _word("guardian_consent"),
    "external_id": _code_text,
    "evidence": _evidence,
}
