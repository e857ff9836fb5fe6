"""Numbers of people, organisations and certificates: how they are written the one way, checked, read and masked.

None of them is ever guessed right: what fails its check is refused with a reason.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from operator import mul
from typing import Final, Literal

LONGEST = 100
Reason = Literal["unknown_type", "empty", "too_long", "format", "date", "checksum", "issuer_prefix"]


class InvalidIdentifier(ValueError):
    """A number that cannot be what it is said to be. `reason` is stable; the number itself is never repeated."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Final[Reason] = reason


def _folded(text: str) -> str:
    """Width, case, space and invisible signs folded away."""
    if text.isascii() and text.isalnum():
        return text.upper()  # as nearly all numbers are
    wide = unicodedata.normalize("NFKC", text)
    return "".join(
        sign for sign in wide if not sign.isspace() and unicodedata.category(sign) not in ("Cf", "Cc")
    ).upper()


# Identity documents

_RESIDENT = re.compile(r"[0-9]{17}[0-9X]", re.ASCII)
_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_HOME_RETURN = re.compile(r"([HM][0-9]{8})(?:[0-9]{2})?", re.ASCII)
_TAIWAN = re.compile(r"[0-9]{8}|[0-9]{10}(?:\([A-Z]\)|[A-Z])?", re.ASCII)
_OLD_PERMANENT = re.compile(r"[A-Z]{3}[0-9]{12}", re.ASCII)
_PASSPORT = re.compile(r"[A-Z0-9]{5,20}", re.ASCII)
_LOCAL = re.compile(r"[A-Z0-9][A-Z0-9._]{1,31}[:/-]\S+")


def normalise(document_type: str, number: str) -> str:
    """The one way to write a document's number: the same document gives the same text. Raises InvalidIdentifier."""
    read = _DOCUMENTS.get(document_type)
    if read is None:
        raise InvalidIdentifier("unknown_type")
    if len(number) > LONGEST:
        raise InvalidIdentifier("too_long")
    folded = _folded(number)
    if not folded:
        raise InvalidIdentifier("empty")
    return read(folded)


def _resident_identity_card(number: str) -> str:
    """GB 11643-1999: region, date of birth, serial and a check sign (ISO 7064, MOD 11-2).

    The region is never judged: codes are retired and added, and 81, 82 and 83 are residence permits of people
    from Hong Kong, Macao and Taiwan, which follow the same rule.
    """
    if not _RESIDENT.fullmatch(number):
        raise InvalidIdentifier("format")
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise InvalidIdentifier("date") from None
    total = sum(map(mul, map(int, number[:17]), _RESIDENT_WEIGHTS))
    if "10X98765432"[total % 11] != number[17]:
        raise InvalidIdentifier("checksum")
    return number


def _home_return_permit(number: str) -> str:
    """Mainland travel permit of residents of Hong Kong (H) and Macao (M): a letter and eight digits.

    Older cards add two digits that count the issues of the card; they change with each one and name nobody.
    """
    match = _HOME_RETURN.fullmatch(number)
    if match is None:
        raise InvalidIdentifier("format")
    return match[1]


def _permanent_resident(number: str) -> str:
    """Foreign permanent resident: as GB 11643 has it, with 9 in front; on older cards three letters, twelve digits."""
    if _OLD_PERMANENT.fullmatch(number):
        return number
    if not number.startswith("9"):
        raise InvalidIdentifier("format")
    return _resident_identity_card(number)


def _shaped(pattern: re.Pattern[str], reason: Reason) -> Callable[[str], str]:
    """A number of which only the shape is known."""

    def read(number: str) -> str:
        if not pattern.fullmatch(number):
            raise InvalidIdentifier(reason)
        return number

    return read


_DOCUMENTS: Final[Mapping[str, Callable[[str], str]]] = {
    "CN-RIC": _resident_identity_card,
    "CN-HKM": _home_return_permit,
    "CN-TW": _shaped(_TAIWAN, "format"),
    "CN-FPR": _permanent_resident,
    "PASSPORT": _shaped(_PASSPORT, "format"),
    "LOCAL": _shaped(_LOCAL, "issuer_prefix"),
}
DOCUMENT_TYPES: Final = tuple(_DOCUMENTS)


# Organisations

_CREDIT_CODE_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_CODE = re.compile(f"[{_CREDIT_CODE_SIGNS}]{{2}}[0-9]{{6}}[{_CREDIT_CODE_SIGNS}]{{10}}", re.ASCII)
_CREDIT_CODE_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


def uscc_is_valid(code: str) -> bool:
    """Whether a unified social credit code (GB 32100-2015) passes its check; the check sign is any of 31 signs."""
    if not _CREDIT_CODE.fullmatch(code):
        return False
    total = sum(
        _CREDIT_CODE_SIGNS.index(sign) * weight for sign, weight in zip(code, _CREDIT_CODE_WEIGHTS, strict=False)
    )
    return _CREDIT_CODE_SIGNS[-total % 31] == code[17]


# Certificates

LEVEL_WORDS: Final = ("一级/高级技师", "二级/技师", "三级/高级工", "四级/中级工", "五级/初级工")
_CERTIFICATE_22 = re.compile(r"([SY])([0-9]{4})([0-9]{2})([0-9]{6})([0-9]{2})([1-5])([0-9]{6})", re.ASCII)
_CERTIFICATE_16 = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2})([0-4])([0-9]{3})([1-5])([0-9]{5})", re.ASCII)
KIND_WORDS: Final[Mapping[str, str]] = {"S": "social training evaluation organisation", "Y": "employer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillCertificateNumber:
    """The 22 signs of a vocational skill level certificate, read."""

    kind: str
    organisation: str
    province: str
    site: str
    year: int
    level: int
    serial: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QualificationNumber:
    """The 16 digits of an old national vocational qualification certificate, read."""

    year: int
    province: str
    city: str
    body_kind: str
    body: str
    level: int
    serial: str


def normalise_certificate_number(number: str) -> str:
    """The number as it is compared over the whole bank: width and case folded, no space, no invisible signs."""
    return _folded(number)


def parse_certificate_22(number: str) -> SkillCertificateNumber:
    """S or Y, organisation 4, province 2, site 6, year 2, level 1, serial 6 (rules of the human resources ministry
    for certificates of vocational skill levels). Raises InvalidIdentifier.
    """
    match = _CERTIFICATE_22.fullmatch(normalise_certificate_number(number))
    if match is None:
        raise InvalidIdentifier("format")
    kind, organisation, province, site, year, level, serial = match.groups()
    return SkillCertificateNumber(
        kind=kind,
        organisation=organisation,
        province=province,
        site=site,
        year=2000 + int(year),
        level=int(level),
        serial=serial,
    )


def parse_certificate_16(number: str) -> QualificationNumber:
    """Year 2, province or ministry 2, city 2, kind of body 1, body 3, level 1, serial 5. Raises InvalidIdentifier.

    Years above 80 belong to the last century: the certificates began in the nineties and ended in 2020.
    """
    match = _CERTIFICATE_16.fullmatch(normalise_certificate_number(number))
    if match is None:
        raise InvalidIdentifier("format")
    year, province, city, body_kind, body, level, serial = match.groups()
    return QualificationNumber(
        year=int(year) + (1900 if int(year) > 80 else 2000),
        province=province,
        city=city,
        body_kind=body_kind,
        body=body,
        level=int(level),
        serial=serial,
    )


@dataclass(frozen=True, slots=True)
class Contradiction:
    """One thing that a certificate's number says otherwise than the fields posted with it."""

    field: Literal["level", "issued_on", "assessor_kind"]
    in_number: str
    posted: str


def contradictions(
    number: str, level: str | None, issued_on: date | None, assessor_kind: str | None = None
) -> list[Contradiction]:
    """Compare a 22-character number with what was posted. Other numbers and words of other scales say nothing."""
    try:
        says = parse_certificate_22(number)
    except InvalidIdentifier:
        return []
    found = []
    if level is not None and any(step != says.level for step in _skill_levels(level)):
        found.append(Contradiction("level", LEVEL_WORDS[says.level - 1], level))
    if issued_on is not None and issued_on.year != says.year:
        found.append(Contradiction("issued_on", str(says.year), issued_on.isoformat()))
    if assessor_kind is not None and assessor_kind != says.kind:
        found.append(Contradiction("assessor_kind", says.kind, assessor_kind))
    return found


_LEVEL_SPELLINGS: Final = {
    1: ("一级", "壹级", "高级技师"),
    2: ("二级", "贰级", "技师"),
    3: ("三级", "叁级", "高级工", "高级技能"),
    4: ("四级", "肆级", "中级工", "中级技能"),
    5: ("五级", "伍级", "初级工", "初级技能"),
}
_LEVELS: Final = {word: step for step, words in _LEVEL_SPELLINGS.items() for word in (*words, f"{step}级", str(step))}
_LEVEL_PREFIX = re.compile("国家职业资格|职业资格|职业技能等级|职业技能")
_BETWEEN_LEVELS = re.compile(r"[/／、,，;；·()（）\-—|]+")


def _skill_levels(level: str) -> list[int]:
    """The steps of the five-step skill scale that the text names. 初级, 中级 and 高级 alone are another scale."""
    words = _BETWEEN_LEVELS.split(_LEVEL_PREFIX.sub("", _folded(level)))
    return [_LEVELS[word] for word in words if word in _LEVELS]


# Masks


def mask_name(name: str) -> str:
    """The first sign, and a star for each other one: enough for somebody who knows the name, too little to learn it."""
    return name[:1] + "*" * (len(name) - 1) if len(name) > 1 else "*" * len(name)


def mask_number(number: str) -> str:
    """At most four signs at each end and never more than half of them all."""
    kept = min(4, len(number) // 4)
    return number if not number else number[:kept] + "*" * (len(number) - 2 * kept) + number[len(number) - kept :]
