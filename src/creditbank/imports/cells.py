"""What stands in a cell, made the one way to write it. Whatever is not certain is refused with a reason."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

Cell = str | int | float | bool | date | datetime | time | timedelta | list[Any] | dict[str, Any] | None

EXACT_DIGITS = 15
"""More digits than these a spreadsheet does not keep in a number."""

_HALF_WIDTH = {0xFF01 + offset: 0x21 + offset for offset in range(94)} | {0x3000: 0x20}
_INVISIBLE = dict.fromkeys([*range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, 0x2061, 0xFEFF, 0x00AD])
_DOTS = dict.fromkeys(map(ord, "•・．‧∙⋅･᛫"), "·")
_SCIENTIFIC = re.compile(r"[0-9](\.[0-9]+)?[Ee]\+?[0-9]{2}")
_FORMULA = re.compile(r"=[A-Za-z@(+\-]")
_APOSTROPHE = re.compile(r"['＇](?=[=+\-@\t\r]|[0-9])")
_IDEOGRAPHS = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]+(\s+[\u3400-\u9fff\U00020000-\U0003ffff]+)+")

_PRIVATE = str.maketrans(
    "\ue78d\ue78e\ue78f\ue790\ue791\ue792\ue793\ue794\ue795\ue796\ue7c7\ue816\ue817\ue818\ue81e\ue826"
    "\ue82b\ue82c\ue831\ue832\ue83b\ue843\ue854\ue855\ue864",
    "\ufe10\ufe12\ufe11\ufe13\ufe14\ufe15\ufe16\ufe17\ufe18\ufe19\u1e3f\U00020087\U00020089\U000200cc\u9fb4\u9fb5"
    "\u9fb6\u9fb7\U000215d7\u9fb8\U0002298f\u9fb9\u9fba\U000241fe\u9fbb",
)
"""Characters that GB 18030-2000 and -2005 had in the private area, where GB 18030-2022 puts them. Python's codec
follows the older table."""


class Unfit(ValueError):
    """A cell that cannot be what its column says. `facts` are what the sentence mentions."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


def text(cell: Cell) -> str:
    """One line of text; empty for an empty cell. Raises Unfit, also for yes, no and lists: those are no text."""
    if type(cell) is str:
        is_plain = cell.isprintable() and cell[:1] not in "'=＇" and "\ufffd" not in cell
        return cell.strip() if is_plain else _cleaned(cell)
    if isinstance(cell, bool | list | dict):
        raise Unfit("value_invalid")
    return "" if cell is None else shown(cell)


def _cleaned(cell: str) -> str:
    found = cell.translate(_INVISIBLE).translate(_PRIVATE).strip()
    if _APOSTROPHE.match(found):
        found = found[1:]
    elif _FORMULA.match(found):
        raise Unfit("formula_text")
    for sign in found:
        if unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp"):
            raise Unfit("control_character")
        if unicodedata.category(sign) == "Co":
            raise Unfit("private_character")
        if sign == "\ufffd":
            raise Unfit("replacement_character")
    return found


def shown(cell: Cell) -> str:
    """A cell as text, whatever it holds: as its sender would have typed it."""
    match cell:
        case None:
            return ""
        case str():
            return cell
        case bool():
            return "true" if cell else "false"
        case float():
            return str(int(cell)) if cell.is_integer() and abs(cell) < 1e18 else str(Decimal(repr(cell)))
        case datetime():
            return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ")
        case date() | time():
            return cell.isoformat()
        case _:
            return str(cell)


def well_formed(text: str) -> str:
    """The text without halves of surrogate pairs, which JSON may hold, and which are no characters of any encoding."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def code(cell: Cell) -> str:
    """Text of numbers and codes: full-width signs become the usual ones. Raises Unfit."""
    found = text(cell)
    return found if found.isascii() else found.translate(_HALF_WIDTH).strip()


def number(cell: Cell) -> str:
    """A long number as text. Raises Unfit where a spreadsheet has lost its last digits."""
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        if not abs(cell) < 10**EXACT_DIGITS or cell != int(cell):
            raise Unfit("number_damaged")
        return str(int(cell))
    found = code(cell)
    if len(found) > 5 and _SCIENTIFIC.fullmatch(found):
        raise Unfit("number_damaged")
    return found


def name(cell: Cell) -> str:
    """A person's name as issued; only dots, blanks and what nobody sees are made uniform. Raises Unfit."""
    found = text(cell)
    if found.isascii():
        return found
    found = found.translate(_DOTS)
    return "".join(found.split()) if _IDEOGRAPHS.fullmatch(found) else found
