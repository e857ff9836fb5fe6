"""Pages of a list: where the next one begins, signed so that nobody can point elsewhere."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl, urlencode

from fastapi import Depends, Query, Request
from pydantic_core import from_json, to_json
from starlette.types import Scope

from creditbank.api.middleware import ANSWER_HEADERS
from creditbank.api.problems import instance_of
from creditbank.domain.errors import CursorInvalid

SortKey = Sequence[str | int | None]
Row = TypeVar("Row")

_TAG_BYTES = 12
_LONGEST = 2048


class Cursors:
    """Issues and reads cursors under one secret, which all processes of a bank share."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def encode(self, key: SortKey, filters: str) -> str:
        """An opaque cursor that says: go on after this sort key, in the list that these filters select."""
        content = to_json(list(key))
        return urlsafe_b64encode(self._tag(content, filters) + content).decode().rstrip("=")

    def decode(self, cursor: str, filters: str) -> list[Any]:
        """The sort key. Raises CursorInvalid for what this bank did not issue for these filters."""
        try:
            if len(cursor) > _LONGEST:
                raise CursorInvalid
            signed = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        except (UnicodeEncodeError, NotBase64):
            raise CursorInvalid from None
        tag, content = signed[:_TAG_BYTES], signed[_TAG_BYTES:]
        if not hmac.compare_digest(tag, self._tag(content, filters)):
            raise CursorInvalid
        key: list[Any] = from_json(content)
        return key

    def _tag(self, content: bytes, filters: str) -> bytes:
        message = sha256(filters.encode()).digest() + content
        return hmac.digest(self._secret, message, "sha256")[:_TAG_BYTES]


class Page:
    """What a caller asks of a list; a dependency. The cursors are those of the application's state."""

    def __init__(
        self,
        request: Request,
        limit: Annotated[int, Query(ge=1, le=1000, description="At most so many items.")] = 50,
        cursor: Annotated[str | None, Query(description="Where the page before ended, as it told.")] = None,
    ) -> None:
        self.limit = limit
        self._scope = request.scope
        self._cursors: Cursors = request.app.state.cursors
        self._filters = _filters_of(request.scope)
        self.after: list[Any] | None = None if cursor is None else self._cursors.decode(cursor, self._filters)
        """The sort key after which the page begins; None for the first page."""

    def cut(
        self, rows: Sequence[Row], key_of: Callable[[Row], Sequence[str | int | None]]
    ) -> tuple[list[Row], str | None]:
        """The rows of this page and the cursor of the next one, which a Link header then announces."""
        page = list(rows[: self.limit])
        if len(rows) <= self.limit or not page:
            return page, None
        cursor = self.cursor_after(key_of(page[-1]))
        self.link(cursor)
        return page, cursor

    def of(self, items: Sequence[dict[str, Any]], id_of: Callable[[dict[str, Any]], str]) -> dict[str, Any]:
        """The page of a list that is there as a whole, and short, in an order that never changes but at its end."""
        ids = [id_of(item) for item in items]
        begin = ids.index(self.after[0]) + 1 if self.after and self.after[0] in ids else 0
        page, cursor = self.cut(items[begin:], lambda item: [id_of(item)])
        return {"items": page, "next_cursor": cursor}

    def cursor_after(self, key: SortKey) -> str:
        """The cursor that goes on after this sort key."""
        return self._cursors.encode(key, self._filters)

    def link(self, cursor: str) -> None:
        """Announce the page that begins at this cursor in a Link header."""
        kept = [(name, value) for name, value in parse_qsl(_query(self._scope)) if name != "cursor"]
        target = f"{instance_of(self._scope)}?{urlencode([*kept, ('cursor', cursor)])}"
        self._scope["state"].setdefault(ANSWER_HEADERS, []).append((b"link", f'<{target}>; rel="next"'.encode()))


PageAsked = Annotated[Page, Depends()]


def _filters_of(scope: Scope) -> str:
    """The path and all parameters that select, in a fixed order: a cursor of one list does not open another."""
    selecting = sorted(pair for pair in parse_qsl(_query(scope)) if pair[0] not in {"cursor", "limit"})
    return f"{instance_of(scope)}?{urlencode(selecting)}"


def _query(scope: Scope) -> str:
    return str(scope["query_string"].decode("latin-1"))
