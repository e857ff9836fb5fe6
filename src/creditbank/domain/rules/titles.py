"""`title_key`: how the names of two courses are compared where they have no codes."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

from creditbank.domain.rules.clause import Clause
from creditbank.domain.rules.situation import Thing

Fold = Literal["spaces", "punctuation", "case", "width", "ordinals"]

_ROMAN_NAMES = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
_ROMAN = {name: str(number) for number, name in enumerate(_ROMAN_NAMES, 1)}
_ROMAN_SIGNS = {chr(0x2160 + number): str(number + 1) for number in range(12)}
_HAN = {name: str(number) for number, name in enumerate([*"一二三四五六七八九十", "十一", "十二"], 1)}
_ROMAN_WORD = re.compile(r"(?<![A-Za-z])(X?I{1,3}|I[VX]|X?VI{0,3}|XI?)(?![A-Za-z])")
_HAN_ORDINAL = re.compile(r"(?:(?<=[(（])|第|(?<=\S))(十[一二]|[一二三四五六七八九十])(?=[)）]|$)")


class TitleKey(Clause):
    """Which differences between two names do not matter."""

    fold: tuple[Fold, ...]

    def key(self, title: str) -> str:
        """What is left of a name once everything that does not matter is folded away."""
        if "ordinals" in self.fold:
            title = "".join(_ROMAN_SIGNS.get(sign, sign) for sign in title)
            title = _ROMAN_WORD.sub(lambda word: _ROMAN.get(word[1], word[1]), title)
            title = _HAN_ORDINAL.sub(lambda word: _HAN[word[1]], title)
        if "width" in self.fold:
            title = unicodedata.normalize("NFKC", title)
        if "case" in self.fold:
            title = title.casefold()
        if "punctuation" in self.fold:
            title = "".join(sign for sign in title if unicodedata.category(sign)[0] not in "PS")
        if "spaces" in self.fold:
            title = "".join(title.split())
        return title


CourseName = tuple[str | None, str | None]
"""A course's code, where it has one, and its folded title."""


def course_name(target: str | None, course: Thing, entry: Thing | None, title_key: TitleKey) -> CourseName:
    """A course whose key is its title has no code; nor has an entry that only tells the title."""
    title = course.text("name") or (entry and (entry.text("name") or entry.text("title"))) or None
    if target is None or title is None or title == target:
        title = title or target
        return None, None if title is None else title_key.key(title)
    return target, title_key.key(title)


def same_course(one: CourseName, other: CourseName) -> bool:
    """Codes decide where both are known, else the folded titles."""
    if one[0] is not None and other[0] is not None:
        return one[0] == other[0]
    return one[1] is not None and one[1] == other[1]
